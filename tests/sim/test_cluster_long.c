#include "support/support.h"

#include "sim/cluster_properties.h"

static void properties(void **state)
{
    (void)state;
    check_cluster_properties(1500, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(properties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
