#include "support/support.h"

#include "options/draws.h"
#include "workload/workload.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct distribution counts(const char *text)
{
    struct distribution out;
    char message[768];
    assert_true(draws_parse_counts(text, &out, message, sizeof message));
    return out;
}

static struct distribution durations(const char *text)
{
    struct distribution out;
    char message[768];
    assert_true(draws_parse_durations(text, &out, message, sizeof message));
    return out;
}

static struct synthetic_options usual(void)
{
    return (struct synthetic_options){.turns = counts("geometric(mean=10, max=60)"),
                                      .first_prompt = counts("lognormal(mean=1000, sigma=0.85)"),
                                      .growth = counts("lognormal(mean=600, sigma=0.85)"),
                                      .output = counts("lognormal(mean=200, sigma=0.85)"),
                                      .gap = durations("lognormal(median=1.5s, p99=60s, min=1ms)"),
                                      .n_system_prompts = 16,
                                      .system_prompt_toks = 2000};
}

static struct workload *open_synthetic(const struct synthetic_options *synthetic, uint64_t n, uint64_t seed)
{
    const struct workload_options options = {.seed = seed, .block_size = 16, .synthetic = *synthetic};
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_generate("synthetic", n, &options, &diag);
    assert_non_null(workload);
    diag_fini(&diag);
    return workload;
}

/* What sums over programs are compared by. */
struct sums {
    double n, turns, first, growth, n_growth, output, gap, n_gaps, n_short_gaps;
    double by_prompt[16];
};

static void add_program(struct sums *sums, const struct program *program)
{
    uint32_t context = 0;
    sums->n++;
    sums->turns += program->n_turns;
    assert_int_equal(program->shared_prefix_toks, 2000);
    assert_true(program->shared_stream >= stream_common(STREAM_SHARED, 0));
    assert_true(program->shared_stream < stream_common(STREAM_SHARED, 16));
    sums->by_prompt[program->shared_stream & 15]++;
    for (uint32_t i = 0; i < program->n_turns; i++) {
        const struct turn *turn = &program->turns[i];
        assert_int_equal(turn->kept_toks, context);
        assert_int_equal(turn->parent, i ? i - 1 : 0);
        assert_true(turn->prompt_toks > context && turn->output_toks >= 1 && turn->tool == 0);
        *(i ? &sums->growth : &sums->first) += turn->prompt_toks - (i ? turn[-1].prompt_toks : 0);
        sums->n_growth += i > 0;
        sums->output += turn->output_toks;
        if (i + 1 < program->n_turns) {
            assert_true(turn->gap >= SIMTIME_MS);
            sums->n_short_gaps += turn->gap <= 1500 * SIMTIME_MS;
            sums->gap += simtime_to_s(turn->gap);
            sums->n_gaps++;
        }
        context = turn->prompt_toks + turn->output_toks;
    }
    assert_int_equal(program->turns[program->n_turns - 1].gap, 0);
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g +- %g", value, expected, tolerance);
    }
}

/* Tolerances are about three standard errors. */
static void agrees_with_its_distributions(void **state)
{
    (void)state;
    enum { N = 40000 };
    const struct synthetic_options options = usual();
    struct workload *workload = open_synthetic(&options, N, 11);
    struct sums sums = {0};
    for (uint64_t id = 0; id < N; id++) {
        const struct program *program = workload_fetch(workload, id, 0);
        add_program(&sums, program);
        workload_release(workload, program, 0);
    }
    assert_near(sums.turns / N, distribution_mean(&options.turns), 0.15);
    assert_near(sums.first / N, 3000.0, 16.0);
    /* Growth is at least the output and one token: E max(g, o + 1) of the two distributions, to a token. */
    assert_near(sums.growth / sums.n_growth, 636.4, 3.5);
    assert_near(sums.output / sums.turns, 200.0, 1.1);
    assert_near(sums.n_short_gaps / sums.n_gaps, 0.5, 0.003);
    assert_near(sums.gap / sums.n_gaps / distribution_mean(&options.gap), 1.0, 0.03);
    for (int i = 0; i < 16; i++) {
        assert_near(sums.by_prompt[i] / N, 1.0 / 16, 0.004);
    }
    workload_destroy(workload);
}

static void assert_same(const struct program *a, const struct program *b)
{
    assert_int_equal(a->n_turns, b->n_turns);
    assert_int_equal(a->shared_stream, b->shared_stream);
    for (uint32_t i = 0; i < a->n_turns; i++) {
        assert_int_equal(a->turns[i].prompt_toks, b->turns[i].prompt_toks);
        assert_int_equal(a->turns[i].output_toks, b->turns[i].output_toks);
        assert_int_equal(a->turns[i].gap, b->turns[i].gap);
    }
}

/* A program depends on the options, the seed and its id: not on slots, nor on how many there are. */
static void programs_depend_on_seed_and_id_alone(void **state)
{
    (void)state;
    const struct synthetic_options options = usual();
    struct workload *one = open_synthetic(&options, 100, 7);
    struct workload *two = open_synthetic(&options, 100000, 7);
    struct workload *other = open_synthetic(&options, 100, 8);
    workload_reserve(one, 6);
    workload_reserve(two, 3);
    int n_different = 0;
    for (uint64_t i = 0; i < 100; i++) {
        const struct program *a = workload_fetch(one, 99 - i, (uint32_t)i % 7);
        const struct program *b = workload_fetch(two, 99 - i, 3);
        const struct program *c = workload_fetch(other, 99 - i, 0);
        char name[32];
        snprintf(name, sizeof name, "synthetic-%d", (int)(99 - i));
        assert_string_equal(a->name, name);
        assert_same(a, b);
        n_different += a->turns[0].prompt_toks != c->turns[0].prompt_toks;
        workload_release(one, a, (uint32_t)i % 7);
        workload_release(two, b, 3);
        workload_release(other, c, 0);
    }
    assert_true(n_different > 90);
    workload_destroy(one);
    workload_destroy(two);
    workload_destroy(other);
}

/* A slot's buffer grows to what its programs need, doubling, and then stays. */
static void buffers_settle(void **state)
{
    (void)state;
    const struct generator_options options = {.seed = 1, .synthetic = usual()};
    struct program_slot slot = {0};
    uint32_t longest = 0;
    for (uint64_t id = 0; id < 4000; id++) {
        generator_synthetic.make(&options, id, &slot);
        longest = slot.program.n_turns > longest ? slot.program.n_turns : longest;
        assert_in_range(slot.turn_capacity, longest, longest < 16 ? 16 : 2 * longest);
    }
    assert_int_equal(longest, 60);
    program_slot_fini(&slot);
}

/* The ends: programs that outgrow every context end early, and draws are at least one token. */
static void extremes(void **state)
{
    (void)state;
    struct generator_options options = {.seed = 1, .synthetic = usual()};
    struct program_slot slot = {0};
    options.synthetic.turns = counts("1000000");
    options.synthetic.growth = counts("1e7");
    options.synthetic.first_prompt = counts("uniform(0, 10, min=1, max=1)");
    options.synthetic.output = counts("exponential(mean=1)");
    options.synthetic.gap = durations("2400h");
    options.synthetic.system_prompt_toks = 0;
    generator_synthetic.make(&options, 0, &slot);
    const struct turn *turns = slot.program.turns;
    assert_int_equal(slot.program.n_turns, 27); /* 26 times 10^7 fit in 2^28 */
    assert_int_equal(turns[0].prompt_toks, 1);
    assert_true(turns[0].output_toks >= 1 && turns[0].gap == SIMTIME_LIMIT && turns[26].gap == 0);
    assert_int_equal(slot.program.shared_prefix_toks, 0);
    assert_int_equal(turns[26].prompt_toks - turns[25].prompt_toks, 10000000);
    program_slot_fini(&slot);
}

/* One program written out: digests of runs stand on these numbers. */
static void the_third_program_is_this_one(void **state)
{
    (void)state;
    static const struct {
        uint32_t prompt;
        uint32_t output;
        simtime gap;
    } expected[] = {
        {3357, 50, INT64_C(179888417776)},
        {4305, 379, INT64_C(1539404018085)},
        {6268, 62, INT64_C(10491230855513)},
        {6334, 65, INT64_C(3230976772863)},
        {6528, 160, INT64_C(1859700189709)},
        {6783, 68, INT64_C(497788314641)},
        {7134, 181, INT64_C(79861687559)},
        {7318, 48, INT64_C(5135549195429)},
        {8805, 492, INT64_C(1901841530985)},
        {9298, 32, INT64_C(3207838934525)},
        {9851, 98, INT64_C(614310854421)},
        {10427, 108, INT64_C(39172817560)},
        {10685, 133, INT64_C(1346123265504)},
        {12665, 206, INT64_C(104833380649)},
        {12872, 103, INT64_C(7723314851474)},
        {13251, 145, INT64_C(1177055510323)},
        {13582, 176, INT64_C(5656420265261)},
        {13939, 81, INT64_C(4774434118071)},
        {15214, 72, 0},
    };
    const struct synthetic_options options = usual();
    struct workload *workload = open_synthetic(&options, 3, 1);
    const struct program *program = workload_fetch(workload, 2, 0);
    assert_int_equal(program->n_turns, sizeof expected / sizeof *expected);
    for (uint32_t i = 0; i < program->n_turns; i++) {
        assert_int_equal(program->turns[i].prompt_toks, expected[i].prompt);
        assert_int_equal(program->turns[i].output_toks, expected[i].output);
        assert_int_equal(program->turns[i].gap, expected[i].gap);
    }
    workload_release(workload, program, 0);
    workload_destroy(workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_its_distributions),
        cmocka_unit_test(programs_depend_on_seed_and_id_alone),
        cmocka_unit_test(buffers_settle),
        cmocka_unit_test(extremes),
        cmocka_unit_test(the_third_program_is_this_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
