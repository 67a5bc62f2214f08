#include "support/support.h"

#include "sim/residency_properties.h"

static void properties(void **state)
{
    (void)state;
    struct residency_coverage c = {0};
    check_residency_properties(0, 24, &c);
    for (int phase = 0; phase <= ASIM_KV_RUNNING; phase++) {
        assert_true(c.phases[phase] || phase == ASIM_KV_LEAVING); /* over in microseconds: instance/test_recall.c */
    }
    for (int reason = 0; reason <= ASIM_KV_BY_TRANSFER; reason++) {
        assert_true(c.reasons[reason]);
    }
    for (int until = 0; until <= ASIM_KV_UNTIL_DONE; until++) {
        assert_true(c.until[until]);
    }
    for (int tier = 0; tier <= ASIM_TIERS; tier++) {
        assert_true(c.tiers[tier]);
    }
    assert_true(c.moving && c.waiting && c.planned && c.shared && c.left_behind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(properties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
