/* The instance against the plain engine: same turns, same steps, same loads at every telemetry instant. */
#ifndef ASIM_TESTS_INSTANCE_ORACLE_H
#define ASIM_TESTS_INSTANCE_ORACLE_H

#include "instance/plain_engine.h"

struct oracle_coverage {
    uint64_t steps;
    uint64_t fast_forwarded;
    uint64_t plain_steps; /* of the fast-forwarding run */
    uint64_t preemptions;
    uint64_t evicted;
    uint64_t runs[PLAIN_EVENTS]; /* scenarios in which the event happened */
    uint64_t seen[PLAIN_EVENTS]; /* times it happened */
};

/* Checks the scenarios of seeds [first, last), in all modes of stepping. */
void check_against_oracle(uint64_t first, uint64_t last, struct oracle_coverage *coverage);

/* Prints the coverage; every event must have happened in at least `least` scenarios. */
void check_coverage(const struct oracle_coverage *coverage, uint64_t least);

#endif
