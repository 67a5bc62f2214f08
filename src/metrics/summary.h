/* The canonical summary of a run: a JSON document that is byte-identical for identical inputs.
 *
 * Keys come in a fixed order and numbers in a fixed format (15 significant digits); there is no wall time and no fact
 * of the host. Quantities of an empty set are null: there is no such number.
 */
#ifndef ASIM_METRICS_SUMMARY_H
#define ASIM_METRICS_SUMMARY_H

#include "metrics/recorder.h"

#include <stdbool.h>
#include <stdint.h>

#define SUMMARY_SCHEMA  "asim.summary"
#define SUMMARY_VERSION 1

/* Accelerator time of all instances until the last completion, by what bounded it. */
enum summary_bound { BOUND_COMPUTE, BOUND_HBM, BOUND_LINK, BOUND_HOST, BOUND_IDLE, SUMMARY_BOUNDS };

/* What policies decided, and what came of it. Blocks are of one instance's KV. */
struct summary_decisions {
    uint64_t kept, held, pinned, offloaded, dropped; /* turns that another follows, by what became of their KV */
    uint64_t pins_returned, pins_expired, pins_forced, pins_released;
    uint64_t holds_returned, holds_evicted;
    uint64_t refused, displaced;
    unsigned __int128 active_block_ps, retained_block_ps, wasted_block_ps, recompute_block_ps, stalled_block_ps;
};

/* Tiers below HBM. */
enum { SUMMARY_MOVES = 5, SUMMARY_TIERS = RECORDER_MAX_TIERS, SUMMARY_LINKS = 2 + 2 * SUMMARY_TIERS };
struct summary_tiers {
    uint32_t n_tiers;
    const char *names[SUMMARY_TIERS];
    struct {
        uint64_t transfers, blocks;
    } moved[SUMMARY_MOVES];                /* out of HBM, down, into HBM for a turn, into HBM ahead of one, up */
    uint64_t loaded_blocks[SUMMARY_TIERS]; /* into HBM, by tier that they came from */
    uint64_t stores_refused;
    /* Out of GPUs, into them, and by tier written and read; without a capacity: no such link. */
    struct {
        uint64_t bytes;
        unsigned __int128 busy_ps;
        unsigned __int128 capacity_ps; /* links of the kind, times simulated time */
    } links[SUMMARY_LINKS];
};

/* Blocks looked up in HBM, over all instances: how far evictions are from the best ones. */
struct summary_belady {
    uint64_t accesses, misses, compulsory, optimal;
    double largest_ratio; /* of one instance */
};

struct summary_input {
    struct recorder_summary recorder;
    struct digest digest;
    bool interrupted; /* ended early: the results are partial */
    bool stopped;     /* ended at a simulated time that was asked for, before all programs had */
    simtime stopped_at;
    simtime warmup;
    struct service_levels slo;

    /* What was simulated. Text may be NULL: not known. */
    const char *workload; /* "generated: swe-agent", or the file's path */
    const char *arrivals; /* "recorded", "poisson 0.5/s", ... */
    const char *model;
    const char *hardware;
    const char *engine;    /* preset, "vllm-0.19" */
    const char *compute;   /* "tile", "profile:DIR" */
    const char *retention; /* policies */
    const char *scheduling;
    const char *routing;
    bool oracle;             /* one of them sees what programs will do */
    const char *assumptions; /* where the hardware constants come from and how far to trust them */
    uint64_t seed;
    uint64_t instances;
    uint64_t tensor_parallel;

    /* Work */
    uint64_t steps;
    uint64_t events;
    uint64_t programs_total;
    uint64_t programs_dropped;     /* a prompt was too long, on_long_prompt=drop-program */
    uint64_t programs_truncated;   /* a prompt was cut, on_long_prompt=truncate */
    uint64_t programs_interrupted; /* started and not finished */
    uint64_t turns_interrupted;    /* ready and not finished */

    /* KV cache */
    uint64_t kv_blocks_per_instance;
    uint64_t kv_block_size;
    uint64_t kv_block_bytes; /* over the GPUs of an instance */
    uint64_t kv_evicted_blocks;
    double kv_peak_use; /* fraction of the pool that turns held, largest over instances */

    /* Router */
    uint64_t router_affinity_hits;      /* turns sent to the instance that served the program's turn before */
    uint64_t router_breaks;             /* turns sent elsewhere although there was one */
    uint64_t router_cold;               /* first turns */
    uint64_t router_held, router_moved; /* turns that waited at the gateway; that were sent once more */
    uint64_t kv_blocks_sent, kv_blocks_taken, kv_blocks_refused; /* with those; refused: no room */

    unsigned __int128 time_ps[SUMMARY_BOUNDS];
    simtime longest_busy; /* step time of the busiest instance */

    const struct summary_decisions *decisions; /* NULL: no policy decides anything */
    const struct summary_tiers *tiers;         /* NULL: nothing lies below HBM */
    const struct summary_belady *belady;       /* NULL: not asked for */
};

/* The document as text; freed with mem_free. */
char *summary_json(const struct summary_input *in);

#endif
