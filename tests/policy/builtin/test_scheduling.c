/* Scheduling policies: their decisions worked out by hand, and runs in which they do what they are for. */
#include "support/support.h"

#include "instance/scenario.h"
#include "policy/builtin/autellix.h"
#include "policy/builtin/builtin.h"
#include "policy/program_run.h"

#include <stdlib.h>

static struct program_run *make_run(struct step_time *step_time)
{
    static struct program_run run;
    run = (struct program_run){.step_time = step_time,
                               .config = {.n_blocks = 1001,
                                          .block_size = 16,
                                          .max_num_seqs = 4,
                                          .max_num_batched_tokens = 2048,
                                          .max_model_len = 16000,
                                          .queue_depth = 2,
                                          .prefix_caching = true,
                                          .chunked_prefill = true,
                                          .reserve_full_prompt = true,
                                          .host = {.max_graph_tokens = 512},
                                          .telemetry_period = SIMTIME_S}};
    return &run;
}

static int set_up(void **state)
{
    *state = scenario_step_time();
    return 0;
}

static int tear_down(void **state)
{
    step_time_destroy(*state);
    return 0;
}

static void serve_in_all_steppings(struct program_run *run)
{
    program_run_serve(run, ENGINE_PLAIN);
    const uint64_t digest = run->digest;
    program_run_serve(run, ENGINE_STEADY);
    assert_int_equal(run->digest, digest);
    program_run_serve(run, ENGINE_FAST_FORWARD);
    assert_int_equal(run->digest, digest);
}

/* ---- order ---- */

static void program_fcfs_goes_by_arrival_of_programs(void **state)
{
    (void)state;
    const struct asim_turn turn = {.program = 7, .turn = 3, .program_arrival = 11, .arrived = 900};
    const struct asim_priority priority = policy_program_fcfs.priority(&(struct asim_context){0}, &turn);
    assert_int_equal(priority.level, 0);
    assert_int_equal(priority.order, 11);
}

/* One place: the first program's second turn arrives behind the second program's first, and still goes before. */
static void an_early_program_is_not_overtaken(void **state)
{
    struct program_run *run = make_run(*state);
    run->config.max_num_seqs = 1;
    run->n = 3;
    run->plans[0] = (struct program_plan){0, 2, 100, 50, 40, SIMTIME_MS};
    run->plans[1] = (struct program_plan){SIMTIME_MS, 1, 100, 50, 40, 0};
    run->plans[2] = (struct program_plan){2 * SIMTIME_MS, 1, 100, 50, 40, 0};
    program_run_use(run, &(const struct asim_policy){.name = "fcfs"});
    serve_in_all_steppings(run);
    assert_true(run->ends[2] < run->ends[0]);
    program_run_use(run, &policy_program_fcfs);
    serve_in_all_steppings(run);
    assert_true(run->ends[0] < run->ends[2]);
}

/* ---- autellix ---- */

struct queues {
    struct asim_context context;
    double parameters[AUTELLIX_PARAMETERS];
    struct autellix_state *memory;
};

/* Four queues, [0, 1), [1, 2), [2, 4) and [4, inf) seconds, quanta of 0.5, 1 and 2 s, starvation at 3. */
static struct queues *make_queues(void)
{
    static struct queues queues;
    free(queues.memory);
    queues = (struct queues){.parameters = {[AUTELLIX_QUEUES] = 4,
                                            [AUTELLIX_RANGE] = 1.0 * ASIM_SECOND,
                                            [AUTELLIX_FACTOR] = 2,
                                            [AUTELLIX_QUANTUM] = 0.5 * ASIM_SECOND,
                                            [AUTELLIX_STARVATION] = 3},
                             .memory = calloc(1, sizeof *queues.memory)};
    queues.context = (struct asim_context){.state = queues.memory, .parameters = queues.parameters};
    return &queues;
}

static int32_t queue_at(struct queues *queues, double now, struct asim_turn turn)
{
    queues->context.now = (asim_time)(now * ASIM_SECOND);
    return policy_autellix_plas.priority(&queues->context, &turn).level;
}

#define S(SECONDS) ((asim_time)((SECONDS) * (double)ASIM_SECOND))

static void calls_enter_the_queue_of_their_programs_service(void **state)
{
    (void)state;
    struct queues *q = make_queues();
    static const struct {
        double attained;
        int32_t queue;
    } cases[] = {{0, 0}, {0.999, 0}, {1.0, 1}, {1.999, 1}, {2.0, 2}, {3.999, 2}, {4.0, 3}, {1000.0, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct asim_turn turn = {
            .attained = S(cases[i].attained), .critical = S(0.5), .arrived = S(7), .first_scheduled = ASIM_NEVER};
        assert_int_equal(queue_at(q, 7, turn), cases[i].queue);
        assert_int_equal(policy_autellix_plas.priority(&q->context, &turn).order, S(7));
        assert_int_equal(policy_autellix_atlas.priority(&q->context, &turn).level, 0);
    }
}

static void calls_sink_by_their_quanta(void **state)
{
    (void)state;
    struct queues *q = make_queues();
    static const struct {
        double attained, served;
        int32_t queue;
    } cases[] = {{0, 0.499, 0}, {0, 0.5, 1},     {0, 1.499, 1}, {0, 1.5, 2},   {0, 3.5, 3},
                 {0, 99, 3},    {1.5, 0.999, 1}, {1.5, 1.0, 2}, {3, 1.999, 2}, {3, 2.0, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct asim_turn turn = {.attained = S(cases[i].attained),
                                       .served = S(cases[i].served),
                                       .prompt_toks = 10,
                                       .output_toks = 5,
                                       .cached_toks = 14};
        assert_int_equal(queue_at(q, 100, turn), cases[i].queue); /* it runs: it does not starve */
        struct asim_turn prefilling = turn;
        prefilling.cached_toks = 13; /* four tokens and the prompt, again */
        assert_int_equal(queue_at(q, 100, prefilling), 0);
        prefilling.cached_toks = 9;
        prefilling.output_toks = 0;
        assert_int_equal(queue_at(q, 100, prefilling), 0);
    }
}

static void calls_that_starve_rise(void **state)
{
    (void)state;
    struct queues *q = make_queues();
    struct asim_turn turn = {.program = 5, .turn = 2, .attained = S(2), .first_scheduled = ASIM_NEVER};
    q->context.now = S(0);
    /* The program's call before it waited two seconds: four more make three times its two seconds of service. */
    policy_autellix_plas.observe_admission(&q->context, &(struct asim_turn){.program = 5, .turn = 1}, S(2));
    assert_int_equal(queue_at(q, 3.999, turn), 2);
    assert_int_equal(queue_at(q, 4.0, turn), 0);
    assert_int_equal(queue_at(q, 4.1, turn), 0); /* and stays */
    turn.first_scheduled = S(5);
    turn.output_toks = 1;
    policy_autellix_plas.observe_admission(&q->context, &turn, S(5));
    turn.served = S(0.499);
    assert_int_equal(queue_at(q, 5.499, turn), 0); /* with the quantum of the first queue */
    turn.served = S(0.5);
    assert_int_equal(queue_at(q, 5.5, turn), 1);
    /* Displaced; its account began at 4 s: since then it has waited one second, ran half of one, and waits on. With the
     * two of the call before it, and three times 2.5 s to reach, it rises after 5.5 - 1 = 4.5 s more. */
    turn.is_preempted = true;
    assert_int_equal(queue_at(q, 9.999, turn), 1);
    assert_int_equal(queue_at(q, 10.0, turn), 0);
    q->parameters[AUTELLIX_STARVATION] = 0;
    turn.turn = 3;
    assert_int_equal(queue_at(q, 1e5, turn), 2);
    free(q->memory);
    q->memory = NULL;
}

/* Long programs fill all places; short ones come later. First come, first served lets them wait; by service they
 * displace the long ones. */
static void short_programs_overtake_long_ones(void **state)
{
    struct program_run *run = make_run(*state);
    run->n = 12;
    for (uint32_t i = 0; i < 6; i++) {
        run->plans[i] = (struct program_plan){i * SIMTIME_MS, 3, 200, 20, 800, 50 * SIMTIME_MS};
    }
    for (uint32_t i = 6; i < 12; i++) {
        run->plans[i] = (struct program_plan){SIMTIME_S + i * 100 * SIMTIME_MS, 3, 100, 20, 20, 50 * SIMTIME_MS};
    }
    program_run_use(run, &(const struct asim_policy){.name = "fcfs"});
    serve_in_all_steppings(run);
    const simtime fcfs = program_run_mean(run);
    simtime fcfs_short = 0;
    for (uint32_t i = 6; i < 12; i++) {
        fcfs_short += run->ends[i] - run->plans[i].arrival;
    }
    const struct asim_policy *const policies[] = {&policy_autellix_plas, &policy_autellix_atlas};
    for (size_t p = 0; p < 2; p++) {
        program_run_use(run, policies[p]);
        serve_in_all_steppings(run);
        simtime short_ones = 0;
        for (uint32_t i = 6; i < 12; i++) {
            short_ones += run->ends[i] - run->plans[i].arrival;
            for (uint32_t j = 0; j < 6; j++) {
                assert_true(run->ends[i] < run->ends[j]);
            }
        }
        assert_true(run->counters.displaced > 0);
        assert_true(program_run_mean(run) < fcfs);
        assert_true(short_ones * 3 < fcfs_short);
    }
}

/* ---- srpt ---- */

static void srpt_goes_by_what_is_left(void **state)
{
    (void)state;
    assert_true(policy_oracle_srpt.flags & ASIM_POLICY_ORACLE);
    const struct asim_turn turn = {.remaining_toks = 321, .arrived = 5};
    assert_int_equal(policy_oracle_srpt.priority(&(struct asim_context){0}, &turn).order, 321);
}

static void show_running(void *handle, uint32_t index, struct asim_turn *out)
{
    *out = (struct asim_turn){.remaining_toks = ((const int64_t *)handle)[index]};
}

static void the_longest_is_the_victim(void **state)
{
    (void)state;
    const struct asim_host host = {.struct_size = sizeof host, .running = show_running};
    int64_t left[] = {5, 90, 7, 90, 3};
    const struct asim_context context = {.host = &host, .handle = left, .n_running = 5};
    assert_int_equal(policy_oracle_srpt.victim(&context), 3);
}

static void srpt_lowers_the_mean(void **state)
{
    struct program_run *run = make_run(*state);
    run->n = 16;
    for (uint32_t i = 0; i < run->n; i++) {
        const uint32_t turns = i * 5 % 16 + 1;
        run->plans[i] = (struct program_plan){i * SIMTIME_MS, turns, 100, 20, 30 + 3 * turns, 20 * SIMTIME_MS};
    }
    program_run_use(run, &(const struct asim_policy){.name = "fcfs"});
    serve_in_all_steppings(run);
    const simtime fcfs = program_run_mean(run);
    program_run_use(run, &policy_oracle_srpt);
    serve_in_all_steppings(run);
    assert_true(program_run_mean(run) * 4 < fcfs * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_fcfs_goes_by_arrival_of_programs),
        cmocka_unit_test(an_early_program_is_not_overtaken),
        cmocka_unit_test(calls_enter_the_queue_of_their_programs_service),
        cmocka_unit_test(calls_sink_by_their_quanta),
        cmocka_unit_test(calls_that_starve_rise),
        cmocka_unit_test(short_programs_overtake_long_ones),
        cmocka_unit_test(srpt_goes_by_what_is_left),
        cmocka_unit_test(the_longest_is_the_victim),
        cmocka_unit_test(srpt_lowers_the_mean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
