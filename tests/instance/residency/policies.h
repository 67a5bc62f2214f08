/* The properties that hold under every policy: all turns end, nothing is lost, and plain, steady and fast-forward
 * stepping give the same history. */
#ifndef ASIM_TESTS_INSTANCE_POLICIES_H
#define ASIM_TESTS_INSTANCE_POLICIES_H

#include <stdbool.h>
#include <stdint.h>

/* Checks the seeds [first, last) with every built-in policy of retention or scheduling, and with ones that decide at
 * random, with tiers below HBM or without; prints what they covered. */
void check_policies(uint64_t first, uint64_t last, bool tiers);

/* The same of one seed, whatever it covers. */
void check_policies_of(uint64_t seed, bool tiers);

/* A policy that lets nobody in, on a few programs of each seed: they end nevertheless. */
void check_refusal(uint64_t first, uint64_t last);

#endif
