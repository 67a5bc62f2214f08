#include "support/support.h"

#include "sim/policy_properties.h"

static void properties(void **state)
{
    (void)state;
    check_policy_properties(100, 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(properties, print_failed_policies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
