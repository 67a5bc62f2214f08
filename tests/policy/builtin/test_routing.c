#include "support/support.h"

#include "policy/builtin/builtin.h"

enum { INSTANCES = 4 };

static struct asim_instance_view views[INSTANCES];

static struct asim_routing look(const uint32_t outstanding[INSTANCES], const uint32_t used[INSTANCES])
{
    struct asim_routing view = {.instances = views, .n_instances = INSTANCES};
    for (int i = 0; i < INSTANCES; i++) {
        views[i] =
            (struct asim_instance_view){.outstanding = outstanding[i], .used_blocks = used[i], .usable_blocks = 1000};
        view.outstanding += outstanding[i];
        const struct asim_instance_view *least = &views[view.least_loaded];
        if (outstanding[i] < least->outstanding ||
            (outstanding[i] == least->outstanding && used[i] < least->used_blocks)) {
            view.least_loaded = (uint32_t)i;
        }
    }
    return view;
}

#define LOOK(A, B, C, D, ...) look((const uint32_t[INSTANCES]){A, B, C, D}, (const uint32_t[INSTANCES]){__VA_ARGS__})

static uint32_t affinity(struct asim_routing view, uint32_t home, double pressure, double load)
{
    const double parameters[] = {pressure, load};
    const struct asim_request request = {.home = home};
    view.parameters = parameters;
    return policy_session_affinity.route(&view, &request);
}

static void round_robin_counts(void **state)
{
    (void)state;
    struct asim_routing view = LOOK(9, 0, 0, 0, 1000, 0, 0, 0);
    const struct asim_request request = {.home = 2};
    uint64_t word = 0;
    view.state = &word;
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(policy_round_robin.route(&view, &request), i % INSTANCES);
    }
    uint64_t other = 3; /* each router has its own place in the round */
    view.state = &other;
    assert_int_equal(policy_round_robin.route(&view, &request), 3);
    view.state = &word;
    assert_int_equal(policy_round_robin.route(&view, &request), 2);
}

static void least_loaded_and_its_ties(void **state)
{
    (void)state;
    const struct asim_request request = {.home = 0};
    struct asim_routing view = LOOK(3, 2, 1, 2, 0, 0, 900, 0);
    assert_int_equal(policy_least_loaded.route(&view, &request), 2);
    view = LOOK(3, 2, 2, 2, 0, 50, 40, 60);
    assert_int_equal(policy_least_loaded.route(&view, &request), 2);
    view = LOOK(3, 2, 2, 2, 0, 40, 40, 40);
    assert_int_equal(policy_least_loaded.route(&view, &request), 1);
}

static void a_program_stays_at_home(void **state)
{
    (void)state;
    const struct asim_routing view = LOOK(1, 1, 3, 1, 0, 0, 500, 0);
    assert_int_equal(affinity(view, 2, 0.9, 2.0), 2);
    assert_int_equal(affinity(view, ASIM_NONE, 0.9, 2.0), 0);
}

static void kv_pressure_drives_it_away(void **state)
{
    (void)state;
    assert_int_equal(affinity(LOOK(1, 0, 1, 1, 0, 0, 900, 0), 2, 0.9, 2.0), 2); /* at the limit is not above it */
    assert_int_equal(affinity(LOOK(1, 0, 1, 1, 0, 0, 901, 0), 2, 0.9, 2.0), 1);
}

static void load_drives_it_away(void **state)
{
    (void)state;
    /* The mean is 4: eight is twice that, nine is above. */
    assert_int_equal(affinity(LOOK(8, 3, 3, 2, 0, 0, 0, 0), 0, 0.9, 2.0), 0);
    assert_int_equal(affinity(LOOK(9, 3, 2, 2, 0, 0, 5, 3), 0, 0.9, 2.0), 3);
    /* A handful of turns is never too many. */
    assert_int_equal(affinity(LOOK(4, 0, 0, 0, 0, 0, 0, 0), 0, 0.9, 2.0), 0);
    assert_int_equal(affinity(LOOK(5, 0, 0, 0, 0, 0, 0, 0), 0, 0.9, 2.0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_robin_counts),      cmocka_unit_test(least_loaded_and_its_ties),
        cmocka_unit_test(a_program_stays_at_home), cmocka_unit_test(kv_pressure_drives_it_away),
        cmocka_unit_test(load_drives_it_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
