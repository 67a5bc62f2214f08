#include "support/support.h"

#include "base/min_tree.h"
#include "base/rng.h"

static struct event_key at(simtime time, enum event_phase phase)
{
    return (struct event_key){.time = time, .phase = phase};
}

static void empty_and_single(void **state)
{
    (void)state;
    struct min_tree tree;
    min_tree_init(&tree, 1);
    assert_int_equal(min_tree_first(&tree), 0);
    assert_int_equal(min_tree_key(&tree, 0).time, SIMTIME_NEVER);
    min_tree_set(&tree, 0, at(5, PHASE_STEP_END));
    assert_int_equal(min_tree_first(&tree), 0);
    assert_int_equal(min_tree_key(&tree, 0).time, 5);
    assert_int_equal(min_tree_second(&tree).time, SIMTIME_NEVER);
    min_tree_fini(&tree);
}

static void ties_go_to_the_lower_index(void **state)
{
    (void)state;
    struct min_tree tree;
    min_tree_init(&tree, 7);
    for (uint32_t i = 7; i-- > 0;) {
        min_tree_set(&tree, i, at(9, PHASE_ROUTING));
        assert_int_equal(min_tree_first(&tree), i);
    }
    min_tree_set(&tree, 4, at(9, PHASE_STEP_END)); /* an earlier phase is no tie */
    assert_int_equal(min_tree_first(&tree), 4);
    assert_int_equal(min_tree_second(&tree).phase, PHASE_ROUTING);
    min_tree_set(&tree, 4, EVENT_NEVER);
    assert_int_equal(min_tree_first(&tree), 0);
    min_tree_fini(&tree);
}

/* Against a scan of all keys, after each of many changes, for sizes around powers of two. */
static void like_a_scan(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 34; n++) {
        struct min_tree tree;
        struct event_key keys[34];
        min_tree_init(&tree, n);
        for (uint32_t i = 0; i < n; i++) {
            keys[i] = EVENT_NEVER;
        }
        for (uint32_t round = 0; round < 400; round++) {
            const uint64_t random = rng_u64((struct rng_key){.seed = n}, round);
            const uint32_t changed = (uint32_t)(random % n);
            keys[changed] =
                random >> 60 ? at((simtime)(random >> 40 & 15), (enum event_phase)(random >> 50 & 3)) : EVENT_NEVER;
            min_tree_set(&tree, changed, keys[changed]);
            uint32_t first = 0;
            for (uint32_t i = 1; i < n; i++) {
                first = event_before(keys[i], keys[first]) ? i : first;
            }
            struct event_key second = EVENT_NEVER;
            for (uint32_t i = 0; i < n; i++) {
                second = i == first ? second : event_min(second, keys[i]);
            }
            assert_int_equal(min_tree_first(&tree), first);
            assert_int_equal(min_tree_key(&tree, first).time, keys[first].time);
            assert_int_equal(min_tree_second(&tree).time, second.time);
            assert_int_equal(min_tree_second(&tree).phase, second.phase);
        }
        min_tree_fini(&tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_and_single),
        cmocka_unit_test(ties_go_to_the_lower_index),
        cmocka_unit_test(like_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
