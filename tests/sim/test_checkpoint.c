#include "support/support.h"

#include "sim/checkpoint_properties.h"

static void properties(void **state)
{
    (void)state;
    check_checkpoint_properties(0, 6, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(properties, print_failed_checkpoint)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
