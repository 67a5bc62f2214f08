/* What a routing policy hears, and what becomes of its orders. */
#include "support/support.h"

#include "router/gateway.h"
#include "router/router.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { INSTANCES = 3, PERIOD = 100, ROUND_TRIP = 20 };

static char heard[512];
static struct router *router;
static struct gateway *gateway;
static uint32_t choice;
static void (*orders)(const struct asim_gateway *given);

static void note(const char *what, uint64_t program, uint32_t turn, uint32_t instance, simtime now, bool flag)
{
    const size_t used = strlen(heard);
    snprintf(heard + used, sizeof heard - used, "%s%d.%d@%d %d%s ", what, (int)program, (int)turn, (int)instance,
             (int)now, flag ? "!" : "");
}

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    (void)routing;
    (void)request;
    return choice;
}

static void on_submit(const struct asim_context *context, const struct asim_submission *s)
{
    assert_null(context->host);
    note(s->was_moved  ? "moved"
         : s->was_held ? "released"
                       : "sent",
         s->program, s->turn, s->instance, context->now, false);
}

static void on_complete(const struct asim_context *context, const struct asim_completion *c)
{
    assert_true(c->ended <= context->now);
    note("end", c->program, c->turn, c->instance, context->now, c->is_last);
}

static asim_time tick_period(const double *parameters)
{
    (void)parameters;
    return 2 * PERIOD - 1;
}

static void route_tick(const struct asim_routing *routing, const struct asim_gateway *given)
{
    assert_null(routing->overlap);
    note("tick", 0, 0, 0, routing->now, false);
    if (orders) {
        orders(given);
    }
}

static int open_as(enum router_view view)
{
    static const struct asim_policy policy = {.name = "scripted",
                                              .route = route,
                                              .on_submit = on_submit,
                                              .on_complete = on_complete,
                                              .route_tick_period = tick_period,
                                              .route_tick = route_tick};
    static struct policy_use use;
    use = policy_use_of(&policy);
    heard[0] = '\0';
    orders = NULL;
    router = router_create(&(struct router_options){.n_instances = INSTANCES,
                                                    .usable_blocks = 77,
                                                    .block_size = 16,
                                                    .view = view,
                                                    .telemetry_period = PERIOD,
                                                    .policy = &use,
                                                    .round_trip = ROUND_TRIP});
    gateway = router_gateway(router);
    return 0;
}

static int open_router(void **state)
{
    (void)state;
    return open_as(ROUTER_VIEW_TELEMETRY);
}

static int open_exact(void **state)
{
    (void)state;
    return open_as(ROUTER_VIEW_EXACT);
}

static int close_router(void **state)
{
    (void)state;
    router_destroy(router);
    return 0;
}

static void is_heard(const char *expected)
{
    assert_string_equal(heard, expected);
    heard[0] = '\0';
}

static uint64_t key(uint64_t program, uint32_t turn)
{
    return program << 24 | turn;
}

/* As the engine does. */
static void send(uint64_t program, uint32_t turn, uint32_t instance, simtime now)
{
    choice = instance;
    const struct asim_request request = {.program = program, .turn = turn, .home = ASIM_NONE};
    assert_int_equal(router_route(router, &request, now), instance);
    if (instance == ASIM_HELD) {
        const struct gateway_turn held = {.time = now, .key = key(program, turn), .home = ASIM_NONE};
        gateway_hold(gateway, &held);
    } else {
        gateway_note_sent(gateway, key(program, turn), instance, now);
    }
}

static void end(uint64_t program, uint32_t turn, uint32_t instance, simtime time)
{
    const struct gateway_end ended = {
        .time = time,
        .key = key(program, turn),
        .completion = {.program = program, .turn = turn, .instance = instance, .ended = time}};
    gateway_add_ends(gateway, &ended, 1);
}

static void program_ends(uint64_t program, simtime time)
{
    const struct gateway_end ended = gateway_program_end(program, time);
    gateway_add_ends(gateway, &ended, 1);
}

/* In whatever order the engine finds them. */
static void ends_are_told_in_order(void **state)
{
    (void)state;
    send(1, 0, 0, 0);
    send(2, 0, 1, 0);
    send(3, 0, 2, 0);
    send(3, 1, 2, 0);
    is_heard("sent1.0@0 0 sent2.0@1 0 sent3.0@2 0 sent3.1@2 0 ");
    program_ends(3, 150);
    end(3, 1, 2, 150);
    end(2, 0, 1, 201);
    end(3, 0, 2, 150);
    end(1, 0, 0, 100);
    gateway_tell(gateway, 100);
    is_heard("end1.0@0 100 ");
    gateway_tell(gateway, 200);
    is_heard("end3.0@2 200 end3.1@2 200! ");
    gateway_tell(gateway, 200);
    is_heard("");
    gateway_tell(gateway, 400); /* nobody asked for the instant between */
    is_heard("end2.0@1 300 ");
}

static void exact_views_tell_at_once(void **state)
{
    (void)state;
    send(1, 0, 0, 0);
    end(1, 0, 0, 137);
    gateway_tell(gateway, 140);
    is_heard("sent1.0@0 0 end1.0@0 137 ");
}

static void ticks_come_at_telemetry_instants(void **state)
{
    (void)state;
    assert_int_equal(gateway_next_tick(gateway), 200); /* 199, rounded up */
    assert_int_equal(router_next_snapshot(router), 100);
    send(1, 0, 0, 0);
    assert_true(gateway_tick(gateway, 1, false));
    assert_int_equal(gateway_next_tick(gateway), 400);
    end(1, 0, 0, 210);
    program_ends(1, 210);
    gateway_tell(gateway, 400);
    assert_true(gateway_tick(gateway, 1, true)); /* others are to come */
    is_heard("sent1.0@0 0 tick0.0@0 200 end1.0@0 300! tick0.0@0 400 ");
    assert_true(gateway_tick(gateway, 1, false)); /* nothing is left to look at */
    is_heard("");
    assert_int_equal(gateway_next_tick(gateway), SIMTIME_NEVER);
}

static void release_second(const struct asim_gateway *given)
{
    struct asim_held held;
    assert_int_equal(given->n_held, 3);
    given->held(given->handle, 1, &held);
    assert_int_equal(held.program, 2);
    assert_int_equal(held.since, 5);
    given->release(given->handle, 2, 0);
    given->release(given->handle, 1, 2);
}

static void held_turns_are_released_in_order(void **state)
{
    (void)state;
    for (uint64_t program = 1; program <= 3; program++) {
        send(program, 0, ASIM_HELD, 5);
    }
    assert_int_equal(gateway_turns(gateway), 3);
    assert_int_equal(router_counters(router)->cold, 0);
    assert_int_equal(router_counters(router)->held, 3);
    orders = release_second;
    assert_true(gateway_tick(gateway, 3, false));
    size_t n;
    const struct gateway_turn *turns = gateway_releases(gateway, &n);
    assert_int_equal(n, 2);
    assert_true(turns[0].key == key(2, 0) && turns[0].to == 2);
    assert_true(turns[1].key == key(3, 0) && turns[1].to == 0);
    assert_int_equal(gateway_turns(gateway), 1);
    const struct asim_request request = {.program = 2, .home = ASIM_NONE};
    router_send(router, &request, 2, SENT_RELEASED, 200);
    assert_int_equal(router_counters(router)->cold, 1);
    is_heard("tick0.0@0 200 released2.0@2 200 ");
}

static void move_first(const struct asim_gateway *given)
{
    struct asim_sent sent;
    assert_int_equal(given->n_sent(given->handle, 0), 2);
    given->sent(given->handle, 0, 0, &sent);
    assert_int_equal(sent.program, 1);
    given->move(given->handle, 0, 0, 1);
    given->move(given->handle, 0, 0, 2); /* it is being asked for already */
}

static void turns_are_moved(void **state)
{
    (void)state;
    uint64_t back;
    size_t n;
    send(1, 0, 0, 5);
    send(2, 0, 0, 6);
    orders = move_first;
    assert_true(gateway_tick(gateway, 2, false));
    const struct gateway_recall *recalls = gateway_recalls(gateway, &n);
    assert_true(n == 1 && recalls[0].key == key(1, 0) && recalls[0].instance == 0 && recalls[0].kv_to == ASIM_NONE);
    assert_int_equal(gateway_first_return(gateway, &back), SIMTIME_NEVER);
    gateway_add_return(gateway, &(struct gateway_turn){.time = 220, .key = key(1, 0)});
    assert_int_equal(gateway_first_return(gateway, &back), 220);
    assert_int_equal(back, key(1, 0));
    assert_int_equal(gateway_take_return(gateway).to, 1);
    const struct asim_request request = {.program = 1, .home = ASIM_NONE};
    router_send(router, &request, 1, SENT_MOVED, 220);
    gateway_note_sent(gateway, key(1, 0), 1, 220);
    assert_int_equal(router_counters(router)->moved, 1);
    assert_int_equal(router_counters(router)->cold, 2); /* counted when it was sent first */
    end(1, 0, 1, 250);
    end(2, 0, 0, 260);
    gateway_tell(gateway, 400);
    is_heard("sent1.0@0 5 sent2.0@0 6 tick0.0@0 200 moved1.0@1 220 end1.0@1 300 end2.0@0 300 ");
}

static void move_last_with_kv(const struct asim_gateway *given)
{
    given->move_with_kv(given->handle, 0, 1, 2);
}

static void kv_moves_along(void **state)
{
    (void)state;
    size_t n;
    send(1, 0, 0, 5);
    send(2, 0, 0, 6);
    orders = move_last_with_kv;
    assert_true(gateway_tick(gateway, 2, false));
    const struct gateway_recall *recalls = gateway_recalls(gateway, &n);
    assert_true(n == 1 && recalls[0].key == key(2, 0) && recalls[0].instance == 0 && recalls[0].kv_to == 2);
}

static void release_nobody(const struct asim_gateway *given)
{
    given->release(given->handle, 0, 0);
}

static void release_nowhere(const struct asim_gateway *given)
{
    given->release(given->handle, 0, INSTANCES);
}

static void move_nobody(const struct asim_gateway *given)
{
    given->move(given->handle, 1, 0, 0);
}

static void move_nowhere(const struct asim_gateway *given)
{
    given->move(given->handle, 0, 0, 0);
}

static void nonsense_is_named(void **state)
{
    (void)state;
    static const struct {
        void (*orders)(const struct asim_gateway *given);
        uint32_t first; /* where a turn is sent before */
        const char *answer;
    } cases[] = {
        {release_nobody, 0, "the release of held turn 0; there are 0"},
        {release_nowhere, ASIM_HELD, "a release to instance 3; there are 3"},
        {move_nobody, 0, "the move of sent turn 0; there are 0"},
        {move_nowhere, 0, "a move to where the turn is, instance 0; there are 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_as(ROUTER_VIEW_TELEMETRY);
        send(1, 0, cases[i].first, 1);
        orders = cases[i].orders;
        assert_false(gateway_tick(gateway, 1, false));
        assert_string_equal(router_fault(router)->function, "route_tick");
        assert_string_equal(router_fault(router)->answer, cases[i].answer);
        router_destroy(router);
    }
    open_as(ROUTER_VIEW_TELEMETRY);
}

/* ---- saved ---- */

static bool lend(void *user, struct gateway_turn *turn, uint32_t number)
{
    (void)user;
    turn->key = key(turn->slot, number); /* here slots are programs */
    return number == 0;
}

static void what_is_saved_goes_on(void **state)
{
    (void)state;
    send(1, 0, 0, 5);
    send(2, 0, 0, 6);
    choice = ASIM_HELD;
    gateway_hold(gateway, &(struct gateway_turn){.time = 7, .key = key(3, 0), .slot = 3, .home = ASIM_NONE});
    orders = move_first;
    assert_true(gateway_tick(gateway, 3, false));
    gateway_add_return(gateway, &(struct gateway_turn){.time = 220, .key = key(1, 0), .slot = 1, .home = ASIM_NONE});
    end(2, 0, 0, 210);
    program_ends(2, 210);
    struct store_writer *writer = store_create_memory();
    gateway_save(gateway, writer);
    size_t n;
    unsigned char *bytes = store_take(writer, &n);
    router_destroy(router);

    open_as(ROUTER_VIEW_TELEMETRY);
    struct diag diag;
    diag_init(&diag);
    FILE *stream = fmemopen(bytes, n, "rb");
    struct store_reader *reader = store_open_stream(stream, "saved", &diag);
    assert_true(gateway_load(gateway, 215, lend, NULL, reader));
    assert_int_equal(store_close(reader), ASIM_OK);
    assert_int_equal(gateway_next_tick(gateway), 400);
    assert_int_equal(gateway_turns(gateway), 2);
    assert_int_equal(gateway_programs_ended(gateway), 1);
    assert_int_equal(gateway_take_return(gateway).to, 1);
    gateway_tell(gateway, 400);
    is_heard("end2.0@0 300! ");
    diag_fini(&diag);
    mem_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_are_told_in_order, open_router, close_router),
        cmocka_unit_test_setup_teardown(exact_views_tell_at_once, open_exact, close_router),
        cmocka_unit_test_setup_teardown(ticks_come_at_telemetry_instants, open_router, close_router),
        cmocka_unit_test_setup_teardown(held_turns_are_released_in_order, open_router, close_router),
        cmocka_unit_test_setup_teardown(turns_are_moved, open_router, close_router),
        cmocka_unit_test_setup_teardown(kv_moves_along, open_router, close_router),
        cmocka_unit_test_teardown(nonsense_is_named, close_router),
        cmocka_unit_test_setup_teardown(what_is_saved_goes_on, open_router, close_router),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
