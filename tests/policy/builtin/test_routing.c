#include "support/support.h"

#include "policy/builtin/builtin.h"
#include "policy/homing.h"

#include <math.h>

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

/* The policy keeps what its homing promises, whatever is outstanding elsewhere, and promises all that it keeps. */
static void homing_is_what_it_does(void **state)
{
    (void)state;
    const double parameters[] = {0.9, 1.7};
    const struct routing_homing *homing = &session_affinity_homing;
    for (uint32_t turns = 0; turns < 40; turns++) {
        for (uint32_t others = 0; others < 90; others++) {
            const struct asim_routing view = LOOK(turns, others, 0, 0, 0, 0, 0, 0);
            const uint32_t most = homing->most_turns(parameters, view.outstanding, INSTANCES);
            assert_int_equal(affinity(view, 0, 0.9, 1.7) == 0, turns <= most || view.least_loaded == 0);
            assert_true(most <= homing->most_turns(parameters, view.outstanding + 1, INSTANCES));
        }
    }
    assert_int_equal(homing->most_turns(parameters, UINT64_MAX, 1), UINT32_MAX);
    assert_int_equal(homing->most_turns((const double[]){0.9, INFINITY}, 0, 1), UINT32_MAX);
    assert_int_equal(homing->most_blocks(parameters, 1000), 900);
    assert_int_equal(homing->most_blocks(parameters, 1009), 908);
}

/* Only the policy itself is known to keep such a promise. */
static void homing_is_of_one_policy(void **state)
{
    (void)state;
    const struct policy_use own = policy_use_of(&policy_session_affinity);
    const struct asim_policy copy = policy_session_affinity;
    const struct policy_use named_alike = policy_use_of(&copy);
    const struct policy_use other = policy_use_of(&policy_least_loaded);
    assert_ptr_equal(routing_homing(&own), &session_affinity_homing);
    assert_null(routing_homing(&named_alike));
    assert_null(routing_homing(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_robin_counts),      cmocka_unit_test(least_loaded_and_its_ties),
        cmocka_unit_test(a_program_stays_at_home), cmocka_unit_test(kv_pressure_drives_it_away),
        cmocka_unit_test(load_drives_it_away),     cmocka_unit_test(homing_is_what_it_does),
        cmocka_unit_test(homing_is_of_one_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
