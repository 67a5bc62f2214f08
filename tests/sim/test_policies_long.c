/* All seeds, or those of a range: test_policies_long FIRST LAST. */
#include "support/support.h"

#include "sim/policy_properties.h"

#include <stdlib.h>

static uint64_t first = 10000, last = 20000;

static void properties(void **state)
{
    (void)state;
    check_policy_properties(first, last);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        first = strtoull(argv[1], NULL, 10);
        last = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(properties, print_failed_policies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
