#include "support/support.h"

#include "base/event_key.h"

static struct event_key at(simtime time, enum event_phase phase)
{
    return (struct event_key){.time = time, .phase = phase};
}

static void time_before_phase(void **state)
{
    (void)state;
    assert_true(event_before(at(1, PHASE_STEP_START), at(2, PHASE_STEP_END)));
    assert_false(event_before(at(2, PHASE_STEP_END), at(1, PHASE_STEP_START)));
}

/* The order at one instant is part of the model. */
static void phases_of_an_instant(void **state)
{
    (void)state;
    static const enum event_phase order[] = {PHASE_STEP_END, PHASE_TRANSFER_END, PHASE_RELEASE,
                                             PHASE_ROUTING,  PHASE_ARRIVAL,      PHASE_STEP_START};
    enum { PHASES = sizeof order / sizeof order[0] };
    for (int i = 0; i < PHASES; i++) {
        for (int j = 0; j < PHASES; j++) {
            assert_int_equal(event_before(at(5, order[i]), at(5, order[j])), i < j);
        }
    }
}

static void never_is_last(void **state)
{
    (void)state;
    assert_true(event_before(at(SIMTIME_LIMIT, PHASE_STEP_START), EVENT_NEVER));
    assert_false(event_before(EVENT_NEVER, EVENT_NEVER));
    assert_int_equal(event_min(EVENT_NEVER, at(3, PHASE_ROUTING)).time, 3);
    assert_int_equal(event_min(at(3, PHASE_ROUTING), EVENT_NEVER).time, 3);
    assert_int_equal(event_min(at(3, PHASE_ROUTING), at(3, PHASE_STEP_END)).phase, PHASE_STEP_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_before_phase),
        cmocka_unit_test(phases_of_an_instant),
        cmocka_unit_test(never_is_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
