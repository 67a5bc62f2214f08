/* A routing policy that decides at random, by all that it has heard so far: another order of what it hears is another
 * history. It holds turns, releases them after a while, and moves others. */
#ifndef ASIM_TESTS_POLICY_RANDOM_ROUTER_H
#define ASIM_TESTS_POLICY_RANDOM_ROUTER_H

#include "asim/policy.h"

/* By the bits of `kind`: 1 holds, 2 moves, 4 hears of what was sent, 8 of ends, 16 looks at prompts, 32 draws. */
enum {
    RANDOM_ROUTER_HOLDS = 1,
    RANDOM_ROUTER_MOVES = 2,
    RANDOM_ROUTER_HEARS_SENT = 4,
    RANDOM_ROUTER_HEARS_ENDS = 8,
    RANDOM_ROUTER_PROMPTS = 16,
    RANDOM_ROUTER_DRAWS = 32,
};

struct asim_policy random_router(uint32_t kind);

/* Holds every turn for ever, and looks at the cluster or never does. */
struct asim_policy holding_router(bool ticks);

#endif
