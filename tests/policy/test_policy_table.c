#include "support/support.h"

#include "policy/policy_set.h"

#include <string.h>

static void every_policy_is_found_by_name(void **state)
{
    (void)state;
    assert_true(policy_count() >= 5);
    for (size_t i = 0; i < policy_count(); i++) {
        const struct asim_policy *policy = policy_at(i);
        assert_ptr_equal(policy_find(policy->name), policy);
        assert_true(strlen(policy->summary) > 10 && strlen(policy->source) > 5);
        assert_true(policy_planes(policy) != 0);
        assert_int_equal(policy->route != NULL, policy_serves(policy, POLICY_ROUTING));
        assert_true(policy->n_parameters <= POLICY_MAX_PARAMETERS);
    }
    assert_null(policy_at(policy_count()));
    assert_null(policy_find("no-such"));
}

static void planes_of(const char *expected, const struct asim_policy *policy)
{
    char text[POLICY_PLANES_BYTES];
    assert_string_equal(policy_planes_text(policy, text), expected);
}

static void complete(const struct asim_context *context)
{
    (void)context;
}

static struct asim_priority priority(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    (void)turn;
    return (struct asim_priority){0};
}

static double order(const struct asim_context *context, const struct asim_resident *resident)
{
    (void)context;
    (void)resident;
    return 0.0;
}

static void planes_follow_from_functions(void **state)
{
    (void)state;
    planes_of("scheduling", policy_find("fcfs"));
    planes_of("retention", policy_find("lru"));
    planes_of("routing", policy_find("session-affinity"));
    planes_of("", &(struct asim_policy){.start = complete});
    planes_of("retention", &(struct asim_policy){.tick = complete});
    planes_of("scheduling", &(struct asim_policy){.tick = complete, .priority = priority});
    planes_of("retention, scheduling", &(struct asim_policy){.evict_order = order, .priority = priority});
    planes_of(
        "retention, scheduling, routing",
        &(struct asim_policy){.evict_order = order, .priority = priority, .route = policy_find("round-robin")->route});
    assert_string_equal(policy_plane_name(POLICY_ROUTING), "routing");
    assert_string_equal(policy_plane_name(POLICY_SCHEDULING), "scheduling");
    assert_string_equal(policy_plane_name(POLICY_RETENTION), "retention");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_is_found_by_name),
        cmocka_unit_test(planes_follow_from_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
