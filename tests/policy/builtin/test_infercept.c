#include "support/support.h"

#include "policy/builtin/builtin.h"
#include "policy/builtin/desk.h"

enum { VARIANT, SATURATION, HIDDEN, PERIOD, SHORT, LONG, DEFAULT_GAP };

/* A step of x tokens takes 10 + x ms; 101 tokens saturate it; one turn with 40 tokens of context runs. */
static void open(struct desk *desk, double variant)
{
    desk_open(desk, &policy_infercept);
    desk->prefill_at_all = 10 * MS;
    desk->parameters[VARIANT] = variant;
    desk->parameters[SATURATION] = 101;
    desk->context.n_running = 1;
    desk->context.running_toks = 40;
}

static void preserved_until_as_much_is_wasted(void **state)
{
    (void)state;
    struct desk desk;
    open(&desk, 0);
    /* C = 250, h = 100, m = 2: 111 * 100 * 3 + 1 * 250 * 40 = 43,300 token ms, as 173.2 ms of preserving. */
    struct asim_turn turn = desk_turn(1, 0, 5, 249);
    assert_int_equal(desk_pin(&desk, &turn), 173200 * ASIM_MICROSECOND);
    /* C = 200, m = 1: 111 * 100 + 200 * 40 = 19,100; 95.5 ms. */
    turn.prompt_toks = 199;
    assert_int_equal(desk_pin(&desk, &turn), 95500 * ASIM_MICROSECOND);
    /* One chunk, and nobody beside it: it costs nothing. */
    turn.prompt_toks = 99;
    desk.context.running_toks = 0;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    turn.is_last = true;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

static void looked_at_again(void **state)
{
    (void)state;
    struct desk desk;
    open(&desk, 0);
    desk.context.n_residents = 3;
    desk.residents[0] = (struct asim_resident){.program = 7, .blocks = 16, .context_toks = 250, .since = 0};
    desk.residents[1] = (struct asim_resident){.program = 8, .blocks = 16, .context_toks = 250, .since = 50 * MS};
    desk.residents[2] = (struct asim_resident){.program = 9, .blocks = 16, .context_toks = 250, .has_returned = true};
    desk.context.now = 174 * MS; /* 0 has wasted enough, and 1 nearly */
    policy_infercept.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 2);
    assert_int_equal(desk.wishes[0].kind, DESK_RELEASE);
    assert_int_equal(desk.wishes[0].program, 7);
    assert_int_equal(desk.wishes[1].kind, DESK_PIN);
    assert_int_equal(desk.wishes[1].program, 8);
    assert_int_equal(desk.wishes[1].until, 223200 * ASIM_MICROSECOND);
    desk_close(&desk);
}

static void swapped_where_there_is_a_tier(void **state)
{
    (void)state;
    struct desk desk;
    open(&desk, 0);
    desk.context.n_tiers = 1;
    /* 2 * 25 ms * 40 = 2,000 token ms: 8 ms of preserving, and a period in which it is noticed. */
    const struct asim_turn turn = desk_turn(1, 0, 5, 249);
    assert_int_equal(desk_pin(&desk, &turn), 108 * MS);
    desk.parameters[HIDDEN] = 0.5;
    assert_int_equal(desk_pin(&desk, &turn), 104 * MS);
    desk.context.n_residents = 2;
    desk.residents[0] = (struct asim_resident){.program = 7, .blocks = 16, .context_toks = 250, .since = 0};
    desk.residents[1] =
        (struct asim_resident){.program = 8, .blocks = 16, .context_toks = 250, .since = 0, .is_offloading = true};
    desk.context.now = 4 * MS;
    policy_infercept.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 1);
    assert_int_equal(desk.wishes[0].kind, DESK_OFFLOAD);
    assert_int_equal(desk.wishes[0].program, 7);
    /* Nothing runs beside: swapping costs nothing, but discarding does. */
    desk.context.running_toks = 0;
    desk.context.n_residents = 0;
    assert_int_equal(desk_pin(&desk, &turn), 100 * MS);
    desk_close(&desk);
}

static enum asim_retention_action action(struct desk *desk, uint32_t tool)
{
    const struct asim_turn turn = desk_turn(1, 0, tool, 249);
    return desk_complete(desk, &turn).action;
}

static void simple_variants_go_by_the_mean_gap(void **state)
{
    (void)state;
    struct desk desk;
    open(&desk, 1);
    desk_gap(&desk, 1, 3999 * MS);
    desk_gap(&desk, 2, 4 * S);
    desk_gap(&desk, 3, 7 * S);
    const struct asim_turn turn = desk_turn(1, 0, 1, 249);
    assert_true(desk_complete(&desk, &turn).until == ASIM_NEVER);
    assert_int_equal(action(&desk, 1), ASIM_PIN);
    assert_int_equal(action(&desk, 2), ASIM_KEEP); /* nowhere to swap to */
    assert_int_equal(action(&desk, 9), ASIM_PIN);  /* unknown: a second */
    desk.context.n_tiers = 1;
    assert_int_equal(action(&desk, 2), ASIM_OFFLOAD);
    assert_int_equal(action(&desk, 3), ASIM_OFFLOAD);
    desk.parameters[VARIANT] = 2;
    assert_int_equal(action(&desk, 2), ASIM_PIN);
    assert_int_equal(action(&desk, 3), ASIM_KEEP);
    desk.parameters[VARIANT] = 3;
    assert_int_equal(action(&desk, 1), ASIM_PIN);
    assert_int_equal(action(&desk, 2), ASIM_OFFLOAD);
    assert_int_equal(action(&desk, 3), ASIM_KEEP);
    assert_true(policy_infercept.tick_period(desk.parameters) == ASIM_NEVER);
    desk_close(&desk);
}

static void predicted_gaps_decide_at_once(void **state)
{
    (void)state;
    struct desk desk;
    open(&desk, 4);
    desk_gap(&desk, 1, 173 * MS); /* 173.2 ms pay */
    desk_gap(&desk, 2, 174 * MS);
    const struct asim_turn turn = desk_turn(1, 0, 1, 249);
    assert_int_equal(desk_pin(&desk, &turn), 173 * MS);
    assert_int_equal(action(&desk, 2), ASIM_KEEP);
    desk_close(&desk);
}

static void a_guess_beside_an_idle_engine(void **state)
{
    (void)state;
    struct desk desk;
    open(&desk, 5);
    desk.parameters[DEFAULT_GAP] = 146 * MS;
    desk_gap(&desk, 1, 10 * S); /* is not asked */
    /* C = 250, h = 101, m = 2: 111 * 101 * 3 = 33,633 token ms, as 134.5 ms; C = 350, m = 3: 67,266, as 192.2. */
    assert_int_equal(action(&desk, 1), ASIM_DROP);
    const struct asim_turn turn = desk_turn(3, 0, 1, 349);
    assert_int_equal(desk_pin(&desk, &turn), 146 * MS);
    policy_infercept.on_turn_arrival(&desk.context, &turn);
    assert_int_equal(desk.n_wishes, 1);
    assert_int_equal(desk.wishes[0].kind, DESK_RELEASE);
    assert_int_equal(desk.wishes[0].program, 3);
    desk.parameters[VARIANT] = 4;
    policy_infercept.on_turn_arrival(&desk.context, &turn); /* keeps it until the turn is admitted */
    assert_int_equal(desk.n_wishes, 1);
    desk_close(&desk);
}

/* What a step hides goes, most wasted first, and no more than those that wait lack. */
static void swaps_hide_behind_steps(void **state)
{
    (void)state;
    struct desk desk;
    open(&desk, 6);
    desk.context.n_tiers = 1;
    desk.context.now = 10 * S;
    desk.context.running_toks = 1000000; /* discarding is dear: what has been wasted by preserving counts */
    const uint32_t blocks[] = {10, 30, 20, 10};
    for (uint32_t i = 0; i < 4; i++) {
        desk.residents[i] = (struct asim_resident){.program = i, .blocks = blocks[i], .context_toks = 16 * blocks[i]};
    }
    desk.residents[3].has_returned = true;
    desk.context.n_residents = 4;
    const struct asim_step step = {.store_blocks = 60};
    policy_infercept.plan_transfers(&desk.context, &step);
    assert_int_equal(desk.n_wishes, 0); /* nobody waits */
    desk.context.n_waiting = 1;
    desk.waiting[0] = desk_turn(9, 0, 1, 1600); /* 100 blocks, and 1000 are free */
    policy_infercept.plan_transfers(&desk.context, &step);
    assert_int_equal(desk.n_wishes, 0);
    desk.context.free_blocks = 120; /* half of 60 + 100 - 120 */
    policy_infercept.plan_transfers(&desk.context, &step);
    assert_int_equal(desk.n_wishes, 1);
    assert_true(desk.wishes[0].kind == DESK_OFFLOAD && desk.wishes[0].program == 2);
    desk.context.free_blocks = 0; /* 80: all 60 that are hidden */
    desk.n_wishes = 0;
    policy_infercept.plan_transfers(&desk.context, &step);
    assert_int_equal(desk.n_wishes, 3);
    assert_true(desk.wishes[0].program == 1 && desk.wishes[1].program == 2 && desk.wishes[2].program == 0);
    assert_true(policy_infercept.tick_period(desk.parameters) == 100 * MS);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preserved_until_as_much_is_wasted), cmocka_unit_test(looked_at_again),
        cmocka_unit_test(swapped_where_there_is_a_tier),     cmocka_unit_test(simple_variants_go_by_the_mean_gap),
        cmocka_unit_test(predicted_gaps_decide_at_once),     cmocka_unit_test(a_guess_beside_an_idle_engine),
        cmocka_unit_test(swaps_hide_behind_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
