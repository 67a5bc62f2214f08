/* The property that policies and tiers keep: whatever they decide, all programs end, and results are those of the
 * serial engine whatever the number of threads, the longest window and the mode of stepping. */
#ifndef ASIM_TESTS_SIM_POLICY_PROPERTIES_H
#define ASIM_TESTS_SIM_POLICY_PROPERTIES_H

#include <stdint.h>

/* Seeds [first, last): random workloads on random rings, most with tiers, under built-in policies of all planes or
 * under ones that decide at random. */
void check_policy_properties(uint64_t first, uint64_t last);

/* One of them. */
void check_policy_seed(uint64_t seed);

/* After a test: when it failed in the middle, prints the seed and the settings. */
int print_failed_policies(void **state);

#endif
