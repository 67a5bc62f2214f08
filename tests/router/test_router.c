#include "support/support.h"

#include "router/router.h"

enum { INSTANCES = 3 };

/* What the last decision saw, and what the next one chooses. */
static struct instance_view seen[INSTANCES];
static uint64_t seen_outstanding;
static struct routing_request seen_request;
static uint32_t choice;

static uint32_t scripted(const struct routing_parameters *parameters, const struct routing_view *view,
                         const struct routing_request *request, uint64_t *state)
{
    assert_true(parameters->load_limit > 0.0);
    assert_int_equal(view->n_instances, INSTANCES);
    for (int i = 0; i < INSTANCES; i++) {
        seen[i] = view->instances[i];
    }
    seen_outstanding = view->outstanding;
    seen_request = *request;
    ++*state;
    return choice;
}

static struct router *make(void)
{
    return router_create(&(struct router_options){.n_instances = INSTANCES,
                                                  .usable_blocks = 77,
                                                  .telemetry_period = 100,
                                                  .policy = scripted,
                                                  .parameters = {.pressure_limit = 0.9, .load_limit = 2.0}});
}

static void route(struct router *router, uint32_t slot, uint32_t instance)
{
    choice = instance;
    const struct routing_request request = {.program = slot, .home = router_home(router, slot)};
    assert_int_equal(router_route(router, slot, &request), instance);
}

static void observe_all(struct router *router, simtime instant, const struct load_snapshot snapshots[INSTANCES])
{
    for (uint32_t i = 0; i < INSTANCES; i++) {
        router_observe(router, i, &snapshots[i]);
    }
    router_snapshots_done(router, instant);
}

/* A decision sees the last multiple of the period, once. */
static void snapshot_instants(void **state)
{
    (void)state;
    struct router *router = make();
    static const struct load_snapshot idle[INSTANCES];
    assert_int_equal(router_wants_snapshot(router, 0), 0);
    observe_all(router, 0, idle);
    assert_int_equal(router_wants_snapshot(router, 0), -1);
    assert_int_equal(router_wants_snapshot(router, 99), -1);
    assert_int_equal(router_wants_snapshot(router, 100), 100);
    assert_int_equal(router_wants_snapshot(router, 345), 300); /* nobody asked on the way */
    observe_all(router, 300, idle);
    assert_int_equal(router_wants_snapshot(router, 399), -1);
    assert_int_equal(router_wants_snapshot(router, 400), 400);
    router_destroy(router);
}

/* Turns sent count from the moment they are sent, and once when a snapshot shows them. */
static void nothing_is_counted_twice(void **state)
{
    (void)state;
    struct router *router = make();
    static const struct load_snapshot idle[INSTANCES];
    observe_all(router, 0, idle);
    route(router, 0, 1);
    assert_int_equal(seen[1].outstanding, 0);
    assert_int_equal(seen[1].usable_blocks, 77);
    route(router, 1, 1);
    assert_int_equal(seen[1].outstanding, 1);
    route(router, 2, 2);
    assert_int_equal(seen[1].outstanding, 2);
    assert_int_equal(seen_outstanding, 2);
    /* Instance 1 had received one of its two turns and is running it; instance 2 has finished its turn. */
    const struct load_snapshot later[INSTANCES] = {
        [1] = {.running = 1, .used_blocks = 9, .received = 1},
        [2] = {.received = 1},
    };
    observe_all(router, 100, later);
    route(router, 3, 0);
    assert_int_equal(seen[1].outstanding, 2);
    assert_int_equal(seen[1].used_blocks, 9);
    assert_int_equal(seen[2].outstanding, 0);
    assert_int_equal(seen_outstanding, 2);
    /* Both arrived; one waits. The turn sent to 0 after the snapshot stays counted there. */
    const struct load_snapshot last[INSTANCES] = {
        [1] = {.running = 1, .waiting = 1, .received = 2},
        [2] = {.received = 1},
    };
    observe_all(router, 200, last);
    route(router, 4, 0);
    assert_int_equal(seen[0].outstanding, 1);
    assert_int_equal(seen[1].outstanding, 2);
    assert_int_equal(seen_outstanding, 3);
    router_destroy(router);
}

static void homes_and_their_counters(void **state)
{
    (void)state;
    struct router *router = make();
    assert_int_equal(router_home(router, 5), NO_INSTANCE);
    route(router, 5, 2);
    assert_int_equal(seen_request.home, NO_INSTANCE);
    assert_int_equal(router_home(router, 5), 2);
    assert_int_equal(router_home(router, 4), NO_INSTANCE);
    route(router, 5, 2);
    assert_int_equal(seen_request.home, 2);
    route(router, 5, 0); /* the break moves home */
    route(router, 5, 0);
    route(router, 1000, 1);
    const struct router_counters *counters = router_counters(router);
    assert_int_equal(counters->cold, 2);
    assert_int_equal(counters->affinity_hits, 2);
    assert_int_equal(counters->affinity_breaks, 1);
    router_forget(router, 5); /* the slot's next program is a stranger */
    assert_int_equal(router_home(router, 5), NO_INSTANCE);
    assert_int_equal(router_home(router, 1000), 1);
    router_forget(router, 123456);
    route(router, 5, 0);
    assert_int_equal(counters->cold, 3);
    router_destroy(router);
    router_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_instants),
        cmocka_unit_test(nothing_is_counted_twice),
        cmocka_unit_test(homes_and_their_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
