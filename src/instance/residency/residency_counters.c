#include "instance/residency/residency_counters.h"

#include <string.h>

_Static_assert(sizeof(struct residency_counters) == (RESIDENCY_COUNTS + RESIDENCY_COUNTS % 2) * sizeof(uint64_t) +
                                                        RESIDENCY_SUMS * sizeof(unsigned __int128),
               "every counter is in the lists");

void residency_counters_list(struct residency_counters *counters, uint64_t *counts[RESIDENCY_COUNTS],
                             unsigned __int128 *sums[RESIDENCY_SUMS])
{
    uint64_t *const decisions[] = {&counters->kept,           &counters->held,           &counters->pinned,
                                   &counters->offloaded,      &counters->dropped,        &counters->pins_returned,
                                   &counters->pins_expired,   &counters->pins_forced,    &counters->pins_released,
                                   &counters->holds_returned, &counters->holds_evicted,  &counters->refused,
                                   &counters->displaced,      &counters->stores_refused, &counters->cut_bytes};
    enum { DECISIONS = sizeof decisions / sizeof decisions[0] };
    memcpy(counts, decisions, sizeof decisions);
    for (int kind = 0; kind < TRANSFER_KINDS; kind++) {
        counts[DECISIONS + 2 * kind] = &counters->moved[kind].transfers;
        counts[DECISIONS + 2 * kind + 1] = &counters->moved[kind].blocks;
    }
    for (int tier = 0; tier < MAX_TIERS; tier++) {
        counts[DECISIONS + 2 * TRANSFER_KINDS + tier] = &counters->loaded_blocks[tier];
    }
    sums[0] = &counters->active_block_ps;
    sums[1] = &counters->retained_block_ps;
    sums[2] = &counters->wasted_block_ps;
    sums[3] = &counters->recompute_block_ps;
    sums[4] = &counters->stalled_block_ps;
}
