/* Random programs on two pools in lockstep: shared prefixes, cuts, prompts sent again, clones that go on equally,
 * chunked prefill, preemption, aborted turns, failed admissions, tight and ample pools. A seed fixes everything. */
#ifndef ASIM_TESTS_KV_RANDOM_PROGRAMS_H
#define ASIM_TESTS_KV_RANDOM_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

/* What a series of seeds met: a test asks that none of it is rare. */
struct random_totals {
    uint64_t admissions;
    uint64_t refusals;
    uint64_t preemptions;
    uint64_t finished;
    uint64_t hit_blocks;
    uint64_t duplicates;
    uint64_t evicted;
    uint64_t kept;    /* RANDOM_KEPT: turns whose blocks were held when they had ended, */
    uint64_t dropped; /* or dropped */
    uint64_t shortened;
};

enum random_mode {
    RANDOM_EAGER,      /* every block hashed when it is filled */
    RANDOM_LAZY,       /* decoded blocks reserved without a name, hashed at the release */
    RANDOM_NO_CACHING, /* prefix caching off */
    RANDOM_RELOADED,   /* now and then saved and loaded; every other seed lazy */
    RANDOM_KEPT,       /* blocks are held beyond the end of their turn, or dropped; every other seed lazy */
};

void random_programs(uint64_t seed, uint32_t steps, enum random_mode mode, struct random_totals *totals);

#endif
