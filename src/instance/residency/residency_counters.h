/* What policies decided inside an instance, and what came of it. Everything is a sum. */
#ifndef ASIM_INSTANCE_RESIDENCY_COUNTERS_H
#define ASIM_INSTANCE_RESIDENCY_COUNTERS_H

#include "instance/tiers/tier_plan.h"

#include <stdint.h>

/* Why KV moves. */
enum transfer_kind {
    TRANSFER_STORE,    /* HBM to the first tier below */
    TRANSFER_COPY,     /* a tier to the next one below */
    TRANSFER_LOAD,     /* a tier to HBM, for a turn that waits */
    TRANSFER_PREFETCH, /* the same for a program between turns */
    TRANSFER_RAISE,    /* storage to the first tier, while a turn waits */
    TRANSFER_KINDS
};

struct residency_counters {
    uint64_t kept, held, pinned, offloaded, dropped; /* decisions at the end of a turn that another follows */
    uint64_t pins_returned;                          /* the program's next turn was admitted while the pin stood */
    uint64_t pins_expired;                           /* the deadline passed first */
    uint64_t pins_forced;                            /* given up under pressure */
    uint64_t pins_released;                          /* given up by the policy */
    uint64_t holds_returned, holds_evicted;
    uint64_t refused;   /* turns that `admit` sent back, counted once per batch */
    uint64_t displaced; /* running turns that a waiting one took the place of */
    struct {
        uint64_t transfers, blocks;
    } moved[TRANSFER_KINDS];
    uint64_t loaded_blocks[MAX_TIERS];   /* by tier that they came from */
    uint64_t stores_refused;             /* the tier had no room that nobody used */
    uint64_t cut_bytes;                  /* of blocks that were on their way when a raise was cut short */
    unsigned __int128 active_block_ps;   /* blocks that turns and transfers hold, times the time of batches */
    unsigned __int128 retained_block_ps; /* private blocks of residents, times time */
    unsigned __int128 wasted_block_ps;   /* of those, of residents that did not return */
    unsigned __int128
        recompute_block_ps;             /* blocks of turns that compute again what was computed before, times batches */
    unsigned __int128 stalled_block_ps; /* blocks of turns that wait for a load, times that */
};

/* All of them, for who adds them up or keeps them. */
enum { RESIDENCY_COUNTS = 15 + 2 * TRANSFER_KINDS + MAX_TIERS, RESIDENCY_SUMS = 5 };
void residency_counters_list(struct residency_counters *counters, uint64_t *counts[RESIDENCY_COUNTS],
                             unsigned __int128 *sums[RESIDENCY_SUMS]);

#endif
