/* What policies decided inside an instance, and what came of it. Everything is a sum. */
#ifndef ASIM_INSTANCE_RESIDENCY_COUNTERS_H
#define ASIM_INSTANCE_RESIDENCY_COUNTERS_H

#include <stdint.h>

struct residency_counters {
    uint64_t kept, held, pinned, offloaded, dropped; /* decisions at the end of a turn that another follows */
    uint64_t pins_returned;                          /* the program's next turn was admitted while the pin stood */
    uint64_t pins_expired;                           /* the deadline passed first */
    uint64_t pins_forced;                            /* given up under pressure */
    uint64_t pins_released;                          /* given up by the policy */
    uint64_t holds_returned, holds_evicted;
    uint64_t refused;                    /* turns that `admit` sent back, counted once per batch */
    uint64_t displaced;                  /* running turns that a waiting one took the place of */
    unsigned __int128 retained_block_ps; /* private blocks of residents, times time */
    unsigned __int128 wasted_block_ps;   /* of those, of residents that did not return */
};

#endif
