#include "support/support.h"

#include "bench/support/phold.h"

#include <string.h>

/* The whole room at work: any number of threads gives the history that one heap gives. */
static void any_number_of_threads_agrees_with_a_heap(void **state)
{
    (void)state;
    const uint32_t n_threads[] = {1, 2, 3, 7};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct phold_options options = {.seed = seed, .n_processes = 61, .n_initial = 16, .end = 30.0};
        const struct phold_result expected = phold_run_plain(&options);
        assert_true(expected.n_events > 20000);
        for (size_t i = 0; i < sizeof n_threads / sizeof *n_threads; i++) {
            options.n_threads = n_threads[i];
            const struct phold_result got = phold_run(&options);
            assert_int_equal(got.n_events, expected.n_events);
            assert_true(got.digest.low == expected.digest.low && got.digest.high == expected.digest.high);
            assert_int_equal(got.n_remote > 0, n_threads[i] > 1);
        }
    }
}

/* Events follow each other after 1.1 on average, so 16 a process give 16 / 1.1 in a unit of time. */
static void the_rate_is_that_of_the_model(void **state)
{
    (void)state;
    const struct phold_options options = {.seed = 4, .n_processes = 256, .n_initial = 16, .n_threads = 1, .end = 60.0};
    const double expected = 256 * 16 / 1.1 * 60.0;
    const double got = (double)phold_run(&options).n_events;
    assert_true(got > 0.99 * expected && got < 1.01 * expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_agrees_with_a_heap),
        cmocka_unit_test(the_rate_is_that_of_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
