/* Runs over columnar files of fixtures and generators give the digests of what was imported. */
#include "sim/columnar_run.h"

#include "support/support.h"

#include "workload/columnar_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file[] = ASIM_BINARY_FOLDER "/test_columnar_run.asimw";

static const struct columnar_setting recorded[] = {{"block_size", "4"}, {NULL, NULL}};
static const struct columnar_setting recorded_median[] = {{"block_size", "4"}, {"missing_gap", "median"}, {NULL, NULL}};
static const struct columnar_setting poisson[] = {{"request_rate", "3/s"},
                                                  {"missing_gap", "exponential(mean=1s)"},
                                                  {"reuse_generated", "off"},
                                                  {"shared_prefix", "system"},
                                                  {NULL, NULL}};
static const struct columnar_setting closed[] = {{"max_concurrency", "3"},   {"instances", "2"},
                                                 {"max_model_len", "20000"}, {"on_long_prompt", "truncate"},
                                                 {"programs", "60"},         {NULL, NULL}};
static const struct columnar_setting dropping[] = {{"request_rate", "2/s"},
                                                   {"max_model_len", "20000"},
                                                   {"on_long_prompt", "drop-program"},
                                                   {"programs", "60"},
                                                   {NULL, NULL}};

static void traces(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const struct columnar_setting *common;
    } rows[] = {
        {"workload/session/unix-arrivals.jsonl", recorded},
        {"workload/session/gaps.jsonl", poisson},
        {"workload/session/token-ids.jsonl", poisson},
        {"workload/session/chain.jsonl", poisson},
        {"workload/weka/forks.json", poisson},
        {"workload/weka/folder", poisson},
        {"workload/session/flat.jsonl", recorded_median},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct columnar_setting source[] = {{"workload", test_path(rows[i].path)}, {NULL, NULL}};
        assert_same_runs(source, rows[i].common, file);
    }
}

static void generators(void **state)
{
    (void)state;
    static const char *const names[] = {"swe-agent", "synthetic"};
    for (int i = 0; i < 2; i++) {
        const struct columnar_setting source[] = {{"generate", names[i]}, {NULL, NULL}};
        assert_same_runs(source, closed, file);
        assert_same_runs(source, dropping, file);
    }
}

/* A row that is not sound ends the run with an error that names it. */
static void damaged_file(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    asim_config_set(config, "generate", "synthetic");
    asim_config_set(config, "programs", "20");
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    char *document = NULL;
    assert_int_equal(asim_import(config, file, &document), ASIM_OK);
    asim_free(document);
    asim_config_destroy(config);

    struct columnar_header header;
    FILE *out = fopen(file, "r+b");
    assert_int_equal(fread(&header, sizeof header, 1, out), 1);
    const uint32_t none = 0;
    fseek(out, (long)header.sections[COLUMN_PROMPT].offset + 30 * 4, SEEK_SET);
    fwrite(&none, sizeof none, 1, out);
    fclose(out);

    static const char *const loads[][2] = {{"request_rate", "1/s"}, {"max_concurrency", "2"}};
    for (int i = 0; i < 2; i++) {
        config = asim_config_create();
        asim_config_set(config, "workload", file);
        asim_config_set(config, loads[i][0], loads[i][1]);
        assert_int_equal(asim_config_resolve(config), ASIM_OK);
        asim_result *result = NULL;
        assert_int_equal(asim_run(config, NULL, &result), ASIM_INPUT);
        assert_non_null(strstr(asim_result_message(result, 0, NULL), "section 'prompt', row 30: not a value of it"));
        asim_result_destroy(result);
        assert_int_equal(asim_plan(config, &document), ASIM_INPUT);
        assert_null(document);
        assert_int_equal(asim_inspect(config, &document), ASIM_INPUT);
        assert_null(document);
        asim_config_destroy(config);
    }
    remove(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(traces), cmocka_unit_test(generators),
                                       cmocka_unit_test(damaged_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
