#include "support/support.h"

#include "policy/builtin/builtin.h"
#include "policy/builtin/desk.h"
#include "policy/builtin/program_cost.h"

#include <math.h>

static void eta_is_minus_the_correlation(void **state)
{
    (void)state;
    struct program_cost cost = {0};
    assert_true(program_cost_eta(&cost) == 1.0);
    /* One program of 3 turns: (k, r) = (1, 2), (2, 1), (3, 0): on a falling line. */
    program_cost_ended(&cost, 3);
    assert_true(fabs(program_cost_eta(&cost) - 1.0) < 1e-12);
    /* And one of 1 turn: (1, 0). n = 4, sums k 7, r 3, kk 15, rr 5, kr 4.
     * corr = (4*4 - 7*3) / sqrt((60 - 49) (20 - 9)) = -5/11. */
    program_cost_ended(&cost, 1);
    assert_true(fabs(program_cost_eta(&cost) - 5.0 / 11.0) < 1e-12);
    /* 20 more of 1 turn: the done ones tell of more to come. Never below 0. */
    for (int i = 0; i < 20; i++) {
        program_cost_ended(&cost, 1);
    }
    assert_true(program_cost_eta(&cost) >= 0.0);
}

static void unseen_gaps_are_exponential(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_continuum);
    /* B = 2718 ms (2717 tokens and one of output): tau = ln(2.718) * 1 s. */
    struct asim_turn turn = desk_turn(1, 0, 5, 2717);
    assert_true(fabs((double)desk_pin(&desk, &turn) - log(2.718) * (double)S) < 1e-6 * (double)S);
    turn.prompt_toks = 999; /* B = 1 s pays for nothing */
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

static void gaps(struct desk *desk, uint32_t tool, asim_time gap, int n)
{
    for (int i = 0; i < n; i++) {
        desk_gap(desk, tool, gap);
    }
}

static void the_tool_counts_when_it_is_known(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_continuum);
    gaps(&desk, 6, 1 * S, 25);
    gaps(&desk, 6, 2 * S, 25);
    gaps(&desk, 6, 3 * S, 25);
    gaps(&desk, 6, 10 * S, 25);
    struct asim_turn turn = desk_turn(1, 0, 5, 7999); /* B = 8 s; 100 gaps are few */
    assert_true(fabs((double)desk_pin(&desk, &turn) - log(8) * (double)S) < 1e-6 * (double)S);
    desk_gap(&desk, 6, 10 * S); /* 8 * 75/101 - 3 = 2.94, more than with 2 s, 8 * 50/101 - 2, or 1 s */
    assert_int_equal(desk_pin(&desk, &turn), 3 * S);
    /* With 100 gaps of its own the tool still is not known: 150 of 201 gaps are within 2 s, 8 * 150/201 - 2 = 3.970,
     * more than with 3 s, 8 * 175/201 - 3 = 3.965. */
    gaps(&desk, 5, 2 * S, 100);
    assert_int_equal(desk_pin(&desk, &turn), 2 * S);
    turn.tool = 6;
    assert_int_equal(desk_pin(&desk, &turn), 3 * S);
    gaps(&desk, 6, 10 * S, 256); /* the others are forgotten; nothing pays */
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

static void the_queue_adds_to_the_benefit(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_continuum);
    gaps(&desk, 5, 3 * S, 101);
    struct asim_turn turn = desk_turn(1, 0, 5, 1999); /* 2 s, less than the gap */
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    struct asim_turn admitted = desk_turn(2, 1, 5, 10);
    policy_continuum.observe_admission(&desk.context, &admitted, 4 * S); /* mean wait 2 s: B = 4 s */
    policy_continuum.observe_admission(&desk.context, &admitted, 0);
    admitted.preemptions = 1; /* its second wait does not count, */
    policy_continuum.observe_admission(&desk.context, &admitted, 1000 * S);
    admitted.preemptions = 0;
    admitted.is_retained = true; /* nor that of one who lost nothing, */
    policy_continuum.observe_admission(&desk.context, &admitted, 0);
    admitted = desk_turn(3, 0, 5, 10); /* nor that of one who had nothing */
    policy_continuum.observe_admission(&desk.context, &admitted, 1000 * S);
    assert_int_equal(desk_pin(&desk, &turn), 3 * S);
    turn.prompt_toks = 999; /* 1 + 2 s, and the gap takes them */
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    /* The last 100 count. */
    admitted = desk_turn(2, 1, 5, 10);
    for (int i = 0; i < 100; i++) {
        policy_continuum.observe_admission(&desk.context, &admitted, 3 * S);
    }
    assert_int_equal(desk_pin(&desk, &turn), 3 * S);
    desk_close(&desk);
}

static void loading_may_be_cheaper_than_computing(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_continuum);
    gaps(&desk, 5, S, 101);
    const struct asim_turn turn = desk_turn(1, 0, 5, 4999);
    assert_int_equal(desk_pin(&desk, &turn), S);
    desk.context.n_tiers = 1; /* 0.5 s instead of 5 s */
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

static void the_queue_is_by_class_and_program(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_continuum);
    struct asim_turn turn = desk_turn(1, 0, 5, 10);
    turn.program_arrival = 77;
    struct asim_priority priority = policy_continuum.priority(&desk.context, &turn);
    assert_int_equal(priority.level, 2);
    assert_int_equal(priority.order, 77);
    turn.is_pinned = true;
    assert_int_equal(policy_continuum.priority(&desk.context, &turn).level, 1);
    turn.is_preempted = true;
    assert_int_equal(policy_continuum.priority(&desk.context, &turn).level, 0);
    desk.context.n_running = 3;
    desk.running[0].program_arrival = 10;
    desk.running[1].program_arrival = 30;
    desk.running[2].program_arrival = 20;
    assert_int_equal(policy_continuum.victim(&desk.context), 1);
    desk.running[1].is_last = true;
    assert_int_equal(policy_continuum.victim(&desk.context), 1);
    assert_int_equal(policy_continuum_release.victim(&desk.context), 2); /* last turns are spared */
    desk.running[0].is_last = desk.running[2].is_last = true;
    assert_int_equal(policy_continuum_release.victim(&desk.context), 1);
    desk_close(&desk);
}

static void the_release_goes_by_the_mean(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_continuum_release);
    struct asim_turn turn = desk_turn(1, 0, 5, 10);
    assert_int_equal(desk_pin(&desk, &turn), 2 * S); /* unknown */
    desk_gap(&desk, 5, 3 * S);
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_gap(&desk, 5, 1 * S); /* 2 s on average */
    assert_int_equal(desk_pin(&desk, &turn), 2 * S);
    turn.is_last = true;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

static void the_release_gives_up_the_latest_pin(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_continuum_release);
    desk.context.now = 10 * S;
    desk.context.n_residents = 3;
    desk.residents[0].pinned_until = 11 * S;
    desk.residents[1].pinned_until = 12 * S;
    desk.residents[2].pinned_until = 0; /* a hold */
    struct asim_pressure pressure = {.needed = 1, .by_running = true, .deadlock = true};
    assert_int_equal(policy_continuum_release.on_pressure(&desk.context, &pressure), 1);
    pressure.by_running = false;
    assert_int_equal(policy_continuum_release.on_pressure(&desk.context, &pressure), 1);
    pressure.deadlock = false; /* somebody runs, and will end */
    assert_true(policy_continuum_release.on_pressure(&desk.context, &pressure) == ASIM_NONE);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eta_is_minus_the_correlation),          cmocka_unit_test(unseen_gaps_are_exponential),
        cmocka_unit_test(the_tool_counts_when_it_is_known),      cmocka_unit_test(the_queue_adds_to_the_benefit),
        cmocka_unit_test(loading_may_be_cheaper_than_computing), cmocka_unit_test(the_queue_is_by_class_and_program),
        cmocka_unit_test(the_release_goes_by_the_mean),          cmocka_unit_test(the_release_gives_up_the_latest_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
