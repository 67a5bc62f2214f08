/* Simulations of recorded workloads, and of real engine runs against their measured times. Skipped without the data. */
#include "sim/columnar_run.h"
#include "support/support.h"

#include <asim/asim.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    const char *path;
    const char *value;
};

static asim_config *configure(const struct setting *settings, size_t n)
{
    asim_config *config = asim_config_create();
    for (size_t i = 0; i < n; i++) {
        if (asim_config_set(config, settings[i].path, settings[i].value) != ASIM_OK) {
            fail_msg("%s", asim_config_message(config, 0, NULL));
        }
    }
    if (asim_config_resolve(config) != ASIM_OK) {
        fail_msg("%s", asim_config_message(config, 0, NULL));
    }
    return config;
}

static double number(const json_t *document, const char *group, const char *key)
{
    const json_t *found = json_object_get(group ? json_object_get(document, group) : document, key);
    if (!json_is_number(found)) {
        fail_msg("no number %s.%s", group ? group : "", key);
    }
    return json_number_value(found);
}

/* Runs and returns the summary; rows of turns.csv, without the header, to *turns. */
static json_t *simulate(const struct setting *settings, size_t n, uint64_t *turns)
{
    asim_config *config = configure(settings, n);
    asim_result *result = NULL;
    const asim_status status = asim_run(config, NULL, &result);
    if (status != ASIM_OK) {
        fail_msg("status %d: %s", (int)status, asim_result_message(result, 0, NULL));
    }
    json_t *summary = json_loads(asim_result_summary(result), 0, NULL);
    assert_non_null(summary);
    char *rows = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&rows, &bytes);
    assert_int_equal(asim_result_write_turns(result, file), ASIM_OK);
    fclose(file);
    *turns = 0;
    for (const char *at = rows; (at = strchr(at, '\n')); at++) {
        ++*turns;
    }
    --*turns;
    free(rows);
    asim_result_destroy(result);
    asim_config_destroy(config);
    return summary;
}

/* A real vLLM run: no statistic of TTFT, TPOT and E2E off by more than 2 %, and 1 % on average. */
static void compare_with_vllm(const char *run, const char *model, const char *profile, const char *parallel)
{
    char workload[1024];
    char measured[1024];
    char compute[1024];
    const char *folder = data_path(run);
    const char *tables = data_path(profile);
    if (!folder || !tables) {
        skip();
    }
    snprintf(workload, sizeof workload, "%s/workload.jsonl", folder);
    snprintf(measured, sizeof measured, "%s/requests.jsonl", folder);
    snprintf(compute, sizeof compute, "profile:%s", tables);
    const struct setting settings[] = {
        {"workload", workload},     {"model", model},
        {"compute", compute},       {"hardware", "rtx-pro-6000"},
        {"max_num_seqs", "128"},    {"tensor_parallel_size", parallel},
        {"engine", "vllm-0.19"},    {"max_num_batched_tokens", "2048"},
        {"dispatch_latency", "0s"},
    };
    asim_config *config = configure(settings, sizeof settings / sizeof settings[0]);
    char *text = NULL;
    if (asim_validate(config, measured, NULL, &text) != ASIM_OK) {
        fail_msg("%s", asim_config_message(config, 0, NULL));
    }
    json_t *document = json_loads(text, 0, NULL);
    const double mean = number(document, NULL, "mean_abs_error");
    const double worst = number(document, NULL, "max_abs_error");
    print_message("%s: mean error %.2f %%, worst %.2f %%\n", run, 100.0 * mean, 100.0 * worst);
    assert_int_equal((int)number(document, NULL, "statistics"), 15);
    assert_true(mean <= 0.010);
    assert_true(worst <= 0.020);
    json_decref(document);
    asim_free(text);
    asim_config_destroy(config);
}

static void vllm_llama_8b(void **state)
{
    (void)state;
    compare_with_vllm("vllm/RTXPRO6000-Llama-3.1-8B", "llama-3.1-8b",
                      "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16", "1");
}

static void vllm_qwen_32b(void **state)
{
    (void)state;
    compare_with_vllm("vllm/RTXPRO6000-Qwen3-32B", "qwen3-32b", "profiles/RTXPRO6000/Qwen/Qwen3-32B/bf16", "2");
}

/* Turns of the file's programs with no prompt beyond `most` tokens (prompt and one output token), and their number. */
static void count_served(const char *path, json_int_t most, uint64_t *programs, uint64_t *turns)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0;
    *programs = *turns = 0;
    while (getline(&line, &capacity, file) > 0) {
        json_t *program = json_loads(line, 0, NULL);
        assert_non_null(program);
        const json_t *list = json_object_get(program, "sub_requests");
        bool fits = true;
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *turn = json_array_get(list, i);
            const json_int_t output = json_integer_value(json_object_get(turn, "output_toks"));
            fits = fits && json_integer_value(json_object_get(turn, "input_toks")) + (output > 0) <= most;
        }
        *programs += fits;
        *turns += fits ? json_array_size(list) : 0;
        json_decref(program);
    }
    free(line);
    fclose(file);
}

static void claude_code_programs(void **state)
{
    (void)state;
    const char *path = data_path("traces/claude-code-weka/programs.jsonl");
    if (!path) {
        skip();
    }
    const struct setting settings[] = {
        {"workload", path},
        {"model", "llama-3.1-8b"},
        {"hardware", "h100-sxm"},
        {"instances", "8"},
        {"routing", "session-affinity"},
        {"request_rate", "0.5/s"},
        {"max_model_len", "200000"},
        {"on_long_prompt", "drop-program"},
        {"missing_gap", "median"},
        {"seed", "1"},
        {"turns_csv", "on"},
    };
    uint64_t programs;
    uint64_t turns;
    uint64_t rows;
    count_served(path, 200000, &programs, &turns);
    json_t *summary = simulate(settings, sizeof settings / sizeof settings[0], &rows);
    const uint64_t completed = (uint64_t)number(summary, "programs", "completed");
    print_message("%llu programs completed, %llu dropped, %llu turns\n", (unsigned long long)completed,
                  (unsigned long long)number(summary, "programs", "dropped"), (unsigned long long)rows);
    assert_int_equal(completed + (uint64_t)number(summary, "programs", "dropped"), 533);
    assert_int_equal(completed, programs);
    assert_int_equal((uint64_t)number(summary, "turns", "completed"), turns);
    assert_int_equal(rows, turns);
    json_decref(summary);
}

static void closed_loop(const char *file, const char *clients)
{
    const char *path = data_path(file);
    if (!path) {
        skip();
    }
    const struct setting settings[] = {
        {"workload", path},      {"model", "llama-3.1-8b"},   {"hardware", "h100-sxm"},  {"max_concurrency", clients},
        {"client_setup", "10s"}, {"on_long_prompt", "error"}, {"missing_gap", "median"}, {"turns_csv", "on"}};
    uint64_t programs;
    uint64_t turns;
    uint64_t rows;
    count_served(path, 131072, &programs, &turns);
    json_t *summary = simulate(settings, sizeof settings / sizeof settings[0], &rows);
    assert_int_equal((uint64_t)number(summary, "programs", "completed"), programs);
    assert_int_equal((uint64_t)number(summary, "programs", "total"), programs);
    assert_int_equal(rows, turns);
    json_decref(summary);
}

static void thunderagent_one_client(void **state)
{
    (void)state;
    closed_loop("traces/thunderagent-sweagent/programs_bs1.jsonl", "1");
}

static void thunderagent_four_clients(void **state)
{
    (void)state;
    closed_loop("traces/thunderagent-sweagent/programs_bs4.jsonl", "4");
}

static void original_weka_file(void **state)
{
    (void)state;
    const char *path = data_path("traces/claude-code-weka/trace_0012.json");
    if (!path) {
        skip();
    }
    const struct setting settings[] = {
        {"workload", path},          {"model", "llama-3.1-8b"},      {"hardware", "h100-sxm"},  {"arrivals", "zero"},
        {"max_model_len", "200000"}, {"on_long_prompt", "truncate"}, {"missing_gap", "median"}, {"turns_csv", "on"}};
    uint64_t rows;
    json_t *summary = simulate(settings, sizeof settings / sizeof settings[0], &rows);
    assert_int_equal((int)number(summary, "programs", "completed"), 1);
    assert_int_equal((uint64_t)number(summary, "turns", "completed"), rows);
    assert_true(rows > 1);
    json_decref(summary);
}

/* Recorded workloads as columnar files. */
static void imported(void **state)
{
    (void)state;
    static const char file[] = ASIM_BINARY_FOLDER "/test_recorded_default.asimw";
    static const char *const paths[] = {
        "traces/thunderagent-sweagent/programs_bs1.jsonl", "traces/thunderagent-sweagent/programs_bs4.jsonl",
        "traces/claude-code-weka/trace_0012.json", "vllm/RTXPRO6000-Llama-3.1-8B/workload.jsonl"};
    static const struct columnar_setting open_loop[] = {
        {"request_rate", "0.5/s"}, {"max_model_len", "200000"}, {"on_long_prompt", "drop-program"},
        {"missing_gap", "median"}, {"instances", "4"},          {NULL, NULL}};
    static const struct columnar_setting as_recorded[] = {{"instances", "2"}, {NULL, NULL}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const char *path = data_path(paths[i]);
        if (!path) {
            skip();
        }
        char workload[1024];
        snprintf(workload, sizeof workload, "%s", path);
        const struct columnar_setting source[] = {{"workload", workload}, {NULL, NULL}};
        assert_same_runs(source, open_loop, file);
        if (i != 2) {
            assert_same_runs(source, as_recorded, file);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vllm_llama_8b),
        cmocka_unit_test(vllm_qwen_32b),
        cmocka_unit_test(claude_code_programs),
        cmocka_unit_test(thunderagent_one_client),
        cmocka_unit_test(thunderagent_four_clients),
        cmocka_unit_test(original_weka_file),
        cmocka_unit_test(imported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
