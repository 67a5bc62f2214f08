#include "support/support.h"

#include "tool/tool.h"

#include <string.h>

static const char text[] =
    "{\"session_id\":\"a\",\"sub_requests\":["
    "{\"input_toks\":10,\"output_toks\":1,\"prefix_toks\":0,\"gap_ns\":1000,\"tool\":\"bash\"},"
    "{\"input_toks\":20,\"output_toks\":1,\"prefix_toks\":10,\"gap_ns\":2000,\"tool\":\"edit\"},"
    "{\"input_toks\":30,\"output_toks\":1,\"prefix_toks\":20,\"gap_ns\":3000,\"tool\":\"bash\"}]}\n"
    "{\"session_id\":\"b\",\"sub_requests\":["
    "{\"input_toks\":10,\"output_toks\":1,\"prefix_toks\":0,\"gap_ns\":4000,\"tool\":\"bash\"},"
    "{\"input_toks\":20,\"output_toks\":1,\"prefix_toks\":10,\"gap_ns\":5000,\"tool\":\"bash\"}]}\n";

struct fixture {
    struct diag diag;
    struct workload *workload;
    const struct program *a;
    const struct program *b;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    diag_init(&fixture.diag);
    const struct workload_options options = {.reuse_generated = true, .seed = 1, .block_size = 16};
    fixture.workload = workload_open_memory("tools.jsonl", text, strlen(text), &options, &fixture.diag);
    assert_non_null(fixture.workload);
    fixture.a = workload_fetch(fixture.workload, 0, 0);
    fixture.b = workload_fetch(fixture.workload, 1, 1);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    workload_release(fixture->workload, fixture->a, 0);
    workload_release(fixture->workload, fixture->b, 1);
    workload_destroy(fixture->workload);
    diag_fini(&fixture->diag);
    return 0;
}

static struct tool_simulator *make(struct fixture *fixture, const char *option, uint64_t seed)
{
    struct gap_rule rule;
    char message[256];
    assert_true(gap_parse_tool(option, &rule, message, sizeof message));
    struct tool_simulator *tool = tool_create(&rule, fixture->workload, seed, &fixture->diag);
    gap_rule_fini(&rule);
    return tool;
}

static void as_the_trace_says(void **state)
{
    struct fixture *f = *state;
    struct tool_simulator *tool = make(f, "trace", 1);
    assert_int_equal(tool_gap(tool, f->a, 0), 1000 * SIMTIME_NS);
    assert_int_equal(tool_gap(tool, f->a, 1), 2000 * SIMTIME_NS);
    assert_int_equal(tool_gap(tool, f->b, 0), 4000 * SIMTIME_NS);
    tool_destroy(tool);
}

static void one_distribution_for_all(void **state)
{
    struct fixture *f = *state;
    struct tool_simulator *tool = make(f, "2s", 1);
    assert_int_equal(tool_gap(tool, f->a, 0), 2 * SIMTIME_S);
    assert_int_equal(tool_gap(tool, f->a, 1), 2 * SIMTIME_S);
    tool_destroy(tool);
    tool = make(f, "uniform(1s, 3s)", 1);
    for (uint32_t turn = 0; turn < 3; turn++) {
        const simtime gap = tool_gap(tool, f->a, turn);
        assert_true(gap >= SIMTIME_S && gap <= 3 * SIMTIME_S);
    }
    tool_destroy(tool);
}

static void tools_that_are_not_named_keep_their_gaps(void **state)
{
    struct fixture *f = *state;
    struct tool_simulator *tool = make(f, "edit=7ms", 1);
    assert_int_equal(tool_gap(tool, f->a, 0), 1000 * SIMTIME_NS);
    assert_int_equal(tool_gap(tool, f->a, 1), 7 * SIMTIME_MS);
    tool_destroy(tool);
    tool = make(f, "edit=7ms,bash=0s", 1);
    assert_int_equal(tool_gap(tool, f->a, 0), 0);
    assert_int_equal(tool_gap(tool, f->a, 1), 7 * SIMTIME_MS);
    tool_destroy(tool);
}

static void unknown_tools_are_all_reported(void **state)
{
    struct fixture *f = *state;
    assert_null(make(f, "grep=1s,edit=1s,ls=2s", 1));
    assert_int_equal(f->diag.n_entries, 2);
    assert_int_equal(f->diag.status, ASIM_USAGE);
    assert_non_null(strstr(f->diag.entries[0].text, "'grep'"));
    assert_non_null(strstr(f->diag.entries[0].text, "bash, edit"));
    assert_non_null(strstr(f->diag.entries[1].text, "'ls'"));
}

/* A draw belongs to its seed, program and turn, whenever it is asked for. */
static void draws_do_not_depend_on_order(void **state)
{
    struct fixture *f = *state;
    struct tool_simulator *tool = make(f, "exponential(mean=2s)", 5);
    struct tool_simulator *same = make(f, "exponential(mean=2s)", 5);
    struct tool_simulator *other = make(f, "exponential(mean=2s)", 6);
    const simtime a0 = tool_gap(tool, f->a, 0);
    const simtime a2 = tool_gap(tool, f->a, 2);
    const simtime b0 = tool_gap(tool, f->b, 0);
    assert_int_equal(tool_gap(same, f->b, 0), b0);
    assert_int_equal(tool_gap(same, f->a, 2), a2);
    assert_int_equal(tool_gap(same, f->a, 0), a0);
    assert_int_equal(tool_gap(tool, f->a, 0), a0);
    assert_true(a0 != a2 && a0 != b0 && a0 != tool_gap(other, f->a, 0));
    tool_destroy(tool);
    tool_destroy(same);
    tool_destroy(other);
}

static void far_tails_end_where_durations_do(void **state)
{
    struct fixture *f = *state;
    uint32_t at_the_end = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct tool_simulator *tool = make(f, "exponential(mean=8000000s)", seed);
        const simtime gap = tool_gap(tool, f->a, 0);
        assert_true(gap > 0 && gap <= SIMTIME_LIMIT);
        at_the_end += gap == SIMTIME_LIMIT;
        tool_destroy(tool);
    }
    assert_true(at_the_end > 0 && at_the_end < 20);
    tool_destroy(NULL);
}

/* Along an edge the workload's delay holds, unless the turn's tool is drawn: then one draw holds for all edges. */
static void edges_have_delays_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct tool_simulator *tool = make(f, "bash=exponential(mean=1s)", 1);
    assert_int_equal(tool_edge_gap(tool, f->a, 1, 77), 77);
    assert_int_equal(tool_edge_gap(tool, f->a, 0, 77), tool_gap(tool, f->a, 0));
    assert_int_equal(tool_edge_gap(tool, f->a, 0, 5), tool_gap(tool, f->a, 0));
    tool_destroy(tool);
}

#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(as_the_trace_says),
        CASE(one_distribution_for_all),
        CASE(tools_that_are_not_named_keep_their_gaps),
        CASE(unknown_tools_are_all_reported),
        CASE(draws_do_not_depend_on_order),
        CASE(far_tails_end_where_durations_do),
        CASE(edges_have_delays_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
