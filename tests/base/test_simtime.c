#include "support/support.h"

#include "base/simtime.h"

#include <math.h>

static void text_is_exact(void **state)
{
    (void)state;
    static const struct {
        simtime time;
        const char *text;
    } rows[] = {{0, "0"},
                {1, "0.000000000001"},
                {100 * SIMTIME_MS, "0.1"},
                {10 * SIMTIME_S, "10"},
                {SIMTIME_S + 1, "1.000000000001"},
                {SIMTIME_LIMIT, "8640000"},
                {SIMTIME_NEVER, "9223372.036854775807"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SIMTIME_TEXT_BYTES];
        assert_string_equal(simtime_text(rows[i].time, text), rows[i].text);
    }
}

static void rounds_to_nearest(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        simtime wanted;
    } rows[] = {{0.0, 0},
                {1.0, SIMTIME_S},
                {-1.0, -SIMTIME_S},
                {1e-3, SIMTIME_MS},
                {0.1, 100 * SIMTIME_MS},
                {0.4e-12, 0},
                {0.6e-12, 1},
                {-0.6e-12, -1},
                {2.5e-6, 2500 * SIMTIME_NS},
                {8640000.0, SIMTIME_LIMIT},
                {-8640000.0, -SIMTIME_LIMIT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        simtime t = 99;
        assert_true(simtime_from_s(rows[i].seconds, &t));
        assert_true(t == rows[i].wanted);
    }
}

static void refuses_what_is_no_duration(void **state)
{
    (void)state;
    static const double bad[] = {8640000.01, -8640000.01, INFINITY, -INFINITY, NAN, 1e300};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        simtime t = 99;
        assert_false(simtime_from_s(bad[i], &t));
        assert_true(t == 99);
    }
}

/* Seconds and back give the same picosecond up to 2^53 of them, two and a half hours. */
static void seconds_and_back(void **state)
{
    (void)state;
    for (simtime t = 1; t < INT64_C(1) << 52; t = t * 3 + 1) {
        simtime back = 0;
        assert_true(simtime_from_s(simtime_to_s(t), &back));
        assert_true(back == t);
    }
}

/* Sums of legal durations stay below "never". */
static void limit_leaves_room(void **state)
{
    (void)state;
    assert_true(SIMTIME_LIMIT > 0);
    assert_true(SIMTIME_NEVER - SIMTIME_LIMIT > 0);
    assert_true(simtime_to_s(SIMTIME_LIMIT) == 100.0 * 86400.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_is_exact), cmocka_unit_test(rounds_to_nearest),
                                       cmocka_unit_test(refuses_what_is_no_duration),
                                       cmocka_unit_test(seconds_and_back), cmocka_unit_test(limit_leaves_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
