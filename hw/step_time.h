/* The time of one engine step: the door between engines and hardware.
 *
 * A batch shape goes in; its device time and where the time went come out. Models behind the door: `tile` (closed-form
 * tile model, hw/tile) and `profile` (measured kernel tables, hw/profile). Callers know nothing of tiles, kernels or
 * tables; models know nothing of programs or schedulers.
 *
 * Definition. The device time of a decode-only step with B sequences is an integer, piecewise-linear function of the
 * sum of their contexts; everything below evaluates that one function, so stepping and fast-forwarding agree to the
 * picosecond. Kernel times are computed in double precision (IEEE basic operations, sqrt and base/pmath only: the same
 * bits on every x86-64 machine) and rounded once to picoseconds.
 */
#ifndef ASIM_HW_STEP_TIME_H
#define ASIM_HW_STEP_TIME_H

#include "base/diag.h"
#include "base/simtime.h"

#include <stdint.h>

/* Where a step's time goes. */
enum step_bound { STEP_COMPUTE, STEP_HBM, STEP_LINK, STEP_HOST, STEP_BOUNDS };

struct step_cost {
    simtime total;             /* picoseconds */
    simtime part[STEP_BOUNDS]; /* sums to total */
};

/* A prefill chunk: `tokens` new tokens on top of `context` tokens already in the cache. */
struct prefill_chunk {
    uint32_t tokens;
    uint32_t context;
    uint8_t sampled; /* 1 when the chunk completes its prompt, so that a token is sampled */
};

struct batch_shape {
    uint32_t n_decode;       /* sequences that decode one token */
    uint64_t decode_context; /* sum over them of tokens in the cache after this step (own new token included) */
    uint32_t n_chunks;
    const struct prefill_chunk *chunks; /* in the order they were scheduled */
};

/* One linear piece of the decode function: time = base + slope * (context - from) for from <= context < to. */
struct decode_piece {
    uint64_t from;
    uint64_t to;
    simtime base;                /* at `from` */
    simtime slope;               /* ps per context token, >= 0 */
    simtime part[STEP_BOUNDS];   /* of base */
    enum step_bound slope_bound; /* which part the slope belongs to */
};

/* Threads may share a model: decode functions are built when first asked for and published atomically, and do not
 * depend on who asks first. */
struct step_time;

void step_time_destroy(struct step_time *model);

/* The piece that holds `context` for `n_decode` sequences; n_decode >= 1. The pointer stays valid for the model's
 * lifetime. `to` of the last piece is UINT64_MAX. Host time is not included (see host_time.h). */
const struct decode_piece *step_time_decode(struct step_time *model, uint32_t n_decode, uint64_t context);

/* Device time of any shape with at least one token; for n_chunks == 0 equal to the decode function. */
struct step_cost step_time_batch(struct step_time *model, const struct batch_shape *shape);

#endif
