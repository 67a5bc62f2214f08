#include "support/support.h"

#include "policy/builtin/builtin.h"
#include "policy/builtin/desk.h"

static void slow_tools_are_not_waited_for(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_gate);
    struct asim_turn turn = desk_turn(1, 0, 5, 100);
    assert_int_equal(desk_pin(&desk, &turn), 2 * S);
    desk_gap(&desk, 5, 1 * S);
    desk_gap(&desk, 5, 7 * S); /* 1 + 0.2 * 6 = 2.2 */
    assert_int_equal(desk_pin(&desk, &turn), 2 * S);
    desk_gap(&desk, 5, 7 * S); /* 2.2 + 0.2 * 4.8 = 3.16 */
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    turn.tool = 6;
    assert_int_equal(desk_pin(&desk, &turn), 2 * S);
    turn.is_last = true;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

static void order_and_victim(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_gate);
    struct asim_turn turn = desk_turn(1, 0, 5, 300);
    turn.program_arrival = 4 * S;
    struct asim_priority priority = policy_gate.priority(&desk.context, &turn);
    assert_int_equal(priority.level, 1);
    assert_int_equal(priority.order, 4300);
    turn.prompt_toks = 20000;
    turn.is_pinned = true;
    policy_gate.on_turn_arrival(&desk.context, &turn); /* the pin ends */
    assert_int_equal(desk.n_wishes, 1);
    assert_int_equal(desk.wishes[0].kind, DESK_RELEASE);
    assert_int_equal(desk.wishes[0].program, 1);
    turn.is_pinned = false; /* but the turn has its place, and its program's next one not */
    turn.turn++;
    assert_int_equal(policy_gate.priority(&desk.context, &turn).level, 1);
    policy_gate.on_turn_arrival(&desk.context, &turn); /* nothing was pinned */
    assert_int_equal(desk.n_wishes, 1);
    turn.turn--;
    priority = policy_gate.priority(&desk.context, &turn);
    assert_int_equal(priority.level, 0);
    assert_int_equal(priority.order, 14000);
    desk.context.n_running = 3;
    desk.running[0] = desk_turn(1, 0, 5, 300);
    desk.running[1] = desk_turn(1, 0, 5, 200);
    desk.running[2] = desk_turn(1, 0, 5, 150);
    desk.running[2].output_toks = 60;
    assert_int_equal(policy_gate.victim(&desk.context), 1);
    desk_close(&desk);
}

static void a_full_pool_lets_in_what_fits(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_gate);
    struct asim_turn turn = desk_turn(1, 0, 5, 1601);
    desk.context.free_blocks = 100; /* of 1000: not above 90 % */
    assert_true(policy_gate.admit(&desk.context, &turn));
    desk.context.free_blocks = 99; /* 1584 tokens */
    assert_false(policy_gate.admit(&desk.context, &turn));
    turn.prompt_toks = 1584;
    assert_true(policy_gate.admit(&desk.context, &turn));
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_tools_are_not_waited_for),
        cmocka_unit_test(order_and_victim),
        cmocka_unit_test(a_full_pool_lets_in_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
