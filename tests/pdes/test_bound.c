#include "support/support.h"

#include "base/rng.h"
#include "pdes/bound.h"
#include "pdes/team.h"

#include <stdbool.h>

enum { THREADS = 4, WINDOWS = 2000 };

static struct bound bound_of(uint32_t window, uint32_t thread)
{
    const uint64_t bits = rng_u64((struct rng_key){.seed = 2, .program = window}, thread);
    return (struct bound){.time = (int64_t)(bits % 5) - 2, .rule = (uint32_t)(bits >> 32) % 3};
}

struct reduction {
    struct team *team;
    struct bound_shares *shares;
    bool wrong[THREADS];
};

static void reduce_windows(void *argument, uint32_t thread)
{
    struct reduction *reduction = argument;
    for (uint32_t window = 0; window < WINDOWS; window++) {
        bound_share(reduction->shares, thread, bound_of(window, thread));
        team_meet(reduction->team, thread);
        const struct bound least = bound_least(reduction->shares, thread);
        struct bound expected = BOUND_NONE;
        for (uint32_t i = 0; i < THREADS; i++) {
            expected = bound_min(bound_of(window, i), expected);
        }
        reduction->wrong[thread] |= least.time != expected.time || least.rule != expected.rule;
    }
}

/* Every thread reads the minimum of its window, with one meeting a window. */
static void threads_agree_on_the_least(void **state)
{
    (void)state;
    struct reduction reduction = {.team = team_create(THREADS, TEAM_BIND_NONE), .shares = bound_shares_create(THREADS)};
    assert_int_equal(team_size(reduction.team), THREADS);
    team_run(reduction.team, reduce_windows, &reduction);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_false(reduction.wrong[i]);
    }
    bound_shares_destroy(reduction.shares);
    team_destroy(reduction.team);
}

static void equal_times_go_to_the_lower_rule(void **state)
{
    (void)state;
    const struct bound low = {.time = 5, .rule = 1};
    const struct bound high = {.time = 5, .rule = 2};
    assert_int_equal(bound_min(low, high).rule, 1);
    assert_int_equal(bound_min(high, low).rule, 1);
    assert_int_equal(bound_min(BOUND_NONE, high).rule, 2);
    assert_int_equal(bound_min((struct bound){.time = 4, .rule = 9}, low).rule, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_agree_on_the_least),
        cmocka_unit_test(equal_times_go_to_the_lower_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
