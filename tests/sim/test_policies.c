#include "support/support.h"

#include "sim/policy_properties.h"

static void properties(void **state)
{
    (void)state;
    check_policy_properties(0, 30);
}

/* A turn that waits to be loaded, while what it hits in HBM shrinks until the load is over its quota. */
static void a_load_that_grows_over_the_quota(void **state)
{
    (void)state;
    check_policy_seed(12880);
}

/* Levels of the multilevel queue send turns back in turn, each before its prompt is computed. */
static void turns_that_send_each_other_back(void **state)
{
    (void)state;
    check_policy_seed(13717);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(properties, print_failed_policies),
        cmocka_unit_test_teardown(a_load_that_grows_over_the_quota, print_failed_policies),
        cmocka_unit_test_teardown(turns_that_send_each_other_back, print_failed_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
