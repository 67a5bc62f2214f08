#include "support/support.h"

#include "sim/window_properties.h"

static void properties(void **state)
{
    (void)state;
    check_window_properties(0, 3);
    check_window_properties(8, 12); /* many turns in a gap or in a period; few homes, of graphs too */
}

static void homes_never_left(void **state)
{
    (void)state;
    check_homes_never_left(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(properties, print_failed_windows),
                                       cmocka_unit_test_teardown(homes_never_left, print_failed_windows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
