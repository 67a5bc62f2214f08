#include "support/support.h"

#include "workload/describe.h"

#include <math.h>
#include <string.h>

static const char text[] =
    "{\"session_id\":\"a\",\"arrival_time_ns\":5000000000,\"sub_requests\":["
    "{\"input_toks\":100,\"output_toks\":10,\"prefix_toks\":0,\"gap_ns\":1000000000,\"tool\":\"ls\"},"
    "{\"input_toks\":200,\"output_toks\":20,\"prefix_toks\":100,\"gap_ns\":3000000000,\"tool\":\"ls\"},"
    "{\"input_toks\":300,\"output_toks\":0,\"prefix_toks\":100,\"gap_ns\":6000000000,\"tool\":\"pip\"},"
    "{\"input_toks\":400,\"output_toks\":30,\"prefix_toks\":300}]}\n"
    "{\"input_toks\":50,\"output_toks\":5,\"arrival_time_ns\":1000000000}\n";

static double number(const json_t *root, const char *quantity, const char *figure)
{
    const json_t *value = json_object_get(json_object_get(root, quantity), figure);
    if (!json_is_number(value)) {
        fail_msg("%s.%s is missing", quantity, figure);
    }
    return json_number_value(value);
}

static json_t *describe(const char *input, bool generated)
{
    const struct workload_options options = {.block_size = 16, .reuse_generated = true, .seed = 1};
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = generated ? workload_generate("swe-agent", 40, &options, &diag)
                                          : workload_open_memory("text", input, strlen(input), &options, &diag);
    assert_non_null(workload);
    json_t *root = workload_describe(workload);
    workload_destroy(workload);
    diag_fini(&diag);
    return root;
}

static void figures_of_a_small_workload(void **state)
{
    (void)state;
    json_t *root = describe(text, false);
    assert_string_equal(json_string_value(json_object_get(root, "format")), "session JSONL");
    assert_int_equal(json_integer_value(json_object_get(root, "programs")), 2);
    assert_int_equal(json_integer_value(json_object_get(root, "turns")), 5);
    assert_true(json_is_true(json_object_get(root, "has_arrivals")));
    assert_true(json_is_false(json_object_get(root, "has_token_ids")));
    assert_true(json_number_value(json_object_get(root, "arrival_span_s")) == 4.0);
    assert_true(number(root, "prompt_toks", "sum") == 1050.0);
    assert_true(number(root, "prompt_toks", "mean") == 210.0);
    assert_true(number(root, "prompt_toks", "p50") == 200.0);
    assert_true(fabs(number(root, "prompt_toks", "p90") - 360.0) < 1e-9); /* 300 + 0.6 * 100 */
    assert_true(number(root, "prompt_toks", "max") == 400.0);
    /* Kept: 0, 110 (with the output), 100, 300 (no output before it), 0. */
    assert_true(number(root, "kept_toks", "sum") == 510.0);
    assert_true(number(root, "new_toks", "sum") == 540.0);
    assert_true(fabs(json_number_value(json_object_get(root, "kept_fraction")) - 510.0 / 1050.0) < 1e-15);
    assert_true(number(root, "final_context_toks", "max") == 430.0);
    assert_true(number(root, "gap_s", "n") == 3.0 && number(root, "gap_s", "sum") == 10.0);
    assert_true(number(root, "turns_per_program", "mean") == 2.5);
    const json_t *tools = json_object_get(root, "tools");
    assert_int_equal(json_array_size(tools), 2); /* pip with 6 s before ls with 4 s; unused names are left out */
    assert_string_equal(json_string_value(json_object_get(json_array_get(tools, 0), "name")), "pip");
    assert_true(number(json_array_get(tools, 1), "gap_s", "mean") == 2.0);
    json_decref(root);
}

static void a_workload_without_gaps(void **state)
{
    (void)state;
    json_t *root = describe("{\"input_toks\":50,\"output_toks\":5}", false);
    assert_true(number(root, "gap_s", "n") == 0.0);
    assert_null(json_object_get(json_object_get(root, "gap_s"), "mean"));
    assert_null(json_object_get(root, "arrival_span_s"));
    assert_int_equal(json_array_size(json_object_get(root, "tools")), 0);
    json_decref(root);
}

/* What is missing is counted, and counts for nothing else. */
static void missing_gaps_are_kept_out(void **state)
{
    (void)state;
    static const char input[] = "{\"sub_requests\":[{\"input_toks\":100,\"output_toks\":10,\"gap_ns\":null},"
                                "{\"input_toks\":200,\"output_toks\":10,\"gap_ns\":4000000000},"
                                "{\"input_toks\":300,\"output_toks\":10}]}\n";
    const struct workload_options options = {.block_size = 16, .missing_gap = MISSING_GAP_KEEP};
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_open_memory("text", input, strlen(input), &options, &diag);
    assert_non_null(workload);
    assert_int_equal(diag.n_errors, 0);
    json_t *root = workload_describe(workload);
    assert_int_equal(json_integer_value(json_object_get(root, "missing_gaps")), 1);
    assert_true(number(root, "gap_s", "n") == 1.0 && number(root, "gap_s", "mean") == 4.0);
    json_decref(root);
    workload_destroy(workload);
    diag_fini(&diag);
}

static void graphs(void **state)
{
    (void)state;
    static const char dag[] =
        "{\"workflow_id\":1,\"nodes\":[{\"node_id\":1,\"input_toks\":10,\"output_toks\":1,\"tool\":\"ls\"},"
        "{\"node_id\":2,\"input_toks\":5,\"output_toks\":1},{\"node_id\":3,\"input_toks\":20,\"output_toks\":1}],"
        "\"edges\":[{\"src\":1,\"dst\":2,\"delay_ns\":2000000000},{\"src\":2,\"dst\":3},"
        "{\"src\":1,\"dst\":3,\"delay_ns\":4000000000}]}\n"
        "{\"input_toks\":50,\"output_toks\":5}\n";
    json_t *root = describe(dag, false);
    assert_int_equal(json_integer_value(json_object_get(root, "dag_programs")), 1);
    assert_true(number(root, "dag_edges", "sum") == 3.0 && number(root, "dag_edges", "n") == 1.0);
    assert_true(number(root, "dag_longest_path_turns", "max") == 3.0);
    assert_true(number(root, "gap_s", "n") == 3.0 && number(root, "gap_s", "sum") == 6.0);
    assert_int_equal(json_array_size(json_object_get(root, "tools")), 2);
    json_decref(root);
    root = describe(text, false);
    assert_null(json_object_get(root, "dag_programs"));
    assert_null(json_object_get(root, "dag_edges"));
    json_decref(root);
}

static void a_generated_workload(void **state)
{
    (void)state;
    json_t *root = describe(NULL, true);
    assert_int_equal(json_integer_value(json_object_get(root, "programs")), 40);
    assert_true(json_integer_value(json_object_get(root, "turns")) > 300);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_a_small_workload), cmocka_unit_test(a_workload_without_gaps),
        cmocka_unit_test(missing_gaps_are_kept_out),   cmocka_unit_test(graphs),
        cmocka_unit_test(a_generated_workload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
