#include "support/support.h"

#include "instance/residency/policies.h"

static void every_policy(void **state)
{
    (void)state;
    check_policies(1000, 6000, false);
}

static void every_policy_with_tiers(void **state)
{
    (void)state;
    check_policies(1000, 4000, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_policy), cmocka_unit_test(every_policy_with_tiers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
