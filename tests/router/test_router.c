#include "support/support.h"

#include "base/mem.h"
#include "router/router.h"
#include "support/packed_store.h"

#include <string.h>

enum { INSTANCES = 3, NOW = 12345 };

/* What the last decision saw, and what the next one chooses. */
static struct asim_instance_view seen[INSTANCES];
static uint64_t seen_outstanding;
static uint32_t seen_least;
static uint64_t seen_random;
static struct asim_request seen_request;
static uint32_t choice;

static uint32_t scripted(const struct asim_routing *routing, const struct asim_request *request)
{
    assert_true(routing->parameters[0] == 7.0);
    assert_int_equal(routing->n_instances, INSTANCES);
    assert_int_equal(routing->now, NOW);
    assert_int_equal(routing->block_size, 16);
    for (int i = 0; i < INSTANCES; i++) {
        seen[i] = routing->instances[i];
    }
    seen_outstanding = routing->outstanding;
    seen_least = routing->least_loaded;
    seen_random = routing->random;
    seen_request = *request;
    ++*(uint64_t *)routing->state;
    return choice;
}

static uint32_t starts;

static void started(const struct asim_context *context)
{
    assert_int_equal(context->instance, ASIM_NONE);
    assert_true(context->parameters[0] == 7.0);
    assert_int_equal(*(uint64_t *)context->state, 0);
    *(uint64_t *)context->state = 100;
    starts++;
}

static struct router *make_with(uint32_t flags, enum router_view view)
{
    static const struct asim_parameter parameter = {.name = "p", .value = 7.0};
    static struct asim_policy policy;
    static struct policy_use use;
    policy = (struct asim_policy){.name = "scripted",
                                  .route = scripted,
                                  .start = started,
                                  .state_size = sizeof(uint64_t),
                                  .parameters = &parameter,
                                  .n_parameters = 1,
                                  .flags = flags};
    use = policy_use_of(&policy);
    return router_create(&(struct router_options){.n_instances = INSTANCES,
                                                  .usable_blocks = 77,
                                                  .block_size = 16,
                                                  .view = view,
                                                  .telemetry_period = 100,
                                                  .policy = &use,
                                                  .seed = 5});
}

static struct router *make(void)
{
    return make_with(ASIM_POLICY_READS_VIEW, ROUTER_VIEW_TELEMETRY);
}

static void route_from(struct router *router, uint32_t home, uint32_t instance)
{
    choice = instance;
    const struct asim_request request = {.home = home};
    assert_int_equal(router_route(router, &request, NOW), instance);
}

static void route(struct router *router, uint32_t instance)
{
    route_from(router, ASIM_NONE, instance);
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
    struct router *router = make_with(ASIM_POLICY_READS_VIEW, ROUTER_VIEW_EXACT);
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
    struct router *router = make_with(0, ROUTER_VIEW_TELEMETRY);
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
    assert_int_equal(seen_request.home, ASIM_NONE);
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

static uint32_t decide(struct router *router, uint32_t home)
{
    return router_route(router, &(struct asim_request){.home = home}, NOW);
}

/* Turns that went home are counted apart, and when they are looked for all views are as if they had been routed. */
static void turns_go_home_uncounted(void **state)
{
    (void)state;
    const struct policy_use use = policy_use_of(policy_find("session-affinity"));
    struct router *router = router_create(&(struct router_options){
        .n_instances = INSTANCES, .usable_blocks = 77, .block_size = 16, .telemetry_period = 100, .policy = &use});
    assert_true(router_knows_homes(router));
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(decide(router, ASIM_NONE), i % INSTANCES);
    }
    router_sent_home_apart(router, 1, 5);
    router_sent_home(router, 5);
    assert_int_equal(router_outstanding(router, 1), 7);
    assert_int_equal(router_home_most(router, 0), 8);
    assert_int_equal(router_home_most(router, 3), 10);
    bool current;
    assert_int_equal(router_least_loaded(router, &current), 1); /* as long as nobody has looked */
    assert_false(current);
    assert_int_equal(router_least_loaded(router, &current), 2);
    assert_true(current);
    assert_int_equal(decide(router, ASIM_NONE), 2);
    assert_int_equal(decide(router, 1), 1);
    assert_int_equal(router_counters(router)->affinity_hits, 6);
    assert_int_equal(router_sent(router, 1), 8);
    /* Snapshots taken apart give what those taken one after another do. */
    const struct load_snapshot snapshots[INSTANCES] = {
        {.running = 2, .received = 3}, {.received = 8}, {.waiting = 1, .received = 2, .used_blocks = 75}};
    const struct block_load last = router_observe_block(router, 2, 1, 2, snapshots + 2);
    const struct block_load first = router_observe_block(router, 0, 2, 2, snapshots);
    assert_true(last.full && !first.full);
    assert_int_equal(first.most, 2);
    router_blocks_observed(router, 2, first.outstanding + last.outstanding, 300);
    assert_int_equal(router_next_snapshot(router), 400);
    assert_true(router_home_is_open(router, 0) && !router_home_is_open(router, 2));
    assert_int_equal(router_outstanding(router, 2), 2);
    assert_int_equal(decide(router, ASIM_NONE), 1);
    assert_int_equal(decide(router, 2), 1);
    assert_int_equal(router_counters(router)->affinity_breaks, 1);
    router_destroy(router);
}

/* Nothing is sure of exact views, nor of other policies. */
static void not_all_homes_are_known(void **state)
{
    (void)state;
    const struct policy_use use = policy_use_of(policy_find("session-affinity"));
    struct router *router = router_create(&(struct router_options){
        .n_instances = INSTANCES, .usable_blocks = 77, .block_size = 16, .view = ROUTER_VIEW_EXACT, .policy = &use});
    assert_false(router_knows_homes(router));
    router_destroy(router);
    router = make();
    assert_false(router_knows_homes(router));
    router_destroy(router);
}

/* A policy has a state of its own, started once, and random numbers that depend on seed and turn alone. */
static void state_and_random_numbers(void **state)
{
    (void)state;
    starts = 0;
    struct router *router = make_with(ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_RANDOM, ROUTER_VIEW_TELEMETRY);
    assert_int_equal(starts, 1);
    choice = 1;
    router_route(router, &(struct asim_request){.program = 8, .turn = 2, .home = ASIM_NONE}, NOW);
    const uint64_t first = seen_random;
    router_route(router, &(struct asim_request){.program = 8, .turn = 3, .home = ASIM_NONE}, NOW);
    assert_int_not_equal(seen_random, first);
    router_route(router, &(struct asim_request){.program = 8, .turn = 2, .home = 1}, NOW);
    assert_int_equal(seen_random, first);
    router_destroy(router);
}

static void an_instance_that_is_not_there(void **state)
{
    (void)state;
    struct router *router = make();
    route(router, 2);
    assert_null(router_fault(router)->policy);
    choice = INSTANCES;
    assert_int_equal(router_route(router, &(struct asim_request){.program = 8, .turn = 2, .home = 1}, NOW), ASIM_NONE);
    choice = INSTANCES + 1;
    assert_int_equal(router_route(router, &(struct asim_request){.program = 9, .turn = 2, .home = 1}, NOW), ASIM_NONE);
    assert_int_equal(router_counters(router)->affinity_breaks, 0);
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(policy_fault_report(router_fault(router), &diag), ASIM_INTERNAL);
    assert_string_equal(diag.entries[0].text,
                        "policy scripted: route answered instance 3 for turn 2 of program 8; allowed: 0 to 2");
    diag_fini(&diag);
    router_destroy(router);
}

/* ---- prompts ---- */

static uint32_t seen_overlap[INSTANCES];
static uint64_t seen_pending[INSTANCES];

static uint32_t reader(const struct asim_routing *routing, const struct asim_request *request)
{
    assert_non_null(routing->overlap);
    for (int i = 0; i < INSTANCES; i++) {
        seen[i] = routing->instances[i];
        seen_overlap[i] = routing->overlap[i];
        seen_pending[i] = routing->pending[i];
    }
    seen_request = *request;
    return choice;
}

static struct router *make_reader(void)
{
    static const struct asim_policy policy = {.name = "reader", .route = reader, .flags = ASIM_POLICY_READS_OVERLAP};
    static struct policy_use use;
    use = policy_use_of(&policy);
    return router_create(&(struct router_options){
        .n_instances = INSTANCES, .usable_blocks = 77, .block_size = 16, .telemetry_period = 100, .policy = &use});
}

static void send_prompt(struct router *router, uint64_t program, uint32_t prompt_toks, uint32_t instance)
{
    const struct extent extent = {stream_private(program, 0), 0, prompt_toks + 9};
    choice = instance;
    assert_true(router_wants_prompt(router));
    router_show_prompt(router, (struct content){&extent, 1, prompt_toks + 9});
    const struct asim_request request = {.program = program, .home = ASIM_NONE, .prompt_toks = prompt_toks};
    assert_int_equal(router_route(router, &request, NOW), instance);
}

static void what_was_sent_is_on_record(void **state)
{
    (void)state;
    struct router *router = make_reader();
    assert_int_equal(router_next_snapshot(router), 100); /* what is pending comes from snapshots */
    send_prompt(router, 1, 100, 2);
    assert_int_equal(seen_request.prompt_toks, 100);
    assert_int_equal(seen_overlap[2], 0);
    send_prompt(router, 1, 150, 2);
    assert_int_equal(seen_overlap[2], 6);
    assert_int_equal(seen_overlap[0], 0);
    assert_int_equal(seen_pending[2], 100);
    assert_int_equal(seen[2].index_blocks, 6);
    send_prompt(router, 2, 40, 2);
    assert_int_equal(seen_pending[2], 100 + 150 - 6 * 16);
    assert_int_equal(seen[2].index_blocks, 9);
    /* Two had arrived, one of them runs: the first. */
    observe_all(router, 100,
                (const struct load_snapshot[INSTANCES]){[2] = {.running = 1, .waiting = 1, .received = 2}});
    send_prompt(router, 3, 40, 0);
    assert_int_equal(seen_pending[2], 54 + 40);
    observe_all(router, 200, (const struct load_snapshot[INSTANCES]){[2] = {.received = 3}});
    send_prompt(router, 3, 40, 0);
    assert_int_equal(seen_pending[2], 0);
    assert_int_equal(seen_pending[0], 40);
    router_destroy(router);
    router = make();
    assert_false(router_wants_prompt(router));
    router_destroy(router);
}

static void the_record_is_saved(void **state)
{
    (void)state;
    struct router *router = make_reader();
    for (uint32_t i = 0; i < 40; i++) { /* more than fits */
        send_prompt(router, i % 13, 30 + 17 * (i % 5), i % INSTANCES);
    }
    observe_all(router, 100,
                (const struct load_snapshot[INSTANCES]){
                    {.running = 3, .waiting = 2, .received = 9}, {.received = 13}, {.running = 1, .received = 4}});
    send_prompt(router, 3, 99, 1);
    struct store_writer *writer = store_create_memory();
    router_save(router, writer);
    size_t n;
    unsigned char *bytes = store_take(writer, &n);
    struct diag diag;
    diag_init(&diag);
    struct store_reader *saved = store_open_stream(bytes_as_file(bytes, n), "saved", &diag);
    assert_non_null(saved);
    struct router *loaded = make_reader();
    if (!router_load(loaded, saved)) {
        store_close(saved);
        fail_msg("%s", diag.entries[0].text);
    }
    assert_int_equal(store_close(saved), ASIM_OK);
    for (uint32_t i = 0; i < 20; i++) {
        send_prompt(router, i, 200, i % INSTANCES);
        struct asim_instance_view views[INSTANCES];
        uint32_t overlap[INSTANCES];
        uint64_t pending[INSTANCES];
        memcpy(views, seen, sizeof views);
        memcpy(overlap, seen_overlap, sizeof overlap);
        memcpy(pending, seen_pending, sizeof pending);
        send_prompt(loaded, i, 200, i % INSTANCES);
        assert_memory_equal(seen, views, sizeof views);
        assert_memory_equal(seen_overlap, overlap, sizeof overlap);
        assert_memory_equal(seen_pending, pending, sizeof pending);
    }
    mem_free(bytes);
    diag_fini(&diag);
    router_destroy(loaded);
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
        cmocka_unit_test(not_all_homes_are_known),
        cmocka_unit_test(state_and_random_numbers),
        cmocka_unit_test(an_instance_that_is_not_there),
        cmocka_unit_test(what_was_sent_is_on_record),
        cmocka_unit_test(the_record_is_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
