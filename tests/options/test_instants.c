#include "support/support.h"

#include "options/instants.h"

#include <stdio.h>
#include <string.h>

static void takes_lists(void **state)
{
    (void)state;
    struct instants instants;
    char message[256] = "";
    assert_true(instants_parse("1ps", &instants, message, sizeof message));
    assert_int_equal(instants.n, 1);
    assert_true(instants.items[0] == 1);
    instants_fini(&instants);
    assert_true(instants_parse("10s, 1min,1.5h", &instants, message, sizeof message));
    assert_int_equal(instants.n, 3);
    assert_true(instants.items[0] == 10 * SIMTIME_S && instants.items[1] == 60 * SIMTIME_S &&
                instants.items[2] == 5400 * SIMTIME_S);
    instants_fini(&instants);
    assert_string_equal(message, "");
}

static void refuses(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0s",       "10",
        "10s,",     ",10s",
        "10s,,20s", "10s,10s",
        "20s,10s",  "10s 20s",
        "-1s",      "101days",
        "10 s;",    " ",
        "1e99s",    "1000000000000000000000000000000000000000000000000000000000000000000000s"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct instants instants;
        char message[512] = "";
        if (instants_parse(texts[i], &instants, message, sizeof message)) {
            fail_msg("%s", texts[i]);
        }
        assert_non_null(strstr(message, "is not a list of instants; allowed: durations above 0"));
        assert_null(instants.items);
    }
}

/* What is allowed is said of long lists, too. */
static void shows_long_lists_in_short(void **state)
{
    (void)state;
    char text[4096] = "";
    for (int i = 1; i < 500; i++) {
        sprintf(text + strlen(text), "%ds,", i);
    }
    struct instants instants;
    char message[512] = "";
    assert_false(instants_parse(text, &instants, message, sizeof message));
    assert_non_null(strstr(message, "'1s,2s,3s,"));
    assert_non_null(strstr(message, "...' is not a list of instants; allowed: durations above 0"));
    assert_non_null(strstr(message, "e.g. 10s,1min"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes_lists), cmocka_unit_test(refuses),
                                       cmocka_unit_test(shows_long_lists_in_short)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
