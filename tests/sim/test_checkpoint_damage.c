#include "support/support.h"

#include "sim/checkpoint_damage.h"

static void damage(void **state)
{
    (void)state;
    check_checkpoint_damage(0, 8, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
