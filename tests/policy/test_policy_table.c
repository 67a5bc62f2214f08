#include "support/support.h"

#include "policy/policy_table.h"

#include <string.h>

static void every_policy_is_found_by_name(void **state)
{
    (void)state;
    assert_true(policy_count() >= 5);
    for (size_t i = 0; i < policy_count(); i++) {
        const struct policy_entry *entry = policy_at(i);
        assert_ptr_equal(policy_find(entry->plane, entry->name), entry);
        assert_true(strlen(entry->summary) > 10 && strlen(entry->source) > 5);
        assert_int_equal(entry->route != NULL, entry->plane == POLICY_ROUTING);
    }
    assert_null(policy_at(policy_count()));
}

static void names_belong_to_a_plane(void **state)
{
    (void)state;
    assert_ptr_equal(policy_find(POLICY_ROUTING, "session-affinity")->route, route_session_affinity);
    assert_ptr_equal(policy_find(POLICY_ROUTING, "least-loaded")->route, route_least_loaded);
    assert_ptr_equal(policy_find(POLICY_ROUTING, "round-robin")->route, route_round_robin);
    assert_non_null(policy_find(POLICY_SCHEDULING, "fcfs"));
    assert_null(policy_find(POLICY_ROUTING, "fcfs"));
    assert_null(policy_find(POLICY_RETENTION, "no-such"));
    assert_string_equal(policy_plane_name(POLICY_ROUTING), "routing");
    assert_string_equal(policy_plane_name(POLICY_SCHEDULING), "scheduling");
    assert_string_equal(policy_plane_name(POLICY_RETENTION), "retention");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_is_found_by_name),
        cmocka_unit_test(names_belong_to_a_plane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
