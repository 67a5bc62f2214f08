/* Policies that keep KV for a time or until it is needed: evict-always, ttl, hints, saecache, belady, oracle-ttl. */
#include "support/support.h"

#include "policy/builtin/builtin.h"
#include "policy/builtin/desk.h"

#include <math.h>

static void evict_always_drops(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_evict_always);
    const struct asim_turn turn = desk_turn(1, 0, 5, 100);
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_DROP);
    desk_close(&desk);
}

static void ttl_pins_for_two_seconds(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_ttl);
    desk.context.now = 7 * S;
    struct asim_turn turn = desk_turn(1, 0, 5, 100);
    assert_int_equal(desk_pin(&desk, &turn), 2 * S);
    desk.parameters[0] = 0.5 * (double)S;
    assert_int_equal(desk_pin(&desk, &turn), S / 2);
    desk.parameters[0] = 0.0;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk.parameters[0] = 0.5 * (double)S;
    turn.is_last = true;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

static void hints_are_followed(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_hints);
    desk.context.now = 7 * S;
    struct asim_turn turn = desk_turn(1, 0, 5, 100);
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    turn.hint_resume = 4 * S;
    assert_int_equal(desk_pin(&desk, &turn), 6 * S); /* half as long again */
    turn.hint_resume = 61 * S;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP); /* too long */
    turn.hint_pin = 90 * S;
    assert_int_equal(desk_pin(&desk, &turn), 90 * S); /* a command */
    turn.hint_pin = 0;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_DROP);
    desk_close(&desk);
}

static void saecache_pins_for_a_quantile(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_saecache);
    struct asim_turn turn = desk_turn(1, 0, 5, 100);
    assert_int_equal(desk_pin(&desk, &turn), 2 * S);
    for (int i = 0; i < 4; i++) { /* logarithms -1 and 1: mean 0, deviation 1 */
        desk_gap(&desk, 6, (asim_time)(exp(-1.0) * (double)S));
        desk_gap(&desk, 6, (asim_time)(exp(1.0) * (double)S));
    }
    /* exp(z(0.9)) = exp(1.2815516) = 3.602224 s; of a tool that is not known by itself, of all. */
    assert_true(fabs((double)desk_pin(&desk, &turn) - 3.602224 * (double)S) < 1e-5 * (double)S);
    for (int i = 0; i < 8; i++) {
        desk_gap(&desk, 5, 20 * S);
    }
    assert_true(fabs((double)desk_pin(&desk, &turn) - 20.0 * (double)S) < 1e-5 * (double)S);
    turn.tool = 6;
    assert_true(fabs((double)desk_pin(&desk, &turn) - 3.602224 * (double)S) < 1e-5 * (double)S);
    for (int i = 0; i < 8; i++) {
        desk_gap(&desk, 7, 1000 * S);
    }
    turn.tool = 7;
    assert_int_equal(desk_pin(&desk, &turn), 300 * S); /* the longest */
    desk_close(&desk);
}

static void belady_gives_up_the_farthest(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_belady);
    struct asim_turn turn = desk_turn(1, 0, 5, 100);
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_HOLD);
    turn.is_last = true;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    const struct asim_resident soon = {.true_return = 3 * S};
    const struct asim_resident late = {.true_return = 5 * S};
    assert_true(policy_belady.evict_order(&desk.context, &late) < policy_belady.evict_order(&desk.context, &soon));
    assert_true(policy_belady.flags & ASIM_POLICY_ORACLE);
    desk_close(&desk);
}

static void oracle_ttl_pins_where_it_pays(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_oracle_ttl);
    /* Computing 1001 tokens takes 1001 ms; the pin outlasts the gap by 100 ms. */
    struct asim_turn turn = desk_turn(1, 0, 5, 1000);
    turn.true_gap = 900 * MS;
    assert_int_equal(desk_pin(&desk, &turn), 1000 * MS);
    turn.true_gap = 901 * MS;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    /* Turns have waited 500 ms: 1501 ms are at stake. */
    const struct asim_turn waited = desk_turn(2, 1, 5, 10);
    policy_oracle_ttl.observe_admission(&desk.context, &waited, 500 * MS);
    turn.true_gap = 1400 * MS;
    assert_int_equal(desk_pin(&desk, &turn), 1500 * MS);
    turn.true_gap = 1401 * MS;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evict_always_drops),           cmocka_unit_test(ttl_pins_for_two_seconds),
        cmocka_unit_test(hints_are_followed),           cmocka_unit_test(saecache_pins_for_a_quantile),
        cmocka_unit_test(belady_gives_up_the_farthest), cmocka_unit_test(oracle_ttl_pins_where_it_pays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
