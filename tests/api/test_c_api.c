/* The library as an outside program uses it: through asim.h alone. */
#include "support/support.h"

#include <asim/asim.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const small[][2] = {
    {"generate", "swe-agent"}, {"programs", "6"},   {"arrivals", "zero"},
    {"instances", "2"},        {"turns_csv", "on"}, {"tool_gap", "0.2s"},
};

static asim_config *small_config(const char *seed)
{
    asim_config *config = asim_config_create();
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        assert_int_equal(asim_config_set(config, small[i][0], small[i][1]), ASIM_OK);
    }
    assert_int_equal(asim_config_set(config, "seed", seed), ASIM_OK);
    return config;
}

static void require(asim_config *config)
{
    if (asim_config_resolve(config) != ASIM_OK) {
        fail_msg("%s", asim_config_message(config, 0, NULL));
    }
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!document) {
        fail_msg("not JSON, line %d: %s", error.line, error.text);
    }
    return document;
}

/* A member by its path, "turns.completed". */
static const json_t *member(const json_t *document, const char *path)
{
    char key[64];
    while (document && *path) {
        const size_t length = strcspn(path, ".");
        assert_true(length < sizeof key);
        memcpy(key, path, length);
        key[length] = '\0';
        document = json_object_get(document, key);
        path += length + (path[length] == '.');
    }
    return document;
}

static json_int_t count(const json_t *document, const char *path)
{
    const json_t *found = member(document, path);
    if (!json_is_integer(found)) {
        fail_msg("no count %s", path);
    }
    return json_integer_value(found);
}

static const char *text_of(const json_t *document, const char *path)
{
    const json_t *found = member(document, path);
    if (!json_is_string(found)) {
        fail_msg("no text %s", path);
    }
    return json_string_value(found);
}

static size_t lines_written(asim_status (*write)(const asim_result *result, FILE *file), const asim_result *result)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    assert_int_equal(write(result, file), ASIM_OK);
    fclose(file);
    size_t lines = 0;
    for (size_t i = 0; i < bytes; i++) {
        lines += text[i] == '\n';
    }
    free(text);
    return lines;
}

static void run_and_results(void **state)
{
    (void)state;
    asim_config *config = small_config("1");
    require(config);
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, NULL, &result), ASIM_OK);
    json_t *summary = parse(asim_result_summary(result));
    assert_string_equal(text_of(summary, "schema"), "asim.summary");
    assert_int_equal(count(summary, "programs.completed"), 6);
    const json_int_t turns = count(summary, "turns.completed");
    assert_true(turns >= 6);
    assert_int_equal(lines_written(asim_result_write_programs, result), 1 + 6);
    assert_int_equal(lines_written(asim_result_write_turns, result), 1 + (size_t)turns);
    json_t *execution = parse(asim_result_execution(result));
    assert_true(json_number_value(member(execution, "wall_s")) > 0.0);
    assert_true(json_is_array(member(execution, "inputs")));
    json_decref(execution);
    json_decref(summary);
    asim_result_destroy(result);
    asim_config_destroy(config);
}

static void turns_need_their_option(void **state)
{
    (void)state;
    asim_config *config = small_config("1");
    asim_config_set(config, "turns_csv", "off");
    require(config);
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, NULL, &result), ASIM_OK);
    FILE *file = tmpfile();
    assert_int_equal(asim_result_write_turns(result, file), ASIM_USAGE);
    assert_int_equal(ftell(file), 0);
    fclose(file);
    asim_result_destroy(result);
    asim_config_destroy(config);
}

/* Two simulations with different seeds between two of the same, alive at once: none knows of another. */
static void several_in_one_process(void **state)
{
    (void)state;
    asim_config *configs[3] = {small_config("1"), small_config("2"), small_config("1")};
    asim_result *results[3] = {NULL};
    for (int i = 0; i < 3; i++) {
        require(configs[i]);
    }
    for (int i = 2; i >= 0; i--) {
        assert_int_equal(asim_run(configs[i], NULL, &results[i]), ASIM_OK);
    }
    asim_result *again = NULL;
    assert_int_equal(asim_run(configs[1], NULL, &again), ASIM_OK);
    assert_string_equal(asim_result_summary(results[0]), asim_result_summary(results[2]));
    assert_string_equal(asim_result_summary(results[1]), asim_result_summary(again));
    assert_string_not_equal(asim_result_summary(results[0]), asim_result_summary(results[1]));
    asim_result_destroy(again);
    for (int i = 0; i < 3; i++) {
        asim_result_destroy(results[i]);
        asim_config_destroy(configs[i]);
    }
}

struct listener {
    unsigned reports;
    unsigned polls;
    unsigned cancel_at; /* 0: never */
    asim_progress last;
};

static void on_progress(void *user, const asim_progress *progress)
{
    struct listener *listener = user;
    listener->reports++;
    assert_true(progress->turns_done >= listener->last.turns_done);
    assert_true(progress->sim_time_s >= listener->last.sim_time_s);
    assert_true(progress->wall_s >= listener->last.wall_s);
    listener->last = *progress;
}

static bool on_cancel(void *user)
{
    struct listener *listener = user;
    listener->polls++;
    return listener->cancel_at && listener->polls >= listener->cancel_at;
}

static asim_config *long_config(void)
{
    asim_config *config = small_config("3");
    asim_config_set(config, "programs", "4000");
    asim_config_set(config, "stepping", "plain");
    require(config);
    return config;
}

/* A program built against another version of the header is told, not misread. */
static void callbacks_of_another_size_are_refused(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    const asim_callbacks callbacks = {.struct_size = sizeof callbacks - 1};
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, &callbacks, &result), ASIM_USAGE);
    bool is_warning = true;
    assert_non_null(strstr(asim_result_message(result, 0, &is_warning), "struct_size"));
    assert_false(is_warning);
    asim_result_destroy(result);
    asim_config_destroy(config);
}

static void checkpoints_of_another_size_are_refused(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    const asim_checkpoints checkpoints = {.struct_size = sizeof checkpoints + 8};
    asim_result *result = NULL;
    assert_int_equal(asim_run_saved(config, &checkpoints, NULL, &result), ASIM_USAGE);
    assert_non_null(strstr(asim_result_message(result, 0, NULL), "checkpoints.struct_size"));
    asim_result_destroy(result);
    asim_config_destroy(config);
}

/* What a checkpoint does not keep cannot be asked for. */
static void checkpoints_without_all_that_is_asked_for(void **state)
{
    (void)state;
    static const char *const paths[] = {"decisions_log", "belady_ratio"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        asim_config *config = asim_config_create();
        assert_int_equal(asim_config_set(config, paths[i], "on"), ASIM_OK);
        assert_int_equal(asim_config_resolve(config), ASIM_OK);
        const asim_checkpoints checkpoints = {.struct_size = sizeof checkpoints, .file = "never-written"};
        asim_result *result = NULL;
        assert_int_equal(asim_run_saved(config, &checkpoints, NULL, &result), ASIM_USAGE);
        const char *message = asim_result_message(result, 0, NULL);
        assert_non_null(strstr(message, paths[i]));
        assert_non_null(strstr(message, "kept in no checkpoint; allowed: off"));
        asim_result_destroy(result);
        asim_config_destroy(config);
    }
}

static bool count_calls(void *user)
{
    ++*(int *)user;
    return true;
}

/* A cancelled run leaves a checkpoint, from which another goes on to the results of an uncut one. */
static void cancelled_runs_can_go_on(void **state)
{
    (void)state;
    char file[] = "/tmp/asim-c-api-XXXXXX";
    close(mkstemp(file));
    asim_config *config = long_config();
    struct listener listener = {.cancel_at = 2};
    const asim_callbacks callbacks = {.struct_size = sizeof callbacks, .user = &listener, .cancelled = on_cancel};
    int prepared = 0;
    asim_checkpoints checkpoints = {
        .struct_size = sizeof checkpoints, .file = file, .user = &prepared, .prepare = count_calls};
    asim_result *cut = NULL;
    assert_int_equal(asim_run_saved(config, &checkpoints, &callbacks, &cut), ASIM_INTERRUPTED);
    assert_int_equal(prepared, 1);
    asim_result *uncut = NULL;
    asim_result *resumed = NULL;
    checkpoints = (asim_checkpoints){.struct_size = sizeof checkpoints, .resume = file};
    assert_int_equal(asim_run(config, NULL, &uncut), ASIM_OK);
    assert_int_equal(asim_run_saved(config, &checkpoints, NULL, &resumed), ASIM_OK);
    assert_string_equal(asim_result_summary(resumed), asim_result_summary(uncut));
    asim_result_destroy(cut);
    asim_result_destroy(uncut);
    asim_result_destroy(resumed);
    asim_config_destroy(config);
    unlink(file);
}

static void cancelled_runs_keep_what_they_have(void **state)
{
    (void)state;
    asim_config *config = long_config();
    struct listener listener = {.cancel_at = 2};
    const asim_callbacks callbacks = {
        .struct_size = sizeof callbacks, .user = &listener, .progress = on_progress, .cancelled = on_cancel};
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, &callbacks, &result), ASIM_INTERRUPTED);
    assert_int_equal(listener.polls, 2);
    json_t *summary = parse(asim_result_summary(result));
    assert_true(json_is_true(member(summary, "interrupted")));
    const json_int_t completed = count(summary, "programs.completed");
    const json_int_t interrupted = count(summary, "programs.interrupted");
    assert_true(interrupted > 0 && completed + interrupted <= 4000);
    assert_int_equal(lines_written(asim_result_write_turns, result), 1 + (size_t)count(summary, "turns.completed"));
    json_decref(summary);
    asim_result_destroy(result);
    asim_config_destroy(config);
}

static void progress_is_reported(void **state)
{
    (void)state;
    asim_config *config = long_config();
    struct listener listener = {.cancel_at = 0};
    /* Polls go on until some wall time has passed; then the run is ended from outside. */
    listener.cancel_at = 2000;
    const asim_callbacks callbacks = {
        .struct_size = sizeof callbacks, .user = &listener, .progress = on_progress, .cancelled = on_cancel};
    asim_result *result = NULL;
    const asim_status status = asim_run(config, &callbacks, &result);
    assert_true(status == ASIM_OK || status == ASIM_INTERRUPTED);
    assert_true(listener.reports > 0 && listener.reports <= listener.polls);
    assert_int_equal(listener.last.programs_total, 4000);
    assert_true(listener.last.steps > 0 && listener.last.programs_done <= 4000);
    asim_result_destroy(result);
    asim_config_destroy(config);
}

static void callbacks_may_be_absent(void **state)
{
    (void)state;
    asim_config *config = small_config("1");
    require(config);
    const asim_callbacks none = {.struct_size = sizeof none};
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, &none, &result), ASIM_OK);
    asim_result_destroy(result);
    asim_config_destroy(config);
}

static void unresolved_configurations_are_refused(void **state)
{
    (void)state;
    asim_config *config = small_config("1");
    asim_result *result = NULL;
    char *text = NULL;
    assert_int_equal(asim_run(config, NULL, &result), ASIM_USAGE);
    assert_null(result);
    assert_int_equal(asim_plan(config, &text), ASIM_USAGE);
    assert_null(text);
    assert_int_equal(asim_inspect(config, &text), ASIM_USAGE);
    assert_null(text);
    assert_int_equal(asim_validate(config, "/no/such", NULL, &text), ASIM_USAGE);
    assert_null(text);
    asim_config_destroy(config);
}

/* Expects asim_run to fail with `status` and a message that contains `words`. */
static void run_fails(asim_config *config, asim_status status, const char *words)
{
    require(config);
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, NULL, &result), status);
    assert_non_null(result);
    assert_null(asim_result_summary(result));
    bool found = false;
    for (size_t i = 0; i < asim_result_message_count(result); i++) {
        bool is_warning = true;
        const char *message = asim_result_message(result, i, &is_warning);
        found = found || (!is_warning && strstr(message, words));
    }
    if (!found) {
        const char *first = asim_result_message_count(result) ? asim_result_message(result, 0, NULL) : "(none)";
        fail_msg("no message about '%s'; the first is: %s", words, first);
    }
    assert_null(asim_result_message(result, 1000, NULL));
    asim_result_destroy(result);
    asim_config_destroy(config);
}

static void errors_have_statuses_and_messages(void **state)
{
    (void)state;
    asim_config *config = small_config("1");
    asim_config_set(config, "model", "llama-3.1-70b");
    run_fails(config, ASIM_INFEASIBLE, "does not fit");

    config = small_config("1");
    asim_config_set(config, "kv_pool_tokens", "1000");
    asim_config_set(config, "max_model_len", "2000");
    run_fails(config, ASIM_INFEASIBLE, "max_model_len");

    config = small_config("1");
    asim_config_set(config, "model", "no-such-model");
    run_fails(config, ASIM_USAGE, "no-such-model");

    config = small_config("1");
    asim_config_set(config, "hardware", "no-such-gpu");
    run_fails(config, ASIM_USAGE, "no-such-gpu");

    config = small_config("1");
    asim_config_set(config, "tool_gap", "no-such-tool=2s");
    run_fails(config, ASIM_USAGE, "no-such-tool");

    config = small_config("1");
    asim_config_set(config, "enable_chunked_prefill", "off");
    run_fails(config, ASIM_USAGE, "enable_chunked_prefill");

    config = asim_config_create();
    asim_config_set(config, "workload", "/no/such/file.jsonl");
    run_fails(config, ASIM_INPUT, "/no/such/file.jsonl");

    config = asim_config_create();
    asim_config_set(config, "workload", test_path("workload/session/chain.jsonl"));
    asim_config_set(config, "missing_gap", "1s");
    run_fails(config, ASIM_USAGE, "arrival");

    config = small_config("1");
    asim_config_set(config, "max_model_len", "100");
    run_fails(config, ASIM_INPUT, "max_model_len");
}

static void plan_says_what_a_run_would_do(void **state)
{
    (void)state;
    asim_config *config = small_config("1");
    asim_config_set(config, "num_gpu_blocks_override", "9000");
    asim_config_set(config, "max_num_seqs", "17");
    require(config);
    char *text = NULL;
    assert_int_equal(asim_plan(config, &text), ASIM_OK);
    json_t *plan = parse(text);
    assert_string_equal(text_of(plan, "schema"), "asim.plan");
    assert_int_equal(count(plan, "memory_per_gpu.kv_blocks"), 9000);
    assert_int_equal(count(plan, "memory_per_gpu.kv_tokens"), 8999 * 16);
    assert_string_equal(text_of(plan, "memory_per_gpu.kv_pool_from"), "num_gpu_blocks_override");
    assert_int_equal(count(plan, "engine.max_num_seqs"), 17);
    assert_int_equal(count(plan, "workload.programs"), 6);
    assert_int_equal(count(plan, "instances"), 2);
    json_decref(plan);
    asim_free(text);
    asim_config_destroy(config);
}

static void inspect_describes_the_workload(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    asim_config_set(config, "workload", test_path("workload/session/flat.jsonl"));
    require(config);
    char *text = NULL;
    assert_int_equal(asim_inspect(config, &text), ASIM_OK);
    json_t *document = parse(text);
    assert_int_equal(count(document, "programs"), 3);
    json_decref(document);
    asim_free(text);
    asim_config_set(config, "workload", test_path("workload/session/bad-lines.jsonl"));
    require(config);
    assert_int_equal(asim_inspect(config, &text), ASIM_INPUT);
    assert_null(text);
    assert_non_null(strstr(asim_config_message(config, 0, NULL), "bad-lines.jsonl:2"));
    asim_config_destroy(config);
}

static void imports(void **state)
{
    (void)state;
    static const char file[] = ASIM_BINARY_FOLDER "/test_c_api.asimw";
    asim_config *config = asim_config_create();
    char *text = NULL;
    assert_int_equal(asim_import(config, file, &text), ASIM_USAGE); /* not resolved */
    assert_null(text);
    assert_int_equal(asim_config_set(config, "workload", test_path("workload/session/chain.jsonl")), ASIM_OK);
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    assert_int_equal(asim_import(config, file, &text), ASIM_OK);
    json_t *document = parse(text);
    assert_string_equal(text_of(document, "schema"), "asim.import");
    assert_string_equal(text_of(document, "from"), "session JSONL");
    assert_string_equal(text_of(document, "file"), file);
    json_decref(document);
    asim_free(text);
    assert_int_equal(asim_config_set(config, "workload", file), ASIM_OK);
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    assert_int_equal(asim_inspect(config, &text), ASIM_OK);
    document = parse(text);
    assert_string_equal(text_of(document, "format"), "columnar, from session JSONL");
    json_decref(document);
    asim_free(text);
    assert_int_equal(asim_import(config, ASIM_BINARY_FOLDER "/no-such-folder/x", &text), ASIM_IO);
    assert_null(text);
    asim_config_destroy(config);
    remove(file);
}

static void lists(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        const char *has;
    } kinds[] = {{"models", "llama-3.1-8b"}, {"hardware", "h100-sxm"},    {"policies", "session-affinity"},
                 {"formats", "weka"},        {"generators", "swe-agent"}, {"generators", "synthetic"}};
    asim_config *config = asim_config_create();
    char *text = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_int_equal(asim_list(config, kinds[i].kind, &text), ASIM_OK);
        json_t *document = parse(text);
        assert_string_equal(text_of(document, "kind"), kinds[i].kind);
        const json_t *items = member(document, "items");
        bool found = false;
        for (size_t j = 0; j < json_array_size(items); j++) {
            found = found || strcmp(text_of(json_array_get(items, j), "name"), kinds[i].has) == 0;
        }
        assert_true(found);
        json_decref(document);
        asim_free(text);
    }
    assert_int_equal(asim_list(config, "nonsense", &text), ASIM_USAGE);
    assert_null(text);
    assert_non_null(strstr(asim_config_message(config, 0, NULL), "generators"));
    asim_config_destroy(config);
}

/* A path for this process's files. */
static const char *scratch(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/c_api_%ld_%s", ASIM_BINARY_FOLDER, (long)getpid(), name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static asim_config *flat_config(const char *workload)
{
    asim_config *config = asim_config_create();
    asim_config_set(config, "workload", workload);
    require(config);
    return config;
}

static void validate_compares_with_measured_times(void **state)
{
    (void)state;
    char workload[512];
    snprintf(workload, sizeof workload, "%s", scratch("workload.jsonl"));
    write_file(workload, "{\"input_toks\":100,\"output_toks\":3,\"arrival_time_ns\":0}\n"
                         "{\"input_toks\":50,\"output_toks\":1,\"arrival_time_ns\":1000000000}\n");
    const char *measured = scratch("measured.jsonl");
    write_file(
        measured,
        "{\"input_toks\":100,\"output_toks\":3,\"arrival_time\":1000.0,\"queued_ts\":5.0,\"scheduled_ts\":5.001,"
        "\"first_token_ts\":5.02,\"last_token_ts\":5.04}\n"
        "{\"input_toks\":50,\"output_toks\":1,\"arrival_time\":1001.0,\"queued_ts\":6.001,\"scheduled_ts\":6.002,"
        "\"first_token_ts\":6.02,\"last_token_ts\":6.02}\n");
    asim_config *config = flat_config(workload);
    char *text = NULL;
    assert_int_equal(asim_validate(config, measured, NULL, &text), ASIM_OK);
    json_t *document = parse(text);
    assert_string_equal(text_of(document, "schema"), "asim.validation");
    assert_int_equal(count(document, "statistics"), 15);
    /* Arrivals are put on the clock of the other stamps by the request that was queued first: 5.0 and 6.0 s. */
    assert_true(json_real_value(member(document, "metrics.ttft_s.mean.measured")) > 0.0199);
    assert_true(json_real_value(member(document, "metrics.ttft_s.mean.measured")) < 0.0201);
    assert_true(json_real_value(member(document, "metrics.tpot_s.mean.measured")) > 0.0099);
    assert_true(json_real_value(member(document, "metrics.tpot_s.mean.measured")) < 0.0101);
    const double simulated = json_real_value(member(document, "metrics.e2e_s.p50.simulated"));
    const double real = json_real_value(member(document, "metrics.e2e_s.p50.measured"));
    const double error = json_real_value(member(document, "metrics.e2e_s.p50.error"));
    assert_true(error - (simulated / real - 1.0) < 1e-9 && (simulated / real - 1.0) - error < 1e-9);
    assert_int_equal(count(document, "summary.turns.completed"), 2);
    json_decref(document);
    asim_free(text);

    write_file(measured,
               "{\"input_toks\":100,\"output_toks\":4,\"arrival_time\":1000.0,\"queued_ts\":5.0,\"scheduled_ts\":5.001,"
               "\"first_token_ts\":5.02,\"last_token_ts\":5.04}\n");
    assert_int_equal(asim_validate(config, measured, NULL, &text), ASIM_INPUT);
    assert_null(text);
    write_file(measured,
               "{\"input_toks\":100,\"output_toks\":3,\"arrival_time\":1000.0,\"queued_ts\":5.0,\"scheduled_ts\":4.0,"
               "\"first_token_ts\":5.02,\"last_token_ts\":5.04}\n");
    assert_int_equal(asim_validate(config, measured, NULL, &text), ASIM_INPUT);
    write_file(measured, "not json\n");
    assert_int_equal(asim_validate(config, measured, NULL, &text), ASIM_INPUT);
    assert_int_equal(asim_validate(config, "/no/such/file", NULL, &text), ASIM_INPUT);
    assert_null(text);
    unlink(measured);
    unlink(workload);
    asim_config_destroy(config);
}

static void nothing_is_too_little_to_destroy(void **state)
{
    (void)state;
    asim_result_destroy(NULL);
    asim_config_destroy(NULL);
    asim_free(NULL);
    assert_true(strlen(asim_version()) >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_and_results),
        cmocka_unit_test(turns_need_their_option),
        cmocka_unit_test(several_in_one_process),
        cmocka_unit_test(callbacks_of_another_size_are_refused),
        cmocka_unit_test(checkpoints_of_another_size_are_refused),
        cmocka_unit_test(checkpoints_without_all_that_is_asked_for),
        cmocka_unit_test(cancelled_runs_can_go_on),
        cmocka_unit_test(cancelled_runs_keep_what_they_have),
        cmocka_unit_test(progress_is_reported),
        cmocka_unit_test(callbacks_may_be_absent),
        cmocka_unit_test(unresolved_configurations_are_refused),
        cmocka_unit_test(errors_have_statuses_and_messages),
        cmocka_unit_test(plan_says_what_a_run_would_do),
        cmocka_unit_test(inspect_describes_the_workload),
        cmocka_unit_test(imports),
        cmocka_unit_test(lists),
        cmocka_unit_test(validate_compares_with_measured_times),
        cmocka_unit_test(nothing_is_too_little_to_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
