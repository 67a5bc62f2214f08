#include "support/support.h"

#include "instance/oracle.h"

static void same_as_plain_engine(void **state)
{
    (void)state;
    struct oracle_coverage coverage;
    check_against_oracle(120, 12000, &coverage);
    check_coverage(&coverage, 20);
}

/* Scenarios beyond the range above that found a fault once. */
static void seeds_that_found_faults(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {
        70367, /* a hit took the copy of a decode that entered after a prompt's of the same step */
        79342, /* a preemption let a short turn in behind a victim that restarted with part of its prompt */
    };
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct oracle_coverage coverage;
        check_against_oracle(seeds[i], seeds[i] + 1, &coverage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_plain_engine),
                                       cmocka_unit_test(seeds_that_found_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
