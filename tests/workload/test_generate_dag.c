#include "support/support.h"

#include "workload/prompt.h"
#include "workload/workload.h"

#include <math.h>
#include <string.h>

static struct workload *open_it(const char *generator, uint64_t n, struct dag_options dag)
{
    const struct workload_options options = {.seed = 1, .block_size = 16, .dag = dag};
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_generate(generator, n, &options, &diag);
    assert_non_null(workload);
    assert_int_equal(workload_stats(workload)->n_dags, n);
    diag_fini(&diag);
    return workload;
}

/* What every program keeps; adds its turns, prompts and outputs to sums. */
static void check_program(const struct program *program, double sums[3])
{
    const struct program_graph *graph = program->graph;
    struct prompt_state state;
    assert_non_null(graph);
    prompt_state_init(&state);
    for (uint32_t i = 0; i < program->n_turns; i++) {
        const struct turn *turn = &program->turns[i];
        const uint32_t first = graph->first_parent[i];
        assert_int_equal(first == graph->first_parent[i + 1], i < graph->n_roots);
        assert_int_equal(turn->parent, i < graph->n_roots ? 0 : graph->parents[first].turn);
        assert_true(turn->prompt_toks > turn->kept_toks && turn->output_toks >= 1);
        if (turn->kept_toks) {
            const struct turn *parent = &program->turns[turn->parent];
            assert_true(i >= graph->n_roots && turn->kept_toks <= parent->prompt_toks + parent->output_toks);
        }
        assert_int_equal(prompt_build(&state, program, i).n_tokens, turn->prompt_toks + turn->output_toks);
        sums[1] += turn->prompt_toks;
        sums[2] += turn->output_toks;
    }
    sums[0] += program->n_turns;
    prompt_state_fini(&state);
}

static void sum_up(struct workload *workload, uint64_t n, double sums[3])
{
    for (uint64_t id = 0; id < n; id++) {
        const struct program *program = workload_fetch(workload, id, 0);
        check_program(program, sums);
        workload_release(workload, program, 0);
    }
}

/* 159.7 calls of 467 and 73 tokens. */
static void lats_has_the_published_means(void **state)
{
    (void)state;
    enum { N = 3000 };
    double sums[3] = {0};
    struct workload *workload = open_it("lats", N, (struct dag_options){0});
    sum_up(workload, N, sums);
    assert_true(fabs(sums[0] / N - 159.7) < 3.0);
    assert_true(fabs(sums[1] / sums[0] - 467.0) < 2.0);
    assert_true(fabs(sums[2] / sums[0] - 73.0) < 1.0);
    workload_destroy(workload);
}

static void depth_and_fan_out_are_as_asked(void **state)
{
    (void)state;
    double sums[3] = {0};
    struct workload *workload = open_it("lats", 1, (struct dag_options){.depth = 1, .fan_out = 3});
    const struct program *program = workload_fetch(workload, 0, 0);
    assert_int_equal(program->n_turns, 6);
    assert_int_equal(program->graph->n_roots, 3);
    assert_int_equal(program->graph->n_sinks, 3);
    check_program(program, sums);
    workload_release(workload, program, 0);
    workload_destroy(workload);
    workload = open_it("deep-research", 1, (struct dag_options){.depth = 1, .fan_out = 64});
    program = workload_fetch(workload, 0, 0);
    assert_int_equal(program->n_turns, 66);
    assert_int_equal(program->graph->n_roots, 1);
    assert_int_equal(program->graph->n_sinks, 1);
    assert_int_equal(program->graph->longest, 3);
    check_program(program, sums);
    workload_release(workload, program, 0);
    workload_destroy(workload);
}

static void research_grows_along_its_branches(void **state)
{
    (void)state;
    enum { N = 500 };
    double sums[3] = {0};
    struct workload *workload = open_it("deep-research", N, (struct dag_options){0});
    sum_up(workload, N, sums);
    assert_true(fabs(sums[0] / N - 32.0) < 1.0); /* five branches of six, a plan and a report */
    workload_destroy(workload);
}

/* A program is the same whatever its slot held before. */
static void slots_are_reused(void **state)
{
    (void)state;
    struct workload *workload = open_it("lats", 20, (struct dag_options){0});
    workload_reserve(workload, 1);
    for (uint64_t id = 0; id < 20; id++) {
        const struct program *a = workload_fetch(workload, id, 0);
        const struct program *b = workload_fetch(workload, 19 - id, 1);
        workload_release(workload, b, 1);
        b = workload_fetch(workload, id, 1);
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->n_turns, b->n_turns);
        assert_memory_equal(a->turns, b->turns, a->n_turns * sizeof *a->turns);
        assert_int_equal(a->graph->n_edges, b->graph->n_edges);
        assert_memory_equal(a->graph->first_edge, b->graph->first_edge, a->n_turns * sizeof *a->graph->first_edge);
        workload_release(workload, a, 0);
        workload_release(workload, b, 1);
    }
    workload_destroy(workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lats_has_the_published_means),
        cmocka_unit_test(depth_and_fan_out_are_as_asked),
        cmocka_unit_test(research_grows_along_its_branches),
        cmocka_unit_test(slots_are_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
