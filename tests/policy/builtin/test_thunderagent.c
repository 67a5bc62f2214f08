/* ThunderAgent: whom it pauses and resumes, worked out by hand, and a run in which it keeps the cache useful. */
#include "support/support.h"

#include "instance/scenario.h"
#include "policy/builtin/builtin.h"
#include "policy/program_run.h"

#include <stdlib.h>

/* An instance of 1600 tokens; each program counts for 100 more than its context. */
struct gateway {
    struct asim_host host;
    struct asim_context context;
    double parameters[POLICY_MAX_PARAMETERS];
    uint64_t released[8];
    uint32_t n_released;
};

static struct gateway gateway;

static void note_release(void *handle, uint64_t program)
{
    struct gateway *g = handle;
    g->released[g->n_released++] = program;
}

static int open_gateway(void **state)
{
    (void)state;
    gateway = (struct gateway){.host = {.struct_size = sizeof(struct asim_host), .release = note_release}};
    for (uint32_t i = 0; i < policy_thunderagent.n_parameters; i++) {
        gateway.parameters[i] = policy_thunderagent.parameters[i].value;
    }
    gateway.context = (struct asim_context){.state = calloc(1, policy_thunderagent.state_size),
                                            .parameters = gateway.parameters,
                                            .host = &gateway.host,
                                            .handle = &gateway,
                                            .block_size = 16,
                                            .usable_blocks = 100};
    return 0;
}

static int close_gateway(void **state)
{
    (void)state;
    free(gateway.context.state);
    return 0;
}

static void arrive(uint64_t program, uint32_t prompt)
{
    policy_thunderagent.on_turn_arrival(&gateway.context,
                                        &(struct asim_turn){.program = program, .prompt_toks = prompt});
}

static enum asim_retention_action complete(uint64_t program, uint32_t prompt, uint32_t output)
{
    return policy_thunderagent
        .on_turn_complete(&gateway.context,
                          &(struct asim_turn){.program = program, .prompt_toks = prompt, .output_toks = output})
        .action;
}

static void leave(uint64_t program)
{
    policy_thunderagent.on_turn_complete(&gateway.context, &(struct asim_turn){.program = program, .is_last = true});
}

static bool is_admitted(uint64_t program)
{
    return policy_thunderagent.admit(&gateway.context, &(struct asim_turn){.program = program});
}

static void tick_at(simtime now)
{
    gateway.context.now = now;
    policy_thunderagent.tick(&gateway.context);
}

static void small_acting_programs_are_paused_first(void **state)
{
    (void)state;
    assert_int_equal(policy_thunderagent.tick_period(gateway.parameters), 5 * SIMTIME_S);
    arrive(1, 300);
    arrive(2, 400);
    arrive(3, 500); /* 300 + 400 + 500 and three buffers: 1500 */
    assert_int_equal(complete(1, 300, 100), ASIM_HOLD);
    assert_int_equal(complete(2, 400, 300), ASIM_HOLD); /* 400 + 700 + 500 + 300: 1900 */
    tick_at(5 * SIMTIME_S);
    assert_int_equal(gateway.n_released, 1); /* 500 less */
    assert_int_equal(gateway.released[0], 1);
    arrive(1, 420);
    arrive(2, 720);
    assert_false(is_admitted(1));
    assert_true(is_admitted(2));
    assert_true(is_admitted(3));
    tick_at(10 * SIMTIME_S); /* 720 + 500 + 200 = 1420 and 520 do not fit */
    assert_false(is_admitted(1));
    leave(3);
    tick_at(15 * SIMTIME_S); /* 820 + 520 do */
    assert_true(is_admitted(1));
    assert_int_equal(gateway.n_released, 1);
}

static void new_programs_queue_for_room(void **state)
{
    (void)state;
    arrive(1, 1000);
    arrive(2, 400);
    assert_true(is_admitted(1)); /* 1100: alone */
    assert_true(is_admitted(2)); /* 1600: just so */
    arrive(3, 1);
    assert_false(is_admitted(3)); /* no room for its buffer */
    arrive(4, 10);
    assert_false(is_admitted(4));
    leave(2);
    tick_at(5 * SIMTIME_S);
    assert_true(is_admitted(3) && is_admitted(4)); /* 1100 + 101 + 110 */
    arrive(5, 190);
    assert_false(is_admitted(5)); /* 1311 + 290 */
    arrive(6, 189);
    assert_true(is_admitted(6)); /* a smaller one goes before it: 1600 */
    assert_false(is_admitted(5));
}

static void those_whose_turn_waits_resume_first(void **state)
{
    (void)state;
    arrive(1, 200);
    arrive(2, 300);
    arrive(3, 700); /* 1200 + 300: 1500 */
    complete(1, 200, 50);
    complete(2, 300, 50);
    complete(3, 700, 600); /* 250 + 350 + 1300 + 300: 2200 */
    tick_at(5 * SIMTIME_S);
    assert_int_equal(gateway.n_released, 2); /* 1850, 1400 */
    assert_int_equal(gateway.released[0], 1);
    assert_int_equal(gateway.released[1], 2);
    arrive(2, 360);
    arrive(4, 150); /* new; 2 waits */
    assert_false(is_admitted(2) || is_admitted(4));
    leave(3);
    assert_false(is_admitted(2) || is_admitted(4));
    arrive(5, 1000); /* a reason to look */
    /* 2 with 460, then of the new ones 4 with 250; 5 with 1100 does not fit, and 1, which acts, does with 350. */
    assert_true(is_admitted(2) && is_admitted(4) && is_admitted(1));
    assert_false(is_admitted(5));
}

static void reasoning_programs_pause_when_their_turn_ends(void **state)
{
    (void)state;
    arrive(1, 400);
    arrive(2, 500);
    complete(1, 400, 10);
    complete(2, 500, 10);
    arrive(1, 800);
    arrive(2, 900); /* 1900 */
    tick_at(5 * SIMTIME_S);
    assert_true(is_admitted(1) && is_admitted(2));
    assert_int_equal(complete(1, 800, 10), ASIM_KEEP); /* the smaller one */
    assert_int_equal(complete(2, 900, 10), ASIM_HOLD);
    assert_int_equal(gateway.n_released, 1);
    arrive(1, 820);
    arrive(2, 920);
    assert_false(is_admitted(1));
    assert_true(is_admitted(2));
}

static void nobody_is_paused_for_ever(void **state)
{
    (void)state;
    arrive(1, 1400);
    arrive(2, 1000);
    assert_false(is_admitted(2));
    tick_at(1799 * SIMTIME_S);
    assert_false(is_admitted(2));
    tick_at(1800 * SIMTIME_S);
    assert_true(is_admitted(2));
}

/* Nothing else would ever make room for it. */
static void what_is_larger_than_the_instance_goes_alone(void **state)
{
    (void)state;
    arrive(1, 1590);
    assert_true(is_admitted(1));
    arrive(2, 1590);
    assert_false(is_admitted(2));
    leave(1);
    tick_at(5 * SIMTIME_S);
    assert_true(is_admitted(2));
}

static void acting_programs_fade(void **state)
{
    (void)state;
    enum { HALF_LIFE = 3 };
    assert_string_equal(policy_thunderagent.parameters[HALF_LIFE].name, "half_life");
    gateway.parameters[HALF_LIFE] = 10.0 * SIMTIME_S;
    arrive(1, 1000);
    arrive(2, 600);
    complete(1, 1000, 0);
    assert_false(is_admitted(2));
    tick_at(9 * SIMTIME_S);
    assert_false(is_admitted(2)); /* 1100 + 700 */
    tick_at(10 * SIMTIME_S);      /* 600 + 700: it resumes; then 1800 are too many, and 1 goes */
    assert_true(is_admitted(2));
    assert_int_equal(gateway.n_released, 1);
    assert_int_equal(gateway.released[0], 1);
}

/* ---- a run ---- */

/* Programs whose contexts together are twice the cache: in turns each would find nothing of its own. */
static void programs_at_work_find_their_cache(void **state)
{
    (void)state;
    struct step_time *step_time = scenario_step_time();
    static struct program_run run;
    run = (struct program_run){.step_time = step_time,
                               .config = {.n_blocks = 1001,
                                          .block_size = 16,
                                          .max_num_seqs = 32,
                                          .max_num_batched_tokens = 2048,
                                          .max_model_len = 16000,
                                          .queue_depth = 2,
                                          .prefix_caching = true,
                                          .chunked_prefill = true,
                                          .reserve_full_prompt = true,
                                          .host = {.max_graph_tokens = 512},
                                          .telemetry_period = SIMTIME_S},
                               .n = 16};
    for (uint32_t i = 0; i < run.n; i++) {
        run.plans[i] = (struct program_plan){i * 50 * SIMTIME_MS, 20, 3000, 20, 30, 500 * SIMTIME_MS};
    }
    program_run_use(&run, &(const struct asim_policy){.name = "fcfs"});
    program_run_serve(&run, ENGINE_FAST_FORWARD);
    const double before = (double)run.hit_toks / (double)run.prompt_toks;
    program_run_use(&run, &policy_thunderagent);
    run.retains = true;
    program_run_serve(&run, ENGINE_PLAIN);
    const uint64_t digest = run.digest;
    program_run_serve(&run, ENGINE_STEADY);
    assert_int_equal(run.digest, digest);
    program_run_serve(&run, ENGINE_FAST_FORWARD);
    assert_int_equal(run.digest, digest);
    const double after = (double)run.hit_toks / (double)run.prompt_toks;
    assert_true(run.counters.refused > 0);
    assert_true(before < 0.1 && after > 0.8);
    step_time_destroy(step_time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_acting_programs_are_paused_first, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(new_programs_queue_for_room, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(those_whose_turn_waits_resume_first, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(reasoning_programs_pause_when_their_turn_ends, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(nobody_is_paused_for_ever, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(what_is_larger_than_the_instance_goes_alone, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(acting_programs_fade, open_gateway, close_gateway),
        cmocka_unit_test(programs_at_work_find_their_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
