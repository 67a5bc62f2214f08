#include "support/support.h"

#include "policy/builtin/builtin.h"
#include "policy/builtin/desk.h"

#include <math.h>

static bool is_near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fabs(b) + 1e-9;
}

static void times_to_live_shrink_under_pressure(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_saga);
    desk.context.now = 10 * S;
    struct asim_turn turn = desk_turn(1, 0, 5, 100);
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_HOLD);
    assert_true(is_near(desk_complete(&desk, &turn).score, 12.0 * (double)S)); /* unknown: 2 s */
    desk_gap(&desk, 5, 4 * S);
    desk_gap(&desk, 5, 4 * S); /* no deviation: any quantile is 4 s */
    assert_true(is_near(desk_complete(&desk, &turn).score, 14.0 * (double)S));
    desk.context.free_blocks = 200; /* 80 % in use: half of half off */
    assert_true(is_near(desk_complete(&desk, &turn).score, 13.0 * (double)S));
    desk.context.free_blocks = 10; /* 99 %: half */
    assert_true(is_near(desk_complete(&desk, &turn).score, 12.0 * (double)S));
    desk.context.retained_blocks = 190; /* what is kept is not in use */
    assert_true(is_near(desk_complete(&desk, &turn).score, 13.0 * (double)S));
    turn.is_last = true;
    assert_int_equal(desk_complete(&desk, &turn).action, ASIM_KEEP);
    desk_close(&desk);
}

/* Programs whose first turn follows `tool` and is their last one, or not. */
static void programs(struct desk *desk, uint32_t tool, bool is_last, int n)
{
    for (int i = 0; i < n; i++) {
        struct asim_turn turn = desk_turn(100, 0, tool, 100);
        policy_saga.on_turn_arrival(&desk->context, &turn);
        turn.is_last = is_last;
        turn.tool = is_last ? ASIM_NONE : 9;
        desk_complete(desk, &turn);
    }
}

static void the_highest_score_goes_first(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_saga);
    desk.context.now = 10 * S;
    desk.context.n_residents = 2;
    desk.residents[0] = (struct asim_resident){.tool = 5, .since = 2 * S, .private_blocks = 50};
    desk.residents[1] = (struct asim_resident){.tool = 6, .since = 5 * S, .private_blocks = 100};
    /* Cold: idle for 8 and 5 s. */
    assert_true(is_near(policy_saga.evict_order(&desk.context, &desk.residents[0]), -1.0));
    assert_true(is_near(policy_saga.evict_order(&desk.context, &desk.residents[1]), -0.625));
    /* Nobody goes on after tool 5, and three of four after tool 6. */
    programs(&desk, 5, true, 29);
    programs(&desk, 6, true, 1);
    programs(&desk, 6, false, 3);
    assert_true(is_near(policy_saga.evict_order(&desk.context, &desk.residents[0]), -(0.3 + 0.5 + 0.1)));
    assert_true(is_near(policy_saga.evict_order(&desk.context, &desk.residents[1]), -(0.3 * 0.625 + 0.5 * 0.25 + 0.2)));
    /* Within its time to live it goes last. */
    desk.residents[0].score = 10.5 * (double)S;
    assert_true(policy_saga.evict_order(&desk.context, &desk.residents[0]) > 1.0);
    desk_close(&desk);
}

static int64_t order_of(struct desk *desk, uint64_t program, uint64_t tenant, asim_time deadline)
{
    struct asim_turn turn = desk_turn(program, 0, 5, 100);
    turn.tenant = tenant;
    turn.deadline = deadline;
    policy_saga.on_turn_arrival(&desk->context, &turn);
    return policy_saga.priority(&desk->context, &turn).order;
}

static void tenants_share_by_need(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, &policy_saga);
    assert_int_equal(order_of(&desk, 1, 1, ASIM_NEVER), 0);
    struct asim_turn turn = desk_turn(1, 0, 5, 100);
    turn.tenant = 1;
    turn.served = S;
    desk_complete(&desk, &turn);
    /* Alone, a tenant's turns go by arrival whatever it has had. */
    assert_int_equal(order_of(&desk, 1, 1, ASIM_NEVER), 0);
    /* Beside another one it is a second ahead, for a share of 1 s / 600 s. */
    assert_int_equal(order_of(&desk, 2, 2, ASIM_NEVER), 0);
    assert_true(is_near((double)order_of(&desk, 1, 1, ASIM_NEVER), 600.0 * (double)S));
    /* With a deadline in 60 s it is entitled to ten times as much. */
    assert_true(is_near((double)order_of(&desk, 1, 1, 60 * S), 60.0 * (double)S));
    /* Service fades: after a minute, by e. */
    desk.context.now = 60 * S;
    order_of(&desk, 2, 2, ASIM_NEVER);
    assert_true(is_near((double)order_of(&desk, 1, 1, ASIM_NEVER), 600.0 * (double)S / exp(1.0)));
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_to_live_shrink_under_pressure),
        cmocka_unit_test(the_highest_score_goes_first),
        cmocka_unit_test(tenants_share_by_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
