#include "support/support.h"

#include "instance/residency/policies.h"

static void every_policy(void **state)
{
    (void)state;
    check_policies(0, 12, false);
}

static void every_policy_with_tiers(void **state)
{
    (void)state;
    check_policies(0, 14, true);
}

/* Of seed 1763 a turn fills up blocks, is preempted and starts again with fewer, all before the batch has ended. */
static void blocks_that_were_lost_before_they_were_stored(void **state)
{
    (void)state;
    check_policies_of(1763, true);
}

static void a_policy_that_refuses_everybody(void **state)
{
    (void)state;
    check_refusal(0, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_policy), cmocka_unit_test(every_policy_with_tiers),
                                       cmocka_unit_test(blocks_that_were_lost_before_they_were_stored),
                                       cmocka_unit_test(a_policy_that_refuses_everybody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
