/* What holds of the records of residency, whatever the scenario: they are the same for every engine and number of
 * threads, asking for them changes nothing, and they add up to what the pools hold. */
#ifndef ASIM_TESTS_SIM_RESIDENCY_PROPERTIES_H
#define ASIM_TESTS_SIM_RESIDENCY_PROPERTIES_H

#include "asim/asim.h"

/* What was seen, summed over results. */
struct residency_coverage {
    uint64_t records, instants, programs_per_instant;
    uint64_t phases[ASIM_KV_RUNNING + 1], reasons[ASIM_KV_BY_TRANSFER + 1], until[ASIM_KV_UNTIL_DONE + 1];
    uint64_t tiers[ASIM_TIERS + 1];    /* extents there */
    uint64_t moving, waiting, planned; /* transfers, of which some has moved; that wait; for their time */
    uint64_t shared, left_behind, ended, without_home;
};

/* Checks all records of a result. */
void check_residency(const asim_result *result, uint32_t block_size, struct residency_coverage *coverage);

/* Random scenarios of seeds [first, last), with tiers, graphs and gateways among them, on every engine. */
void check_residency_properties(uint64_t first, uint64_t last, struct residency_coverage *coverage);

#endif
