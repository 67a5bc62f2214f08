#include "support/support.h"

#include "options/argv_source.h"
#include "options/environment_source.h"

#include <string.h>

struct fixture {
    struct option_sources sources;
    struct diag diag;
};

static void begin(struct fixture *f)
{
    option_sources_init(&f->sources);
    diag_init(&f->diag);
}

static void end(struct fixture *f)
{
    option_sources_fini(&f->sources);
    diag_fini(&f->diag);
}

static void flags(void **state)
{
    (void)state;
    static const struct {
        const char *flag, *value;
        const char *path, *text, *origin; /* NULL path: the message is `text` */
    } rows[] = {
        {"--block-size", "16", "block_size", "16", "--block-size"},
        {"--block-size=16", NULL, "block_size", "16", "--block-size"},
        {"--router-telemetry-period", "5ms", "router.telemetry_period", "5ms", "--router-telemetry-period"},
        {"--tool-gap=bash=2s,edit=1s", NULL, "tool_gap", "bash=2s,edit=1s", "--tool-gap"},
        {"--json", NULL, "json", "on", "--json"},
        {"--json", "off", "json", "off", "--json"},
        {"--no-enable-prefix-caching", NULL, "enable_prefix_caching", "off", "--no-enable-prefix-caching"},
        {"--no-json", "on", NULL, "--no-json: takes no value", NULL},
        {"--no-block-size", NULL, NULL, "unknown flag '--no-block-size'; did you mean '--block-size'?", NULL},
        {"--block-size", NULL, NULL, "--block-size: needs a value (count)", NULL},
        {"--block-size=16", "32", NULL, "--block-size=16: a value is given twice: '32'", NULL},
        {"--block-size=", NULL, NULL, "--block-size: '' is empty; allowed: a power of two, 1 to 256", NULL},
        {"--request-rate", "5 apples", NULL,
         "--request-rate: '5 apples' is not a rate; allowed: NUMBER/s, NUMBER/min, NUMBER/h, e.g. 0.5/s", NULL},
        {"--requst-rate", "5", NULL, "unknown flag '--requst-rate'; did you mean '--request-rate'?", NULL},
        {"--bloc", "5", NULL, "unknown flag '--bloc'; did you mean '--block-size'?", NULL},
        {"--qqqqqqqqqqqqqqqqqq", NULL, NULL, "unknown flag '--qqqqqqqqqqqqqqqqqq'", NULL},
        {"block_size", "5", NULL, "unknown flag 'block_size'; did you mean '--block-size'?", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        begin(&f);
        const asim_status status = argv_source_flag(&f.sources, rows[i].flag, rows[i].value, &f.diag);
        if (rows[i].path) {
            assert_int_equal(status, ASIM_OK);
            assert_int_equal(f.sources.n, 1);
            assert_string_equal(option_at(f.sources.items[0].row)->doc.path, rows[i].path);
            assert_string_equal(f.sources.items[0].text, rows[i].text);
            assert_string_equal(f.sources.items[0].origin, rows[i].origin);
        } else {
            assert_int_equal(status, ASIM_USAGE);
            assert_int_equal(f.diag.n_errors, 1);
            assert_string_equal(f.diag.entries[0].text, rows[i].text);
        }
        end(&f);
    }
}

static void settings_by_path(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(argv_source_set(&f.sources, "router.load_limit", "3", &f.diag), ASIM_OK);
    assert_string_equal(f.sources.items[0].origin, "set");
    assert_int_equal(argv_source_set(&f.sources, "router-load-limit", "3", &f.diag), ASIM_USAGE);
    assert_int_equal(argv_source_set(&f.sources, "block_size", "x", &f.diag), ASIM_USAGE);
    assert_string_equal(f.diag.entries[0].text,
                        "unknown option 'router-load-limit'; did you mean 'router.load_limit'?");
    assert_string_equal(f.diag.entries[1].text,
                        "block_size: 'x' is not a count; allowed: a whole number, e.g. 8192 or 1e6");
    end(&f);
}

static void environment(void **state)
{
    (void)state;
    static const char *const variables[] = {"HOME=/root",
                                            "ASIM_SEED=4",
                                            "ASIM_ROUTER_LOAD_LIMIT=3",
                                            "ASIM_SEEED=4",
                                            "ASIM_BLOCK_SIZE=7",
                                            "ASIM_DATA_DIR=/data",
                                            "ASIM_MODEL=",
                                            "ASIMOV=1",
                                            "ASIM_NO_EQUALS",
                                            "ASIM_QQQQQQQQQQQQQQQQQQ=1",
                                            "ASIM_COMPUTE=profile:a=b",
                                            NULL};
    struct fixture f;
    begin(&f);
    assert_int_equal(environment_source_read(&f.sources, variables, &f.diag), ASIM_USAGE);
    assert_int_equal(f.diag.n_errors, 4);
    assert_string_equal(f.diag.entries[0].text, "unknown environment variable 'ASIM_SEEED'; did you mean 'ASIM_SEED'?");
    assert_string_equal(f.diag.entries[1].text,
                        "ASIM_BLOCK_SIZE: '7' is out of range; allowed: a power of two, 1 to 256");
    assert_string_equal(f.diag.entries[2].text, "ASIM_MODEL: '' is empty; allowed: any text but the empty one");
    assert_string_equal(f.diag.entries[3].text, "unknown environment variable 'ASIM_QQQQQQQQQQQQQQQQQQ'");
    assert_string_equal(f.sources.items[0].text, "4");
    assert_string_equal(f.sources.items[0].origin, "environment ASIM_SEED");
    assert_string_equal(f.sources.items[1].text, "3");
    assert_string_equal(f.sources.items[f.sources.n - 1].text, "profile:a=b");
    assert_int_equal(f.sources.items[0].rank, RANK_ENVIRONMENT);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(flags), cmocka_unit_test(settings_by_path),
                                       cmocka_unit_test(environment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
