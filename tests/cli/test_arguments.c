#include "support/support.h"

#include "cli/arguments.h"
#include "cli/messages.h"
#include "fake_api.h"

#include <string.h>

enum { MAX_WORDS = 16 };

/* Parses words separated by blanks for a verb, and compares status and what the configuration was told. */
static void parse(const char *verb, const char *line, asim_status expected, const char *log, struct arguments *out)
{
    char text[512];
    snprintf(text, sizeof text, "%s", line);
    char *words[MAX_WORDS];
    int n = 0;
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        words[n++] = word;
    }
    asim_config *config = asim_config_create();
    struct arguments arguments;
    assert_int_equal(arguments_parse(&arguments, config, verb, n, words), expected);
    assert_string_equal(fake_log(config), log);
    if (out) {
        *out = arguments;
        out->operands = NULL; /* they point into this frame */
    }
    arguments_fini(&arguments);
    asim_config_destroy(config);
}

static void values_and_switches(void **state)
{
    (void)state;
    parse("run", "--block-size 32 --block-size=64", ASIM_OK, "--block-size 32\n--block-size 64\n", NULL);
    parse("run", "--json", ASIM_OK, "--json (on)\n", NULL);
    parse("run", "--json off", ASIM_OK, "--json off\n", NULL);
    parse("run", "--json=off", ASIM_OK, "--json off\n", NULL);
    parse("run", "--no-json off.yaml", ASIM_OK, "--no-json (on)\n", NULL); /* the library negates; no value follows */
    parse("run", "--no-json=on", ASIM_USAGE, "", NULL);
    parse("run", "--no-seed 1", ASIM_USAGE, "", NULL);       /* not a switch */
    parse("run", "--seed -1", ASIM_OK, "--seed -1\n", NULL); /* a bad value is the library's to refuse */
    parse("run", "--set router.telemetry_period=5ms", ASIM_OK, "router.telemetry_period=5ms\n", NULL);
    parse("run", "--set=workload=a=b", ASIM_OK, "workload=a=b\n", NULL);
}

static void operands(void **state)
{
    (void)state;
    struct arguments arguments;
    parse("run", "a.yaml --json b.yaml -- --json", ASIM_OK, "--json (on)\n", &arguments);
    assert_int_equal(arguments.n_operands, 3); /* a switch does not swallow the file behind it */
    parse("help", "--block-size", ASIM_OK, "", &arguments);
    assert_int_equal(arguments.n_operands, 1);
}

static void own_flags_are_of_verbs(void **state)
{
    (void)state;
    struct arguments arguments;
    parse("run", "--dry-run --print-config --origin", ASIM_OK, "", &arguments);
    assert_true(arguments.dry_run && arguments.print_config && arguments.origin && !arguments.help);
    parse("validate", "--measured requests.jsonl", ASIM_OK, "", &arguments);
    assert_non_null(arguments.measured);
    parse("run", "-h", ASIM_OK, "", &arguments);
    assert_true(arguments.help);
    parse("help", "--help", ASIM_OK, "", &arguments);
    assert_true(arguments.help);
    parse("bench", "--threads-list 1,2 --sizes=10 --repeats 5 --control", ASIM_OK, "", &arguments);
    assert_true(arguments.threads_list && arguments.sizes && arguments.repeats && arguments.control);
    parse("run", "--control", ASIM_USAGE, "", NULL);
    parse("plan", "--dry-run", ASIM_USAGE, "", NULL);
    parse("run", "--measured x", ASIM_USAGE, "", NULL);
    parse("run", "--origin", ASIM_USAGE, "", NULL);
}

static void mistakes(void **state)
{
    (void)state;
    parse("run", "--block-sise 16", ASIM_USAGE, "", NULL);
    parse("run", "-x", ASIM_USAGE, "", NULL);
    parse("run", "--block-size", ASIM_USAGE, "", NULL);
    parse("run", "--out --json", ASIM_USAGE, "--json (on)\n", NULL); /* and parsing goes on */
    parse("run", "--set block_size", ASIM_USAGE, "", NULL);
    parse("run", "--set =5", ASIM_USAGE, "", NULL);
    parse("run", "--set", ASIM_USAGE, "", NULL);
    parse("run", "--dry-run=yes", ASIM_USAGE, "", NULL);
    parse("run", "--set block_size=bad --seed 2", ASIM_USAGE, "block_size=bad\n--seed 2\n", NULL);
}

static void nearest(void **state)
{
    (void)state;
    const char *const names[] = {"run", "plan", "validate", "inspect"};
    assert_string_equal(nearest_name("rum", names, 4), "run");
    assert_string_equal(nearest_name("valdate", names, 4), "validate");
    assert_string_equal(nearest_name("paln", names, 4), "plan");
    assert_null(nearest_name("frobnicate", names, 4));
    assert_null(nearest_name("", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_switches),
        cmocka_unit_test(operands),
        cmocka_unit_test(own_flags_are_of_verbs),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
