#include "support/support.h"

#include "base/mem.h"
#include "options/option_lookup.h"
#include "options/option_value.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What each type takes, as it is printed back, and the whole message of what it refuses. */
static const struct {
    const char *path, *text;
    const char *printed; /* NULL: refused */
    const char *message;
} cases[] = {
    {"out", "runs/a b", "runs/a b", NULL},
    {"out", "", NULL, "'' is empty; allowed: any path"},
    {"out", "a\xFF\x01", NULL, "'a?\?' is not UTF-8; allowed: text in UTF-8"},
    {"shared_prefix", "caf\xC3\xA9", "caf\xC3\xA9", NULL},
    {"arrivals", "closed", "closed", NULL},
    {"arrivals", "open", NULL, "'open' is not one of the names; allowed: auto|recorded|poisson|zero|closed"},
    {"arrivals", "", NULL, "'' is empty; allowed: auto|recorded|poisson|zero|closed"},
    {"router.view", "exact", "exact", NULL},
    {"router.view", "Exact", NULL, "'Exact' is not one of the names; allowed: telemetry|exact (did you mean exact?)"},
    {"json", "true", "on", NULL},
    {"json", "off", "off", NULL},
    {"json", "false", "off", NULL},
    {"json", "yes", NULL, "'yes' is not a switch; allowed: on, off, true, false"},
    {"max_num_seqs", "1e3", "1000", NULL},
    {"max_num_seqs", "0", NULL, "'0' is out of range; allowed: 1 to 1048576"},
    {"max_num_seqs", "1048577", NULL, "'1048577' is out of range; allowed: 1 to 1048576"},
    {"max_num_seqs", "many", NULL, "'many' is not a count; allowed: a whole number, e.g. 8192 or 1e6"},
    {"seed", "18446744073709551614", "18446744073709551614", NULL},
    {"seed", "18446744073709551615", NULL, "'18446744073709551615' is too large; allowed: >= 0"},
    {"instances", "0", NULL, "'0' is out of range; allowed: 1 to 1000000"},
    {"block_size", "256", "256", NULL},
    {"block_size", "1", "1", NULL},
    {"block_size", "24", NULL, "'24' is out of range; allowed: a power of two, 1 to 256"},
    {"block_size", "512", NULL, "'512' is out of range; allowed: a power of two, 1 to 256"},
    {"tensor_parallel_size", "3", NULL, "'3' is out of range; allowed: a power of two, 1 to 64"},
    {"dispatch_latency", "0", "0s", NULL},
    {"dispatch_latency", "2 ms", "2ms", NULL},
    {"dispatch_latency", "-1ms", NULL, "'-1ms' is out of range; allowed: >= 0"},
    {"dispatch_latency", "1", NULL, "'1' needs a unit; allowed: NUMBER with ps, ns, us, ms, s, min or h, e.g. 100ms"},
    {"dispatch_latency", "101 days", NULL,
     "'101 days' is not a duration; allowed: NUMBER with ps, ns, us, ms, s, min or h, e.g. 100ms"},
    {"dispatch_latency", "2401h", NULL, "'2401h' is too large; allowed: up to 100 days"},
    {"router.telemetry_period", "0s", NULL, "'0s' is out of range; allowed: > 0"},
    {"request_rate", "30/min", "0.5/s", NULL},
    {"request_rate", "0/s", NULL, "'0/s' is out of range; allowed: > 0"},
    {"request_rate", "5 apples", NULL, "'5 apples' is not a rate; allowed: NUMBER/s, NUMBER/min, NUMBER/h, e.g. 0.5/s"},
    {"request_rate", "1e999", NULL, "'1e999' is too large; allowed: > 0"},
    {"allreduce.bandwidth", "1GiB/s", "1.073741824GB/s", NULL},
    {"allreduce.bandwidth", "5", NULL,
     "'5' needs a unit; allowed: NUMBER with B/s, kB/s, MB/s, GB/s, TB/s, KiB/s, MiB/s, GiB/s or TiB/s, e.g. 50GB/s"},
    {"gpu_memory_utilization", "90%", "0.9", NULL},
    {"gpu_memory_utilization", "1", "1", NULL},
    {"gpu_memory_utilization", "0", NULL, "'0' is out of range; allowed: > 0 and <= 1"},
    {"gpu_memory_utilization", "101%", NULL, "'101%' is out of range; allowed: > 0 and <= 1"},
    {"gpu_memory_utilization", "most", NULL, "'most' is not a fraction; allowed: NUMBER or NUMBER%, e.g. 0.9 or 90%"},
    {"router.load_limit", "2.50", "2.5", NULL},
    {"router.load_limit", "0.5", NULL, "'0.5' is out of range; allowed: >= 1"},
    {"router.load_limit", "2x", NULL, "'2x' is not a number; allowed: a decimal number, e.g. 1.5"},
    {"compute", "tile", "tile", NULL},
    {"compute", "profile:/data/h100", "profile:/data/h100", NULL},
    {"compute", "profile:", NULL, "'profile:' is not a compute model; allowed: tile, profile:DIR"},
    {"missing_gap", "median", "median", NULL},
    {"tool_gap", "bash=uniform(1s, 3s),edit=50ms", "bash=uniform(1s, 3s),edit=50ms", NULL},
};

static void check_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct option_row *row = option_at(option_find(cases[i].path, NAMING_PATH));
        struct option_value value;
        char message[OPTION_MESSAGE_BYTES] = "";
        const bool good = option_value_parse(row, cases[i].text, &value, message);
        if (!cases[i].printed) {
            assert_false(good);
            assert_string_equal(message, cases[i].message);
            continue;
        }
        assert_true(good);
        struct settings settings;
        memset(&settings, 0, sizeof settings);
        option_value_store(row, &value, &settings);
        char *printed = option_value_format(row, &settings);
        assert_string_equal(printed, cases[i].printed);
        mem_free(printed);
    }
}

static void values(void **state)
{
    (void)state;
    check_cases();
}

/* Compiles a locale with a decimal comma and enters it; false where that cannot be done. glibc remembers a locale that
 * it once did not find, so it is made before it is asked for. */
static bool enter_comma_locale(void)
{
    static const char folder[] = ASIM_BINARY_FOLDER "/locale";
    if (access(ASIM_BINARY_FOLDER "/locale/de_DE.UTF-8/LC_NUMERIC", R_OK) != 0) {
        const int status =
            system("mkdir -p " ASIM_BINARY_FOLDER "/locale && localedef -i de_DE -f UTF-8 " ASIM_BINARY_FOLDER
                   "/locale/de_DE.UTF-8 >/dev/null 2>&1");
        if (status == -1) {
            return false;
        }
    }
    setenv("LOCPATH", folder, 1);
    return setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL;
}

/* A process with a decimal comma reads and writes the same, and keeps its locale. */
static void decimal_comma(void **state)
{
    (void)state;
    if (!enter_comma_locale()) {
        print_message("[  SKIPPED ] no locale with a decimal comma here\n");
        skip();
    }
    check_cases();
    assert_string_equal(localeconv()->decimal_point, ",");
    setlocale(LC_NUMERIC, "C");
}

static void unset(void **state)
{
    (void)state;
    struct settings settings;
    memset(&settings, 0, sizeof settings);
    for (size_t i = 0; i < option_count(); i++) {
        const enum option_type type = option_at(i)->type;
        if (type != OPTION_CHOICE && type != OPTION_SWITCH) {
            option_value_unset(option_at(i), &settings);
            assert_null(option_value_format(option_at(i), &settings));
        }
    }
    assert_null(settings.workload);
    assert_true(settings.programs == SETTING_UNSET_COUNT);
    assert_true(settings.host_exposed == SETTING_UNSET_TIME);
    assert_true(settings.request_rate < 0.0);
}

/* Long and strange texts are cut between characters. */
static void shown(void **state)
{
    (void)state;
    char out[OPTION_SHOWN_BYTES];
    assert_string_equal(option_shown("a\nb\x7F", out), "a?b?");
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    option_shown(text, out);
    assert_int_equal(strlen(out), OPTION_SHOWN_BYTES - 1);
    assert_string_equal(out + OPTION_SHOWN_BYTES - 5, "x...");
    /* one byte, then characters of two: a cut at an even length would fall inside one */
    for (size_t i = 1; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "\xC3\xA9", 2);
    }
    text[399] = '\0';
    option_shown(text, out);
    const size_t length = strlen(out);
    assert_string_equal(out + length - 5, "\xC3\xA9...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(decimal_comma),
                                       cmocka_unit_test(unset), cmocka_unit_test(shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
