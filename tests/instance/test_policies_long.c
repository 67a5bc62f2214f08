#include "support/support.h"

#include "instance/policies.h"

static void every_policy(void **state)
{
    (void)state;
    check_policies(1000, 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_policy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
