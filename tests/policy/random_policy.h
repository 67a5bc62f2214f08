/* Policies that decide at random, fixed by what they decide about: never nonsense, and never the same thing twice. */
#ifndef ASIM_TESTS_POLICY_RANDOM_POLICY_H
#define ASIM_TESTS_POLICY_RANDOM_POLICY_H

#include "asim/policy.h"

/* Pins, holds, drops, sends away and brings back; by the bits of `kind`, some functions are left to the engine. */
struct asim_policy random_policy(uint32_t kind);

/* Lets no turn start as long as the engine heeds it; with ticks that is long. */
struct asim_policy refusing_policy(bool ticks);

uint64_t random_policy_mix(uint64_t a, uint64_t b);

#endif
