/* Sums over the turns of programs that are still running, by program id: what a program's row needs at its end.
 *
 * Open addressing with linear probing; removal shifts the followers back, so there are no tombstones and the table
 * stays as large as the most programs that ran at once.
 */
#ifndef ASIM_METRICS_LIVE_PROGRAMS_H
#define ASIM_METRICS_LIVE_PROGRAMS_H

#include "base/simtime.h"

#include <stddef.h>
#include <stdint.h>

struct live_program {
    uint64_t program;
    uint64_t prompt_toks, generated_toks, hit_toks;
    simtime ttft_first, queue;
    uint32_t preemptions;
    uint32_t turns; /* 0: the slot is free */
};

struct live_programs {
    struct live_program *slots;
    size_t capacity; /* power of two, or 0 */
    size_t n;
};

void live_programs_fini(struct live_programs *live);

/* The sums of `program`, zero when it is new; the caller counts a turn at once. Valid until the next call. */
struct live_program *live_programs_at(struct live_programs *live, uint64_t program);

/* Removes and returns the sums of `program`, of which at least one turn was recorded. */
struct live_program live_programs_take(struct live_programs *live, uint64_t program);

#endif
