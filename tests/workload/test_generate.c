#include "support/support.h"

#include "workload/generate.h"
#include "workload/workload.h"

#include <math.h>
#include <string.h>

static struct workload *open_agents(uint64_t n, uint64_t seed)
{
    const struct workload_options options = {.seed = seed, .block_size = 16};
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_generate("swe-agent", n, &options, &diag);
    assert_non_null(workload);
    diag_fini(&diag);
    return workload;
}

static void assert_same(const struct program *a, const struct program *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->n_turns, b->n_turns);
    assert_int_equal(a->shared_stream, b->shared_stream);
    assert_int_equal(a->shared_prefix_toks, b->shared_prefix_toks);
    for (uint32_t i = 0; i < a->n_turns; i++) {
        assert_int_equal(a->turns[i].prompt_toks, b->turns[i].prompt_toks);
        assert_int_equal(a->turns[i].output_toks, b->turns[i].output_toks);
        assert_int_equal(a->turns[i].kept_toks, b->turns[i].kept_toks);
        assert_int_equal(a->turns[i].tool, b->turns[i].tool);
        assert_int_equal(a->turns[i].gap, b->turns[i].gap);
    }
}

/* A program depends on seed and id alone: not on the slot, on what was made before, or on how many there are. */
static void programs_depend_on_seed_and_id_alone(void **state)
{
    (void)state;
    struct workload *one = open_agents(50, 7);
    struct workload *two = open_agents(5000, 7);
    struct workload *other = open_agents(50, 8);
    workload_reserve(one, 6);
    workload_reserve(two, 3);
    int n_different = 0;
    for (uint64_t i = 0; i < 50; i++) {
        const uint64_t id = 49 - i;
        const struct program *a = workload_fetch(one, id, (uint32_t)i % 7);
        const struct program *b = workload_fetch(two, id, 3);
        const struct program *c = workload_fetch(other, id, 0);
        assert_same(a, b);
        n_different += a->n_turns != c->n_turns || a->turns[0].prompt_toks != c->turns[0].prompt_toks;
        workload_release(one, a, (uint32_t)i % 7);
        workload_release(two, b, 3);
        workload_release(other, c, 0);
    }
    assert_true(n_different > 40);
    workload_destroy(one);
    workload_destroy(two);
    workload_destroy(other);
}

/* Programs in different slots live side by side, and stay where they are when slots are added. */
static void slots_are_independent(void **state)
{
    (void)state;
    enum { N = 300 };
    const struct program *programs[N];
    struct workload *workload = open_agents(N, 1);
    struct workload *again = open_agents(N, 1);
    for (uint32_t i = 0; i < N; i++) {
        workload_reserve(workload, i);
        programs[i] = workload_fetch(workload, i, i);
    }
    for (uint32_t i = 0; i < N; i++) {
        const struct program *program = workload_fetch(again, i, 0);
        assert_same(programs[i], program);
        workload_release(again, program, 0);
        workload_release(workload, programs[i], i);
    }
    workload_destroy(workload);
    workload_destroy(again);
}

static void check_shape(const struct workload *workload, const struct program *program)
{
    assert_true(program->n_turns >= 3 && program->n_turns <= 20);
    assert_int_equal(program->shared_prefix_toks, 1792);
    uint32_t context = 0;
    for (uint32_t i = 0; i < program->n_turns; i++) {
        const struct turn *turn = &program->turns[i];
        assert_int_equal(turn->kept_toks, context);
        assert_true(turn->prompt_toks > context && turn->output_toks >= 1 && turn->output_toks <= 4096);
        assert_true(i == 0 || turn->parent == i - 1);
        assert_true(turn->gap >= 0 && turn->gap <= 600 * SIMTIME_S);
        assert_true(turn->tool < workload_tool_count(workload));
        context = turn->prompt_toks + turn->output_toks;
    }
    assert_true(context <= 98304);
    assert_int_equal(program->turns[program->n_turns - 1].gap, 0);
}

/* The figures that the parameters were taken from: 10.9 +- 2.1 turns, gaps of 0.925 s +- 3.55 s, outputs with a median
 * of 200 tokens and the calls of pip and sed at 19.9 s and 0.12 s on average. Tolerances are about three standard
 * errors of the sample, wider for the long-tailed ones. */
static void agrees_with_the_published_figures(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct workload *workload = open_agents(N, 11);
    double turns = 0, turns2 = 0, gaps = 0, gaps2 = 0, n_gaps = 0, pip = 0, n_pip = 0, sed = 0, n_sed = 0;
    double n_short = 0, n_outputs = 0;
    for (uint64_t id = 0; id < N; id++) {
        const struct program *program = workload_fetch(workload, id, 0);
        check_shape(workload, program);
        turns += program->n_turns;
        turns2 += (double)program->n_turns * program->n_turns;
        for (uint32_t i = 0; i < program->n_turns; i++) {
            n_outputs++;
            n_short += program->turns[i].output_toks <= 200;
            if (i + 1 == program->n_turns) {
                break;
            }
            const double gap = simtime_to_s(program->turns[i].gap);
            const char *tool = workload_tool_name(workload, program->turns[i].tool);
            gaps += gap;
            gaps2 += gap * gap;
            n_gaps++;
            pip += strcmp(tool, "pip") == 0 ? gap : 0.0;
            n_pip += strcmp(tool, "pip") == 0;
            sed += strcmp(tool, "sed") == 0 ? gap : 0.0;
            n_sed += strcmp(tool, "sed") == 0;
        }
        workload_release(workload, program, 0);
    }
    const double mean_turns = turns / N;
    const double mean_gap = gaps / n_gaps;
    assert_true(fabs(mean_turns - 10.9) < 0.05);
    assert_true(fabs(sqrt(turns2 / N - mean_turns * mean_turns) - 2.1) < 0.05);
    assert_true(fabs(mean_gap - 0.925) < 0.04);
    assert_true(fabs(sqrt(gaps2 / n_gaps - mean_gap * mean_gap) - 3.55) < 0.3);
    assert_true(fabs(n_short / n_outputs - 0.5) < 0.01);
    assert_true(fabs(pip / n_pip - 19.9) < 1.5);
    assert_true(fabs(sed / n_sed - 0.12) < 0.003);
    assert_true(fabs(n_sed / n_gaps - 0.18) < 0.005);
    workload_destroy(workload);
}

/* One program written out: digests of runs stand on these numbers. */
static void the_first_program_is_this_one(void **state)
{
    (void)state;
    static const struct {
        uint32_t prompt;
        uint32_t output;
        simtime gap;
        const char *tool;
    } expected[] = {
        {2809, 1559, INT64_C(403857542010), "python"},
        {6041, 335, INT64_C(184918350489), "sed"},
        {8998, 98, INT64_C(68022995609), "grep"},
        {10657, 160, INT64_C(51561595937), "cat"},
        {11537, 863, INT64_C(48594806464), "cat"},
        {14059, 67, INT64_C(70299664043), "cat"},
        {29522, 1154, INT64_C(70898318186), "grep"},
        {33817, 149, INT64_C(1109986980189), "find"},
        {35191, 215, INT64_C(438957818965), "sed"},
        {35911, 72, INT64_C(69136718557), "python"},
        {36362, 389, 0, "cat"},
    };
    struct workload *workload = open_agents(1, 1);
    const struct program *program = workload_fetch(workload, 0, 0);
    assert_string_equal(program->name, "swe-agent-0");
    assert_int_equal(program->n_turns, sizeof expected / sizeof *expected);
    for (uint32_t i = 0; i < program->n_turns; i++) {
        assert_int_equal(program->turns[i].prompt_toks, expected[i].prompt);
        assert_int_equal(program->turns[i].output_toks, expected[i].output);
        assert_int_equal(program->turns[i].gap, expected[i].gap);
        assert_string_equal(workload_tool_name(workload, program->turns[i].tool), expected[i].tool);
    }
    workload_release(workload, program, 0);
    workload_destroy(workload);
}

static void names_what_there_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < generator_count(); i++) {
        assert_ptr_equal(generator_find(generator_at(i)->name), generator_at(i));
    }
    assert_null(generator_find("swe"));
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    const struct workload_options options = {.block_size = 16};
    struct diag diag;
    diag_init(&diag);
    assert_null(workload_generate("swe-agnet", 5, &options, &diag));
    assert_int_equal(diag.status, ASIM_USAGE);
    assert_string_equal(
        diag.entries[0].text,
        "no generator is called 'swe-agnet'; allowed: swe-agent, synthetic, lats, deep-research (did you "
        "mean 'swe-agent'?)");
    assert_null(workload_generate("swe-agent", 0, &options, &diag));
    assert_string_equal(diag.entries[1].text, "0 programs asked of generator 'swe-agent'; allowed: 1 to 2^38 - 1");
    assert_null(workload_generate("x", 0, &options, &diag));
    assert_string_equal(diag.entries[2].text,
                        "no generator is called 'x'; allowed: swe-agent, synthetic, lats, deep-research");
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_depend_on_seed_and_id_alone),
        cmocka_unit_test(slots_are_independent),
        cmocka_unit_test(agrees_with_the_published_figures),
        cmocka_unit_test(the_first_program_is_this_one),
        cmocka_unit_test(names_what_there_is),
        cmocka_unit_test(refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
