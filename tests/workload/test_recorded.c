/* Recorded workloads: counts, and turns against a plain second reading of the files with jansson. Skipped where the
 * data is absent. */
#include "support/support.h"

#include "base/mem.h"
#include "workload/prompt.h"
#include "workload/same_workload.h"
#include "workload/workload.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct workload_options standard = {.reuse_generated = true, .block_size = 16, .seed = 1};

static struct workload *open_data(const char *relative, const struct workload_options *options)
{
    const char *path = data_path(relative);
    if (!path) {
        skip();
    }
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_open(path, options, &diag);
    if (!workload) {
        fail_msg("%s", diag.entries[0].text);
    }
    diag_fini(&diag);
    return workload;
}

struct totals {
    uint64_t programs, turns, prompt, output;
};

/* Counts, and that every content can be built and has the right length. */
static struct totals totals_of(struct workload *workload)
{
    struct totals totals = {.programs = workload_stats(workload)->n_programs};
    struct prompt_state state;
    prompt_state_init(&state);
    for (uint64_t p = 0; p < totals.programs; p++) {
        const struct program *program = workload_fetch(workload, p, 0);
        prompt_state_reset(&state);
        for (uint32_t i = 0; i < program->n_turns; i++) {
            const struct turn *turn = &program->turns[i];
            assert_int_equal(prompt_build(&state, program, i).n_tokens, turn->prompt_toks + turn->output_toks);
            totals.turns++;
            totals.prompt += turn->prompt_toks;
            totals.output += turn->output_toks;
        }
        workload_release(workload, program, 0);
    }
    prompt_state_fini(&state);
    assert_int_equal(totals.turns, workload_stats(workload)->n_turns);
    return totals;
}

static void assert_totals(struct workload *workload, struct totals expected)
{
    const struct totals totals = totals_of(workload);
    assert_int_equal(totals.programs, expected.programs);
    assert_int_equal(totals.turns, expected.turns);
    assert_int_equal(totals.prompt, expected.prompt);
    assert_int_equal(totals.output, expected.output);
}

static void reads_thunderagent(void **state)
{
    (void)state;
    struct workload *workload = open_data("traces/thunderagent-sweagent/programs_bs1.jsonl", &standard);
    assert_totals(workload, (struct totals){5, 205, 4703291, 34833});
    assert_true(workload_stats(workload)->has_arrivals);
    /* gap_ns, not tool_duration_ns. */
    assert_int_equal(workload_fetch(workload, 0, 0)->turns[0].gap, INT64_C(479077339) * SIMTIME_NS);
    workload_destroy(workload);
    workload = open_data("traces/thunderagent-sweagent/programs_bs4.jsonl", &standard);
    assert_totals(workload, (struct totals){64, 2831, 69223280, 467554});
    workload_destroy(workload);
}

/* No gap is known: an error that counts them, or a draw for each. */
static void reads_mini_swe_agent(void **state)
{
    (void)state;
    const char *path = data_path("traces/mini-swe-agent/programs.jsonl");
    if (!path) {
        skip();
    }
    struct diag diag;
    diag_init(&diag);
    assert_null(workload_open(path, &standard, &diag));
    assert_int_equal(diag.status, ASIM_INPUT);
    assert_non_null(strstr(diag.entries[diag.n_entries - 1].text, "missing between turns: 19663; allowed"));
    diag_fini(&diag);
    struct workload_options options = standard;
    options.missing_gap = MISSING_GAP_DISTRIBUTION;
    options.missing_gap_distribution = (struct distribution){.kind = DISTRIBUTION_UNIFORM, .a = 1.0, .b = 3.0};
    struct workload *workload = open_data("traces/mini-swe-agent/programs.jsonl", &options);
    assert_totals(workload, (struct totals){500, 20163, 333047929, 5556752});
    assert_int_equal(workload_stats(workload)->missing_gaps, 19663);
    double sum = 0.0;
    for (uint64_t p = 0; p < 500; p++) {
        const struct program *program = workload_fetch(workload, p, 0);
        for (uint32_t i = 0; i + 1 < program->n_turns; i++) {
            const double gap = simtime_to_s(program->turns[i].gap);
            assert_true(gap >= 1.0 && gap <= 3.0);
            sum += gap;
        }
    }
    assert_true(sum / 19663 > 1.98 && sum / 19663 < 2.02);
    workload_destroy(workload);
}

static void reads_weka_programs(void **state)
{
    (void)state;
    struct workload_options options = standard;
    options.missing_gap = MISSING_GAP_MEDIAN;
    struct workload *workload = open_data("traces/claude-code-weka/programs.jsonl", &options);
    assert_totals(workload, (struct totals){533, 34595, UINT64_C(4061180382), 14581879});
    assert_int_equal(workload_stats(workload)->missing_gaps, 102);
    assert_false(workload_stats(workload)->has_arrivals);
    workload_destroy(workload);
    options.max_programs = 3;
    workload = open_data("traces/claude-code-weka/programs.jsonl", &options);
    assert_int_equal(workload_stats(workload)->n_programs, 3);
    workload_destroy(workload);
}

static void reads_vllm_workloads(void **state)
{
    (void)state;
    struct workload *workload = open_data("vllm/RTXPRO6000-Llama-3.1-8B/workload.jsonl", &standard);
    assert_totals(workload, (struct totals){300, 300, 257239, 195753});
    assert_true(workload_stats(workload)->has_token_ids && workload_stats(workload)->has_arrivals);
    /* Two pairs of conversations whose prompts are equal and whose outputs begin alike; found by comparing all blocks.
     */
    static const uint64_t expected[] = {38, 138, 174, 188};
    size_t n = 0;
    for (uint64_t p = 0; p < 300; p++) {
        if (workload_fetch(workload, p, 0)->turns[0].shared_output) {
            assert_true(n < 4 && expected[n] == p);
            n++;
        }
    }
    assert_int_equal(n, 4);
    workload_destroy(workload);
    workload = open_data("vllm/RTXPRO6000-Qwen3-32B/workload.jsonl", &standard);
    assert_totals(workload, (struct totals){300, 300, 258691, 199486});
    workload_destroy(workload);
}

static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_non_null(value);
    return value;
}

static size_t common_ids(const json_t *a, const json_t *b)
{
    size_t n = 0;
    while (n < json_array_size(a) && n < json_array_size(b) &&
           json_integer_value(json_array_get(a, n)) == json_integer_value(json_array_get(b, n))) {
        n++;
    }
    return n;
}

/* Parent and kept tokens of a request, by comparing it with all earlier ones. */
static void plain_turn(const json_t *requests, size_t index, uint32_t *parent, uint32_t *kept)
{
    const json_t *request = json_array_get(requests, index);
    const json_t *ids = member(request, "hash_ids");
    size_t best = 0;
    *parent = 0;
    for (size_t i = 0; i < index; i++) {
        const size_t common = common_ids(ids, member(json_array_get(requests, i), "hash_ids"));
        if (common && common >= best) {
            best = common;
            *parent = (uint32_t)i;
        }
    }
    *kept = (uint32_t)best * 64;
    const json_t *before = json_array_get(requests, *parent);
    const int64_t prompt = json_integer_value(member(before, "in"));
    const int64_t context = prompt + json_integer_value(member(before, "out"));
    if (best && prompt - *kept < 64 && json_integer_value(member(request, "in")) >= context) {
        *kept = (uint32_t)context;
    }
}

static void check_weka_file(const char *relative, size_t n_turns)
{
    struct workload *workload = open_data(relative, &standard);
    json_t *root = json_load_file(data_path(relative), 0, NULL);
    const json_t *requests = member(root, "requests");
    const struct program *program = workload_fetch(workload, 0, 0);
    assert_string_equal(program->name, json_string_value(member(root, "id")));
    assert_int_equal(json_array_size(requests), n_turns);
    assert_int_equal(program->n_turns, n_turns);
    for (size_t i = 0; i < n_turns; i++) {
        const struct turn *turn = &program->turns[i];
        const json_t *request = json_array_get(requests, i);
        uint32_t parent;
        uint32_t kept;
        plain_turn(requests, i, &parent, &kept);
        assert_int_equal(turn->prompt_toks, json_integer_value(member(request, "in")));
        assert_int_equal(turn->output_toks, json_integer_value(member(request, "out")));
        assert_int_equal(turn->kept_toks, kept);
        assert_int_equal(turn->parent, parent);
        if (i + 1 < n_turns) {
            const json_t *next = json_array_get(requests, i + 1);
            const char *type = json_string_value(json_array_get(member(next, "input_types"), 0));
            assert_int_equal(turn->gap, (int64_t)(json_number_value(member(next, "think_time")) * 1e12));
            assert_string_equal(workload_tool_name(workload, turn->tool),
                                strcmp(type, "tool_result") == 0 ? "tool" : "user");
        }
    }
    json_decref(root);
    workload_destroy(workload);
}

static void reads_weka_files(void **state)
{
    (void)state;
    check_weka_file("traces/claude-code-weka/trace_0012.json", 14);
    check_weka_file("traces/claude-code-weka/trace_0015.json", 48);
}

/* The original of trace_0015 and its line in the prepared file (trace_0012 has none) are the same turns. */
static void weka_file_equals_prepared_line(void **state)
{
    (void)state;
    struct workload_options options = standard;
    options.missing_gap = MISSING_GAP_MEDIAN;
    options.shared_prefix = "claude-code";
    struct workload *original = open_data("traces/claude-code-weka/trace_0015.json", &options);
    struct workload *prepared = open_data("traces/claude-code-weka/programs.jsonl", &options);
    const struct program *a = workload_fetch(original, 0, 0);
    const struct program *b = NULL;
    for (uint64_t p = 0; p < workload_stats(prepared)->n_programs; p++) {
        const struct program *program = workload_fetch(prepared, p, 0);
        b = strcmp(program->name, "trace_0015") == 0 ? program : b;
    }
    assert_non_null(b);
    assert_int_equal(a->n_turns, b->n_turns);
    assert_int_equal(a->shared_prefix_toks, 12439 + 2770);
    assert_int_equal(b->shared_prefix_toks, a->shared_prefix_toks);
    for (uint32_t i = 0; i < a->n_turns; i++) {
        assert_int_equal(a->turns[i].prompt_toks, b->turns[i].prompt_toks);
        assert_int_equal(a->turns[i].output_toks, b->turns[i].output_toks);
        assert_int_equal(a->turns[i].kept_toks, b->turns[i].kept_toks);
        assert_int_equal(a->turns[i].gap, b->turns[i].gap);
        assert_true(a->turns[i].kept_toks == 0 || a->turns[i].parent == b->turns[i].parent);
        if (i + 1 < a->n_turns) {
            assert_string_equal(workload_tool_name(original, a->turns[i].tool),
                                workload_tool_name(prepared, b->turns[i].tool));
        }
    }
    workload_destroy(original);
    workload_destroy(prepared);
}

/* Every recorded workload as a columnar file: the same programs. */
static void imports(void **state)
{
    (void)state;
    static const char file[] = ASIM_BINARY_FOLDER "/test_recorded.asimw";
    static const char *const paths[] = {
        "traces/thunderagent-sweagent/programs_bs1.jsonl",
        "traces/thunderagent-sweagent/programs_bs4.jsonl",
        "traces/mini-swe-agent/programs.jsonl",
        "traces/claude-code-weka/programs.jsonl",
        "traces/claude-code-weka/trace_0012.json",
        "traces/claude-code-weka/trace_0015.json",
        "vllm/RTXPRO6000-Llama-3.1-8B/workload.jsonl",
        "vllm/RTXPRO6000-Qwen3-32B/workload.jsonl",
    };
    struct workload_options options = standard;
    options.missing_gap = MISSING_GAP_DISTRIBUTION;
    options.missing_gap_distribution = (struct distribution){.kind = DISTRIBUTION_UNIFORM, .a = 1.0, .b = 3.0};
    struct workload_options keeping = standard;
    keeping.missing_gap = MISSING_GAP_KEEP;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct diag diag;
        diag_init(&diag);
        struct workload *workload = open_data(paths[i], &options);
        struct workload *kept = open_data(paths[i], &keeping);
        struct workload *again = imported(kept, &keeping, file, &options, &diag);
        assert_non_null(again);
        assert_same_workload(workload, again);
        workload_destroy(again);
        workload_destroy(kept);
        workload_destroy(workload);
        diag_fini(&diag);
    }
    remove(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_thunderagent),
        cmocka_unit_test(reads_mini_swe_agent),
        cmocka_unit_test(reads_weka_programs),
        cmocka_unit_test(reads_vllm_workloads),
        cmocka_unit_test(reads_weka_files),
        cmocka_unit_test(weka_file_equals_prepared_line),
        cmocka_unit_test(imports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
