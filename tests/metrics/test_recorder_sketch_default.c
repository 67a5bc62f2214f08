#include "support/support.h"

#include "metrics/recorder.h"

#include <math.h>

/* One turn more than the exact limit: the output says that percentiles come from histograms, and they are still right.
 */
static void beyond_ten_million_turns(void **state)
{
    (void)state;
    enum { N = 10000001 };
    struct recorder *recorder = recorder_create(&(struct recorder_options){0});
    struct recorder_summary s;
    struct program_sums sums = {0};
    for (uint32_t i = 0; i < N; i++) {
        const simtime e2e = (simtime)(i + 1) * SIMTIME_US;
        recorder_turn(
            recorder,
            &(struct turn_record){
                .program = 0, .turn = i, .first_token = e2e, .last_token = e2e, .prompt_toks = 1, .output_toks = 1},
            &sums);
        if (i == N - 2) {
            recorder_summarise(recorder, &s);
            assert_false(s.sketched);
            assert_true(fabs(s.e2e.p50 - 5.0000005) < 1e-9);
        }
    }
    recorder_summarise(recorder, &s);
    assert_true(s.sketched);
    assert_true(fabs(s.e2e.p50 - 5.000001) < 5e-3);
    assert_true(fabs(s.e2e.p99 - 9.9) < 1e-2);
    assert_true(fabs(s.e2e.mean - 5.000001) < 1e-9);
    recorder_destroy(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(beyond_ten_million_turns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
