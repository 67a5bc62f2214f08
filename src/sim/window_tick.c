#include "base/mem.h"
#include "sim/windows.h"

/* ---- by threads ---- */

void tick_note_end(struct lane *lane, const struct turn_end *end, enum turn_outcome outcome,
                   const struct ready_turn *next)
{
    lane->told = mem_grow(lane->told, &lane->told_capacity, lane->n_told + RING_ENDS, sizeof *lane->told);
    lane->n_told += ring_tell_end(end, outcome, next, lane->told + lane->n_told);
}

void tick_note_unserved(const struct windows *windows, struct lane *lane, const struct turn_end *end)
{
    const struct gateway_turn turn = ring_unserved(windows->cluster, end);
    windows_check_lookahead(windows, NO_HOME, turn.time, turn.key);
    lane->unserved = mem_grow(lane->unserved, &lane->unserved_capacity, lane->n_unserved + 1, sizeof *lane->unserved);
    lane->unserved[lane->n_unserved++] = turn;
}

/* ---- orders ---- */

/* `end` is that of the window that is being opened; NULL between two. */
struct carrier {
    struct windows *windows;
    struct window_end *end;
};

static void send(const struct carrier *carrier, const struct gateway_turn *turn, uint32_t to, simtime now)
{
    struct windows *windows = carrier->windows;
    struct dispatch dispatch = windows_dispatch(windows, turn->slot, turn->key, turn->service, now);
    dispatch.kv_blocks = ring_kv_blocks(turn, to);
    if (carrier->end) {
        window_close(carrier->end, dispatch.effect, 0, WINDOW_TURN);
    }
    windows_add_dispatch(windows, to, &dispatch);
    windows->cluster->events++;
}

static void send_released(void *user, const struct gateway_turn *turn, simtime now)
{
    send(user, turn, turn->to, now);
}

static void note_recall(void *user, uint32_t instance, simtime arrival, simtime effect)
{
    const struct carrier *carrier = user;
    if (carrier->end) {
        window_close(carrier->end, effect, 0, WINDOW_TURN);
    }
    windows_expect(carrier->windows, instance, arrival, effect);
}

static void report(struct windows *windows)
{
    policy_fault_report(router_fault(windows->cluster->router), windows->diag);
    windows->failed = true;
}

static void tick(struct windows *windows, struct window_end *end)
{
    struct carrier carrier = {.windows = windows, .end = end};
    const struct ring_orders orders = {.send = send_released, .recall = note_recall, .user = &carrier};
    if (!ring_tick(windows->cluster, windows->has_next || windows->n_upcoming, &orders)) {
        report(windows);
    }
}

/* ---- between windows ---- */

void tick_gather(struct windows *windows)
{
    struct gateway *gateway = windows->gateway;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        gateway_add_ends(gateway, lane->told, lane->n_told);
        for (size_t k = 0; k < lane->n_unserved; k++) {
            gateway_add_return(gateway, &lane->unserved[k]);
        }
        lane->n_told = lane->n_unserved = 0;
    }
    if (windows->exact || windows->instant < 0 || windows->failed) {
        return;
    }
    gateway_tell(gateway, windows->instant);
    if (windows->instant == gateway_next_tick(gateway)) {
        tick(windows, NULL);
    }
}

/* ---- while a window is opened ---- */

simtime tick_next(const struct windows *windows, uint64_t *key)
{
    const simtime back = gateway_first_return(windows->gateway, key);
    const simtime at = windows->exact ? gateway_next_tick(windows->gateway) : SIMTIME_NEVER;
    if (at <= back && at != SIMTIME_NEVER) {
        *key = 0;
        return at;
    }
    return back;
}

simtime tick_first(const struct windows *windows)
{
    uint64_t key;
    return windows->gateway
               ? simtime_least(gateway_first_return(windows->gateway, &key), gateway_next_tick(windows->gateway))
               : SIMTIME_NEVER;
}

void tick_pass(struct windows *windows, struct window_end *end)
{
    struct cluster *cluster = windows->cluster;
    uint64_t key = 0;
    const simtime now = tick_next(windows, &key);
    if (windows->exact) {
        windows_see_changes(windows, now);
        gateway_tell(windows->gateway, now);
        if (now == gateway_next_tick(windows->gateway)) {
            tick(windows, end);
            return;
        }
    }
    const struct gateway_turn turn = gateway_take_return(windows->gateway);
    const uint32_t chosen = ring_route_again(cluster, &turn, now);
    if (chosen == ASIM_NONE) {
        report(windows);
    } else if (chosen != ASIM_HELD) {
        const struct carrier carrier = {.windows = windows, .end = end};
        send(&carrier, &turn, chosen, now);
    }
}
