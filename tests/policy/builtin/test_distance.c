/* Policies that go by the expected return: tokencake, kvflow. */
#include "support/support.h"

#include "policy/builtin/builtin.h"
#include "policy/builtin/desk.h"

#include <stdlib.h>

static void tokencake_copies_for_long_tools(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_tokencake);
    desk.context.now = 10 * S;
    struct asim_turn turn = desk_turn(1, 0, 5, 999); /* a copy takes 100 ms */
    struct asim_retention answer = desk_complete(&desk, &turn);
    assert_int_equal(answer.action, ASIM_HOLD);
    assert_true(answer.score == 11.0 * (double)S); /* unknown: a second */
    desk.context.n_tiers = 1;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_HOLD); /* nobody waits */
    desk.context.n_waiting = 1;
    answer = desk_complete(&desk, &turn);
    assert_int_equal(answer.action, ASIM_OFFLOAD);
    assert_int_equal(answer.tier, 0);
    assert_true(answer.until == 10 * S + 900 * MS);
    turn.hint_resume = 300 * MS; /* not more than 1.5 times both copies */
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_HOLD);
    turn.hint_resume = -1;
    desk_gap(&desk, 5, 2 * S);
    desk_gap(&desk, 5, 3 * S); /* 2 + 0.3 */
    answer = desk_complete(&desk, &turn);
    assert_true(llabs(answer.until - (10 * S + 2200 * MS)) <= 1);
    turn.is_last = true;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

static void the_farthest_goes_first(void **state)
{
    (void)state;
    static const struct asim_policy *const policies[] = {&policy_tokencake, &policy_kvflow};
    for (int i = 0; i < 2; i++) {
        struct desk desk;
        desk_open(&desk, policies[i]);
        const struct asim_resident soon = {.score = 3.0 * (double)S};
        const struct asim_resident late = {.score = 5.0 * (double)S};
        assert_true(policies[i]->evict_order(&desk.context, &late) < policies[i]->evict_order(&desk.context, &soon));
        desk_close(&desk);
    }
}

static void kvflow_copies_the_farthest_and_brings_it_back(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_kvflow);
    desk_gap(&desk, 5, 4 * S);
    struct asim_turn turn = desk_turn(8, 0, 5, 999);
    const struct asim_retention answer = desk_complete(&desk, &turn);
    assert_int_equal(answer.action, ASIM_HOLD);
    assert_true(answer.score == 4.0 * (double)S);
    desk.context.n_residents = 3;
    desk.residents[0] = (struct asim_resident){.program = 7, .context_toks = 1000, .score = 3.0 * (double)S};
    desk.residents[1] = (struct asim_resident){.program = 8, .context_toks = 1000, .score = 4.0 * (double)S};
    desk.residents[2] =
        (struct asim_resident){.program = 9, .context_toks = 1000, .score = 9.0 * (double)S, .has_returned = true};
    desk.context.free_blocks = 99;
    policy_kvflow.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 0); /* there is no tier */
    desk.context.n_tiers = 1;
    desk.context.free_blocks = 100;
    policy_kvflow.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 0); /* not above 90 % */
    desk.context.free_blocks = 99;
    policy_kvflow.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 1);
    assert_int_equal(desk.wishes[0].kind, DESK_OFFLOAD);
    assert_int_equal(desk.wishes[0].program, 8);
    /* Due at 4 s; 100 ms to load, 200 ms before. */
    desk.context.free_blocks = 1000;
    desk.context.now = 3699 * MS;
    policy_kvflow.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 1);
    desk.context.now = 3700 * MS;
    policy_kvflow.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 2);
    assert_int_equal(desk.wishes[1].kind, DESK_PREFETCH);
    assert_int_equal(desk.wishes[1].program, 8);
    policy_kvflow.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 2); /* once */
    desk_close(&desk);
}

static void kvflow_leaves_alone_who_is_nearly_due(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_kvflow);
    desk.context.n_tiers = 1;
    desk.context.free_blocks = 0;
    desk.context.n_residents = 1;
    desk.residents[0] = (struct asim_resident){.program = 7, .context_toks = 1000, .score = 0.4 * (double)S};
    policy_kvflow.tick(&desk.context); /* both copies and the lead take that long */
    assert_int_equal(desk.n_wishes, 0);
    desk.residents[0].score = 0.41 * (double)S;
    policy_kvflow.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 1);
    /* It returns by itself before it is fetched. */
    const struct asim_turn turn = desk_turn(7, 1, 5, 2000);
    policy_kvflow.on_turn_arrival(&desk.context, &turn);
    desk.context.now = S;
    desk.context.n_residents = 0;
    policy_kvflow.tick(&desk.context);
    assert_int_equal(desk.n_wishes, 1);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokencake_copies_for_long_tools),
        cmocka_unit_test(the_farthest_goes_first),
        cmocka_unit_test(kvflow_copies_the_farthest_and_brings_it_back),
        cmocka_unit_test(kvflow_leaves_alone_who_is_nearly_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
