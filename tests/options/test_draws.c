#include "support/support.h"

#include "options/draws.h"

#include <string.h>

static void takes_counts(void **state)
{
    (void)state;
    struct distribution d;
    char message[1024] = "";
    assert_true(draws_parse_counts("1e3", &d, message, sizeof message));
    assert_true(d.kind == DISTRIBUTION_FIXED && d.a == 1000.0);
    assert_true(draws_parse_counts("geometric(mean=10, max=60)", &d, message, sizeof message));
    assert_true(d.kind == DISTRIBUTION_GEOMETRIC && d.max == 60.0);
    assert_true(draws_parse_counts("uniform(0, 2)", &d, message, sizeof message));
    assert_string_equal(message, "");
}

static void takes_durations(void **state)
{
    (void)state;
    struct distribution d;
    char message[1024] = "";
    assert_true(draws_parse_durations("lognormal(median=1.5s, p99=60s, min=1ms)", &d, message, sizeof message));
    assert_true(d.kind == DISTRIBUTION_LOGNORMAL && d.min == 1e-3);
    assert_true(draws_parse_durations("0", &d, message, sizeof message));
    assert_string_equal(message, "");
}

/* Means of counts count with their bounds. */
static void refuses(void **state)
{
    (void)state;
    static const struct {
        bool durations;
        const char *text;
        const char *message;
    } rows[] = {
        {false, "0", "'0' is 0 on average; allowed: 1 to 10000000"},
        {false, "uniform(0, 1)", "'uniform(0, 1)' is 0.5 on average; allowed: 1 to 10000000"},
        {false, "exponential(mean=5, max=0.5)", "on average; allowed"},
        {false, "1e8", "'1e8' is 1e+08 on average"},
        {false, "10s", "'10s' is not a distribution; allowed: VALUE, fixed(VALUE)"},
        {false, "none", ", geometric(mean=NUMBER); all but VALUE also with min=VALUE and max=VALUE"},
        {true, "10", "'10' is not a distribution"},
        {true, "geometric(mean=10)", "lognormal(median=VALUE, sigma=NUMBER); all but VALUE also with min=VALUE"},
        {true, "geometric(mean=10s)", "is not a distribution"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct distribution d;
        char message[1024] = "";
        assert_false((rows[i].durations ? draws_parse_durations : draws_parse_counts)(rows[i].text, &d, message,
                                                                                      sizeof message));
        if (!strstr(message, rows[i].message)) {
            fail_msg("%s: %s", rows[i].text, message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes_counts), cmocka_unit_test(takes_durations),
                                       cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
