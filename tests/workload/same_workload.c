#include "workload/same_workload.h"

#include "support/support.h"

#include "workload/arrivals.h"
#include "workload/columnar_write.h"
#include "workload/prompt.h"

static void assert_same_turn(const struct turn *a, const struct turn *b)
{
    assert_int_equal(a->prompt_toks, b->prompt_toks);
    assert_int_equal(a->output_toks, b->output_toks);
    assert_int_equal(a->kept_toks, b->kept_toks);
    if (a->kept_toks) {
        assert_int_equal(a->parent, b->parent);
    }
    assert_int_equal(a->tool, b->tool);
    assert_int_equal(a->gap, b->gap);
    assert_int_equal(a->n_extents, b->n_extents);
    assert_true(a->shared_output == b->shared_output);
}

static void assert_same_content(struct content a, struct content b)
{
    assert_int_equal(a.n_tokens, b.n_tokens);
    assert_int_equal(a.n_extents, b.n_extents);
    for (uint32_t i = 0; i < a.n_extents; i++) {
        assert_true(a.extents[i].stream == b.extents[i].stream && a.extents[i].first == b.extents[i].first &&
                    a.extents[i].count == b.extents[i].count);
    }
}

static void assert_same_program(const struct program *a, const struct program *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->arrival, b->arrival);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->n_turns, b->n_turns);
    assert_int_equal(a->shared_prefix_toks, b->shared_prefix_toks);
    struct prompt_state left;
    struct prompt_state right;
    prompt_state_init(&left);
    prompt_state_init(&right);
    for (uint32_t i = 0; i < a->n_turns; i++) {
        assert_same_turn(&a->turns[i], &b->turns[i]);
        assert_same_content(prompt_build(&left, a, i), prompt_build(&right, b, i));
    }
    prompt_state_fini(&left);
    prompt_state_fini(&right);
}

static void assert_same_arrivals(const struct workload *a, const struct workload *b)
{
    const struct arrivals_options recorded = {.process = ARRIVALS_RECORDED};
    struct arrivals left;
    struct arrivals right;
    uint64_t ids[2];
    simtime times[2];
    arrivals_init(&left, a, &recorded);
    arrivals_init(&right, b, &recorded);
    while (arrivals_next(&left, &ids[0], &times[0])) {
        assert_true(arrivals_next(&right, &ids[1], &times[1]));
        assert_int_equal(ids[0], ids[1]);
        assert_int_equal(times[0], times[1]);
    }
    assert_false(arrivals_next(&right, &ids[1], &times[1]));
    arrivals_fini(&left);
    arrivals_fini(&right);
}

void assert_same_workload(struct workload *a, struct workload *b)
{
    const struct workload_stats *left = workload_stats(a);
    const struct workload_stats *right = workload_stats(b);
    assert_int_equal(left->n_programs, right->n_programs);
    assert_int_equal(left->skipped_lines, right->skipped_lines);
    assert_int_equal(left->missing_gaps, right->missing_gaps);
    assert_true(left->has_arrivals == right->has_arrivals && left->has_token_ids == right->has_token_ids);
    assert_int_equal(workload_tool_count(a), workload_tool_count(b));
    for (uint32_t i = 0; i < workload_tool_count(a); i++) {
        assert_string_equal(workload_tool_name(a, i), workload_tool_name(b, i));
    }
    for (uint64_t id = 0; id < left->n_programs; id++) {
        const struct program *one = workload_fetch(a, id, 0);
        const struct program *two = workload_fetch(b, id, 0);
        assert_true(one && two);
        assert_same_program(one, two);
        workload_release(a, one, 0);
        workload_release(b, two, 0);
    }
    if (left->has_arrivals) {
        assert_same_arrivals(a, b);
    }
}

struct workload *imported(struct workload *workload, const struct workload_options *options, const char *path,
                          const struct workload_options *again, struct diag *diag)
{
    struct columnar_written written;
    if (columnar_write(workload, options, "the source", path, &written, diag) != ASIM_OK) {
        fail_msg("%s", diag->entries[0].text);
    }
    assert_int_equal(written.n_programs, workload_stats(workload)->n_programs);
    return workload_open(path, again, diag);
}
