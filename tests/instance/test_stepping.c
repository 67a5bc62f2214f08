#include "support/support.h"

#include "instance/stepping.h"

static void same_history(void **state)
{
    (void)state;
    check_stepping(0, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_history)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
