#include "support/support.h"

#include "router/router.h"

enum { INSTANCES = 3 };

/* What the last decision saw, and what the next one chooses. */
static struct instance_view seen[INSTANCES];
static uint64_t seen_outstanding;
static uint32_t seen_least;
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
    seen_least = view->least_loaded;
    seen_request = *request;
    ++*state;
    return choice;
}

static struct policy_entry policy;

static struct router *make_with(enum policy_reads reads, enum router_view view)
{
    policy = (struct policy_entry){
        .plane = POLICY_ROUTING, .name = "scripted", .route = scripted, .reads = reads, .homing = policy.homing};
    return router_create(&(struct router_options){.n_instances = INSTANCES,
                                                  .usable_blocks = 77,
                                                  .view = view,
                                                  .telemetry_period = 100,
                                                  .policy = &policy,
                                                  .parameters = {.pressure_limit = 0.9, .load_limit = 2.0}});
}

static struct router *make(void)
{
    return make_with(READS_VIEW, ROUTER_VIEW_TELEMETRY);
}

static void route_from(struct router *router, uint32_t home, uint32_t instance)
{
    choice = instance;
    const struct routing_request request = {.home = home};
    assert_int_equal(router_route(router, &request), instance);
}

static void route(struct router *router, uint32_t instance)
{
    route_from(router, NO_INSTANCE, instance);
}

static void observe_all(struct router *router, simtime instant, const struct load_snapshot snapshots[INSTANCES])
{
    for (uint32_t i = 0; i < INSTANCES; i++) {
        router_observe(router, i, &snapshots[i]);
    }
    router_snapshots_done(router, instant);
}

/* A decision sees the last multiple of the period, once; at time 0 all is idle, and known to be. */
static void snapshot_instants(void **state)
{
    (void)state;
    struct router *router = make();
    static const struct load_snapshot idle[INSTANCES];
    assert_int_equal(router_wants_snapshot(router, 0), -1);
    assert_int_equal(router_wants_snapshot(router, 99), -1);
    assert_int_equal(router_next_snapshot(router), 100);
    assert_int_equal(router_wants_snapshot(router, 100), 100);
    assert_int_equal(router_wants_snapshot(router, 345), 300); /* nobody asked on the way */
    observe_all(router, 300, idle);
    assert_int_equal(router_wants_snapshot(router, 399), -1);
    assert_int_equal(router_next_snapshot(router), 400);
    assert_int_equal(router_wants_snapshot(router, 400), 400);
    router_destroy(router);
}

static void an_exact_view_is_of_now(void **state)
{
    (void)state;
    struct router *router = make_with(READS_VIEW, ROUTER_VIEW_EXACT);
    static const struct load_snapshot idle[INSTANCES];
    assert_int_equal(router_wants_snapshot(router, 0), 0);
    observe_all(router, 0, idle);
    assert_int_equal(router_wants_snapshot(router, 0), -1); /* once for all turns of an instant */
    assert_int_equal(router_wants_snapshot(router, 37), 37);
    route(router, 2);
    const struct load_snapshot running = {.running = 1, .used_blocks = 4, .received = 1};
    router_update(router, 2, &running);
    route(router, 0);
    assert_int_equal(seen[2].used_blocks, 4);
    assert_int_equal(seen[2].outstanding, 1);
    assert_int_equal(seen_outstanding, 1);
    assert_int_equal(seen_least, 0);
    router_destroy(router);
}

static void a_blind_policy_wants_nothing(void **state)
{
    (void)state;
    struct router *router = make_with(READS_NOTHING, ROUTER_VIEW_TELEMETRY);
    assert_int_equal(router_wants_snapshot(router, 1000), -1);
    assert_int_equal(router_next_snapshot(router), SIMTIME_NEVER);
    router_destroy(router);
}

/* Turns sent count from the moment they are sent, and once when a snapshot shows them. */
static void nothing_is_counted_twice(void **state)
{
    (void)state;
    struct router *router = make();
    route(router, 1);
    assert_int_equal(seen[1].outstanding, 0);
    assert_int_equal(seen[1].usable_blocks, 77);
    route(router, 1);
    assert_int_equal(seen[1].outstanding, 1);
    route(router, 2);
    assert_int_equal(seen[1].outstanding, 2);
    assert_int_equal(seen_outstanding, 2);
    assert_int_equal(seen_least, 0);
    /* Instance 1 had received one of its two turns and is running it; instance 2 has finished its turn. */
    const struct load_snapshot later[INSTANCES] = {
        [1] = {.running = 1, .used_blocks = 9, .received = 1},
        [2] = {.received = 1},
    };
    observe_all(router, 100, later);
    route(router, 0);
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
    route(router, 0);
    assert_int_equal(seen[0].outstanding, 1);
    assert_int_equal(seen[1].outstanding, 2);
    assert_int_equal(seen_outstanding, 3);
    assert_int_equal(seen_least, 2);
    router_destroy(router);
}

static void homes_and_their_counters(void **state)
{
    (void)state;
    struct router *router = make();
    route(router, 2);
    assert_int_equal(seen_request.home, NO_INSTANCE);
    route_from(router, 2, 2);
    assert_int_equal(seen_request.home, 2);
    route_from(router, 2, 0); /* a break */
    route_from(router, 0, 0);
    route(router, 1);
    const struct router_counters *counters = router_counters(router);
    assert_int_equal(counters->cold, 2);
    assert_int_equal(counters->affinity_hits, 2);
    assert_int_equal(counters->affinity_breaks, 1);
    router_destroy(router);
    router_destroy(NULL);
}

static uint32_t all_but_seven(const struct routing_parameters *parameters, uint32_t usable_blocks)
{
    (void)parameters;
    return usable_blocks - 7;
}

static uint32_t twice_the_mean(const struct routing_parameters *parameters, uint64_t outstanding, uint32_t n_instances)
{
    (void)parameters;
    return (uint32_t)(2 * outstanding / n_instances);
}

/* Turns that went home are counted apart, and when they are looked for all views are as if they had been routed. */
static void turns_go_home_uncounted(void **state)
{
    (void)state;
    static const struct routing_homing homing = {.most_blocks = all_but_seven, .most_turns = twice_the_mean};
    policy.homing = &homing;
    struct router *router = make();
    assert_true(router_knows_homes(router));
    for (int i = 0; i < 3; i++) {
        route(router, 0);
        route(router, 1);
    }
    route(router, 2);
    router_sent_home_apart(router, 2, 5);
    router_sent_home(router, 5);
    assert_int_equal(router_outstanding(router, 2), 6);
    assert_int_equal(router_home_most(router, 0), 8);
    assert_int_equal(router_home_most(router, 3), 10);
    bool current;
    assert_int_equal(router_least_loaded(router, &current), 2); /* as long as nobody has looked */
    assert_false(current);
    assert_int_equal(router_least_loaded(router, &current), 0);
    assert_true(current);
    route(router, 0);
    assert_int_equal(seen[2].outstanding, 6);
    assert_int_equal(seen_outstanding, 12);
    assert_int_equal(seen_least, 0);
    assert_int_equal(router_counters(router)->affinity_hits, 5);
    assert_int_equal(router_sent(router, 2), 6);
    /* Snapshots taken apart give what those taken one after another do. */
    const struct load_snapshot snapshots[INSTANCES] = {
        {.running = 2, .received = 4}, {.received = 3}, {.waiting = 1, .received = 2, .used_blocks = 75}};
    const struct block_load last = router_observe_block(router, 2, 1, 2, snapshots + 2);
    const struct block_load first = router_observe_block(router, 0, 2, 2, snapshots);
    assert_true(last.full && !first.full);
    assert_int_equal(first.most, 2);
    router_blocks_observed(router, 2, first.outstanding + last.outstanding, 300);
    assert_int_equal(router_next_snapshot(router), 400);
    assert_true(router_home_is_open(router, 0) && !router_home_is_open(router, 2));
    route(router, 1);
    assert_int_equal(seen[2].outstanding, 5);
    assert_int_equal(seen_outstanding, 7);
    assert_int_equal(seen_least, 1);
    router_destroy(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_instants),
        cmocka_unit_test(an_exact_view_is_of_now),
        cmocka_unit_test(a_blind_policy_wants_nothing),
        cmocka_unit_test(nothing_is_counted_twice),
        cmocka_unit_test(homes_and_their_counters),
        cmocka_unit_test(turns_go_home_uncounted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
