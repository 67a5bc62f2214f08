#include "support/support.h"

#include "options/gap.h"

#include <stdio.h>
#include <string.h>

static void missing_gap(void **state)
{
    (void)state;
    struct gap_rule rule;
    char message[512];
    assert_true(gap_parse_missing("error", &rule, message, sizeof message));
    assert_int_equal(rule.kind, GAP_ERROR);
    assert_true(gap_parse_missing("median", &rule, message, sizeof message));
    assert_int_equal(rule.kind, GAP_MEDIAN);
    assert_true(gap_parse_missing("exponential(mean=2s)", &rule, message, sizeof message));
    assert_int_equal(rule.kind, GAP_DISTRIBUTION);
    assert_int_equal(rule.entries[0].seconds.kind, DISTRIBUTION_EXPONENTIAL);
    assert_true(rule.entries[0].seconds.a == 2.0);
    gap_rule_fini(&rule);
    assert_false(gap_parse_missing("trace", &rule, message, sizeof message));
    assert_non_null(strstr(message, "'trace' is not a distribution; allowed:"));
    assert_false(gap_parse_missing("2", &rule, message, sizeof message));
}

/* Commas inside parentheses do not split; blanks around names and values do not count. */
static void tool_gap_by_tool(void **state)
{
    (void)state;
    struct gap_rule rule;
    char message[512];
    assert_true(gap_parse_tool("bash = uniform(1s, 3s), edit=50ms,web search=lognormal(median=1s,p99=60s)", &rule,
                               message, sizeof message));
    assert_int_equal(rule.kind, GAP_BY_TOOL);
    assert_int_equal(rule.n_entries, 3);
    assert_string_equal(rule.entries[0].tool, "bash");
    assert_int_equal(rule.entries[0].seconds.kind, DISTRIBUTION_UNIFORM);
    assert_true(rule.entries[0].seconds.a == 1.0 && rule.entries[0].seconds.b == 3.0);
    assert_string_equal(rule.entries[1].tool, "edit");
    assert_true(rule.entries[1].seconds.kind == DISTRIBUTION_FIXED && rule.entries[1].seconds.a == 0.05);
    assert_string_equal(rule.entries[2].tool, "web search");
    gap_rule_fini(&rule);
}

static void tool_gap_for_all(void **state)
{
    (void)state;
    struct gap_rule rule;
    char message[512];
    assert_true(gap_parse_tool("trace", &rule, message, sizeof message));
    assert_int_equal(rule.kind, GAP_TRACE);
    assert_int_equal(rule.n_entries, 0);
    assert_true(gap_parse_tool("lognormal(median=1.5s, p99=60s)", &rule, message, sizeof message));
    assert_int_equal(rule.kind, GAP_DISTRIBUTION);
    assert_null(rule.entries[0].tool);
    gap_rule_fini(&rule);
}

static void tool_gap_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } bad[] = {
        {"median", "'median' is not a distribution; allowed:"},
        {"bash=2s,", "'' is not NAME=DISTRIBUTION; allowed:"},
        {"bash=2s,edit", "'edit' is not NAME=DISTRIBUTION; allowed:"},
        {"=2s", "'=2s' is not NAME=DISTRIBUTION; allowed:"},
        {"bash=2s,fixed(value=3s)", "'fixed(value=3s)' is not NAME=DISTRIBUTION"},
        {"bash=2s,bash=3s", "tool 'bash' is given twice"},
        {"bash=2", "'2' is not a distribution; allowed:"},
        {"bash=", "'' is not a distribution; allowed:"},
        {"bash=uniform(1s, 3s", "'uniform(1s, 3s' is not a distribution"},
        {"bash=1s)x", "'1s)x' is not a distribution"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct gap_rule rule;
        char message[512] = "";
        assert_false(gap_parse_tool(bad[i].text, &rule, message, sizeof message));
        assert_ptr_equal(strstr(message, bad[i].message), message);
    }
}

static void tool_gap_limit(void **state)
{
    (void)state;
    char text[257 * 8 + 1] = "";
    char *end = text;
    for (int i = 0; i < 257; i++) {
        end += sprintf(end, "%st%d=1s", i ? "," : "", i);
    }
    struct gap_rule rule;
    char message[512];
    assert_false(gap_parse_tool(text, &rule, message, sizeof message));
    assert_string_equal(message, "more than 256 tools; allowed: at most 256");
    *strrchr(text, ',') = '\0';
    assert_true(gap_parse_tool(text, &rule, message, sizeof message));
    assert_int_equal(rule.n_entries, 256);
    gap_rule_fini(&rule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(missing_gap), cmocka_unit_test(tool_gap_by_tool),
                                       cmocka_unit_test(tool_gap_for_all), cmocka_unit_test(tool_gap_errors),
                                       cmocka_unit_test(tool_gap_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
