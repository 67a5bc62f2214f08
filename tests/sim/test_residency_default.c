#include "support/support.h"

#include "sim/residency_properties.h"

static void properties(void **state)
{
    (void)state;
    struct residency_coverage c = {0};
    check_residency_properties(1000, 1300, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(properties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
