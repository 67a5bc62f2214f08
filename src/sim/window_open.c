#include "base/mem.h"
#include "sim/windows.h"

#include <assert.h>
#include <stdlib.h>

/* Windows between two pulses; and more dispatches than these are not kept for later windows. */
enum { PULSE_WINDOWS = 16, MOST_DISPATCHES = 1 << 16 };

/* ---- where the window ends ---- */

/* Programs that are not prepared close the window. */
static void close_by_line(const struct windows *windows, struct window_end *end)
{
    uint64_t key = 0;
    const simtime time = line_next_unprepared(windows, &key);
    window_close(end, time, key, WINDOW_PROGRAMS);
}

/* The earliest instant at which anything can happen that a turn is routed by: nothing is ready before it. */
static simtime first_ready(const struct windows *windows)
{
    uint64_t key;
    const simtime times[] = {line_next(windows, &key), line_next_unprepared(windows, &key), windows->first_known,
                             windows->exact ? windows->first_event : windows->first_effect, tick_first(windows)};
    simtime first = SIMTIME_NEVER;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        first = times[i] < first ? times[i] : first;
    }
    return first;
}

/* Where the window ends at the latest, before the turns routed in it are known. */
static struct window_end bound_window(const struct windows *windows)
{
    const simtime first = first_ready(windows);
    struct window_end end = windows->cut;
    if (first == SIMTIME_NEVER) {
        return end;
    }
    close_by_line(windows, &end);
    if (windows->exact) {
        /* All that happens before `advance_to` is known. */
        window_close(&end, first > windows->advance_to ? first : windows->advance_to, 0, WINDOW_EXACT);
        return end;
    }
    window_close(&end, windows->homing ? homes_least_limit(windows) : windows->first_effect, 0, WINDOW_INSTANCE);
    /* Time may pass up to `first` at once. Turns after it become due first. */
    const simtime horizon = windows->next_horizon;
    window_close(&end, first > horizon ? first : horizon, 0, WINDOW_HORIZON);
    if (windows->sees_instances) {
        const simtime instant = router_wants_snapshot(windows->cluster->router, first);
        const simtime due = instant >= 0 ? instant : router_next_snapshot(windows->cluster->router);
        window_close(&end, due, 0, WINDOW_TELEMETRY);
        if (end.time == due && end.key == 0 && end.rule < WINDOW_RESIDENCY) {
            end.rule = WINDOW_TELEMETRY;
        }
    }
    return end;
}

/* ---- routing up to there ---- */

/* Exact view: what a decision at `now` sees. */
void windows_see_changes(struct windows *windows, simtime now)
{
    while (windows->next_change < windows->n_changes && windows->changes[windows->next_change].time <= now) {
        const struct state_change *change = &windows->changes[windows->next_change++];
        router_update(windows->cluster->router, change->instance, &change->state);
    }
}

static void lower(simtime *bound, simtime time)
{
    *bound = time < *bound ? time : *bound;
}

void windows_expect(struct windows *windows, uint32_t instance, simtime event, simtime effect)
{
    struct partition *partition = windows_partition(windows, instance);
    lower(&partition->effect, effect);
    lower(&partition->until, event);
    lower(&windows->effects[instance], effect);
    lower(&windows->quiet[instance].until, event);
}

struct dispatch windows_dispatch(const struct windows *windows, uint32_t slot, uint64_t key, simtime service,
                                 simtime now)
{
    return (struct dispatch){.slot = slot,
                             .next = NO_DISPATCH,
                             .key = key,
                             .arrival = window_later(now, windows->cluster->settings.dispatch_latency),
                             .effect = window_later(now, service),
                             .start = -1};
}

void windows_add_dispatch(struct windows *windows, uint32_t instance, const struct dispatch *dispatch)
{
    windows->dispatches = mem_grow(windows->dispatches, &windows->dispatch_capacity, windows->n_dispatches + 1,
                                   sizeof *windows->dispatches);
    const uint32_t index = (uint32_t)windows->n_dispatches++;
    windows->dispatches[index] = *dispatch;
    if (windows->first_dispatch[instance] == NO_DISPATCH) {
        windows->first_dispatch[instance] = index;
    } else {
        windows->dispatches[windows->last_dispatch[instance]].next = index;
    }
    windows->last_dispatch[instance] = index;
    windows_partition(windows, instance)->has_dispatches = true;
    windows_expect(windows, instance, dispatch->arrival, dispatch->effect);
}

static void add_migrant(struct windows *windows, uint32_t from, uint32_t to, uint32_t slot)
{
    windows->migrants =
        mem_grow(windows->migrants, &windows->migrant_capacity, windows->n_migrants + 1, sizeof *windows->migrants);
    windows->migrants[windows->n_migrants++] =
        (struct migrant){.from = from, .to = to, .slot = slot, .dispatch = (uint32_t)windows->n_dispatches};
}

/* Chooses the instance of a turn; ASIM_HELD: it stays at the gateway; ASIM_NONE ends the run. */
static uint32_t choose(struct windows *windows, const struct ready_turn *turn, struct dispatch *out,
                       struct window_end *end)
{
    struct cluster *cluster = windows->cluster;
    windows_see_changes(windows, turn->time);
    *out = windows_dispatch(windows, turn->slot, turn->key, turn->service, turn->time);
    if (windows->homing) {
        homes_before(windows, turn, end);
    }
    if (windows->exact && windows->gateway) {
        gateway_tell(windows->gateway, turn->time);
    }
    const uint32_t chosen = ring_route(cluster, turn);
    if (chosen == ASIM_NONE) {
        policy_fault_report(router_fault(cluster->router), windows->diag);
        windows->failed = true;
    }
    return chosen;
}

/* The turn will be at the instance, on this rank or another: that may bring the end of the window nearer. */
static void bound_by(struct windows *windows, uint32_t chosen, const struct dispatch *dispatch, struct window_end *end)
{
    if (windows->homing) {
        homes_after(windows, chosen, dispatch->effect, end);
    } else {
        window_close(end, dispatch->effect, 0, WINDOW_TURN);
    }
}

/* Routes a turn whose program is on rank `from`, and sends it there. */
static void dispatch(struct windows *windows, const struct ready_turn *turn, uint32_t from, struct window_end *end)
{
    struct cluster *cluster = windows->cluster;
    struct dispatch dispatch;
    const uint32_t chosen = choose(windows, turn, &dispatch, end);
    if (chosen == ASIM_NONE || chosen == ASIM_HELD) {
        return;
    }
    const uint32_t to = cluster_rank_of(cluster, chosen);
    if (from != to) {
        add_migrant(windows, from, to, turn->slot);
    }
    if (to == cluster->rank) {
        windows_add_dispatch(windows, chosen, &dispatch);
        cluster->events++;
    }
    bound_by(windows, chosen, &dispatch, end);
}

/* Every rank has prepared the first program in line; only the one that its first turn goes to keeps it. */
static void dispatch_first(struct windows *windows, const struct ready_turn *turn, uint32_t client,
                           struct window_end *end)
{
    struct cluster *cluster = windows->cluster;
    struct dispatch dispatch;
    const uint32_t chosen = choose(windows, turn, &dispatch, end);
    if (chosen == ASIM_HELD) {
        orchestrator_start(cluster->orchestrator, turn->slot, turn->time, client);
        return;
    }
    if (chosen != ASIM_NONE && cluster_rank_of(cluster, chosen) == cluster->rank) {
        dispatch.start = turn->time;
        dispatch.client = client;
        windows_add_dispatch(windows, chosen, &dispatch);
        cluster->events++;
    } else {
        orchestrator_give_slot(cluster->orchestrator, turn->slot);
    }
    if (chosen != ASIM_NONE) {
        bound_by(windows, chosen, &dispatch, end);
    }
}

/* A program that starts with several turns. Any of them may be delivered first, so it starts here. */
static void dispatch_roots(struct windows *windows, uint32_t slot, uint32_t roots, simtime time, uint32_t client,
                           struct window_end *end)
{
    const struct cluster *cluster = windows->cluster;
    struct ready_turn turn = orchestrator_start(cluster->orchestrator, slot, time, client);
    dispatch(windows, &turn, cluster->rank, end);
    for (uint32_t root = 1; root < roots; root++) {
        turn = orchestrator_root(cluster->orchestrator, slot, root);
        dispatch(windows, &turn, cluster->rank, end);
    }
}

/* The first program in line starts, and with it comes the one behind it. */
static void start(struct windows *windows, simtime time, struct window_end *end)
{
    struct ready_turn turn;
    uint32_t client;
    windows->cluster->events += windows->cluster->rank == 0;
    const uint32_t roots = line_start(windows, time, &turn, &client);
    close_by_line(windows, end);
    if (roots == 1) {
        dispatch_first(windows, &turn, client, end);
    } else if (roots) {
        dispatch_roots(windows, turn.slot, roots, time, client, end);
    }
}

/* Whether what the gateway has to do comes before the next program that starts, and the next turn that is due. */
static bool is_first(simtime back, uint64_t back_key, simtime next, uint64_t key, const struct calendar_entry *due)
{
    return back != SIMTIME_NEVER && (back < next || (back == next && back_key <= key)) &&
           (!due || back < due->time || (back == due->time && back_key <= due->tie));
}

/* Routes what is ready before the end of the window, which each turn may bring nearer. */
static void route(struct windows *windows, struct window_end *end)
{
    while (!windows->failed) {
        const struct calendar_entry *due =
            windows->known_next < windows->known.n ? &windows->known.entries[windows->known_next] : NULL;
        uint64_t key = 0;
        uint64_t back_key = 0;
        const simtime next = line_next(windows, &key);
        const simtime back = windows->gateway ? tick_next(windows, &back_key) : SIMTIME_NEVER;
        if (is_first(back, back_key, next, key, due)) {
            if (!window_has(end, back, back_key)) {
                return;
            }
            tick_pass(windows, end);
        } else if (next != SIMTIME_NEVER && (!due || next < due->time || (next == due->time && key < due->tie))) {
            if (!window_has(end, next, key)) {
                return;
            }
            start(windows, next, end);
        } else if (due && window_has(end, due->time, due->tie)) {
            const struct ready_turn turn = {.time = due->time,
                                            .key = due->tie,
                                            .slot = (uint32_t)due->a,
                                            .home = place_home(due->a),
                                            .service = due->b};
            if (windows->homing && !homes_can_decide(windows, &turn)) {
                window_close(end, due->time, due->tie, WINDOW_TURN);
                windows->resolving = true;
                return;
            }
            windows->known_next++;
            dispatch(windows, &turn, place_rank(due->a), end);
        } else {
            return;
        }
    }
}

/* ---- what the threads are to do ---- */

/* The first telemetry instant at or after `time`. */
static simtime instant_after(const struct windows *windows, simtime time)
{
    const simtime over = time % windows->period;
    return over ? window_later(time, windows->period - over) : time;
}

simtime windows_reach(const struct windows *windows, simtime end)
{
    simtime reach = window_later(end, windows->cluster->settings.dispatch_latency);
    reach = simtime_least(reach, windows->cut.time);
    /* No instance passes two telemetry instants before it is asked for its state at the first. */
    return windows->exact ? reach : simtime_least(reach, window_later(instant_after(windows, end), windows->period));
}

/* Up to where turns become due in the next window: it cannot end later. */
static simtime next_horizon(const struct windows *windows)
{
    const simtime end = windows->end.time;
    const simtime limit = windows->cluster->settings.window;
    simtime horizon = window_later(end, windows->period);
    if (windows->sees_instances && windows->end.rule != WINDOW_TELEMETRY) {
        horizon = router_next_snapshot(windows->cluster->router);
    }
    if (limit != SETTING_UNSET_TIME && window_later(end, limit) < horizon) {
        horizon = window_later(end, limit);
    }
    return horizon;
}

/* How far instances advance, which of them, and up to where turns become due. */
static void plan_work(struct windows *windows)
{
    const simtime end = windows->end.time;
    const bool closing = windows->end.rule == WINDOW_TELEMETRY; /* never with exact views */
    windows->instant = closing ? end : -1;
    windows->touch_all = closing || windows->end.rule >= WINDOW_RESIDENCY;
    windows->deliver_all = windows->touch_all || windows->exact || windows->n_dispatches > MOST_DISPATCHES;
    windows->advance_to = end;
    if (windows->end.rule == WINDOW_STOP) {
        return;
    }
    windows->advance_to = windows_reach(windows, end);
    windows->horizon = windows->next_horizon;
    if (windows->exact) {
        windows->next_horizon = windows->advance_to;
        return;
    }
    windows->next_horizon = next_horizon(windows);
    windows->home_horizon =
        closing ? window_later(end, windows->period) : router_next_snapshot(windows->cluster->router);
    windows->touch_before = windows->next_horizon;
}

static int by_cost(const void *left, const void *right)
{
    const struct partition *const a = *(struct partition *const *)left;
    const struct partition *const b = *(struct partition *const *)right;
    if (a->cost != b->cost) {
        return a->cost > b->cost ? -1 : 1;
    }
    return (a->first > b->first) - (a->first < b->first);
}

/* Threads claim what took longest first, so that they end together. */
static void plan_tasks(struct windows *windows)
{
    const uint32_t to_prepare = windows->n_upcoming - windows->n_prepared;
    windows->n_prepare_tasks = (to_prepare + PREPARE_BATCH - 1) / PREPARE_BATCH;
    atomic_store_explicit(&windows->next_prepare, 0, memory_order_relaxed);
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        if (windows->n_lanes > 1 && windows->window % PULSE_WINDOWS == 0) {
            qsort(lane->order, lane->n_order, sizeof *lane->order, by_cost);
        }
        atomic_store_explicit(&lane->next_partition, 0, memory_order_relaxed);
    }
}

/* ---- what it costs ---- */

/* Adds what the last window cost to the statistics. */
static void account(struct windows *windows)
{
    struct engine_stats *stats = windows->stats;
    struct window_cost *cost = &windows->cost;
    uint64_t most = 0;
    uint64_t prepare_ns = 0;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        cost->work_ns += lane->work_ns;
        if (lane->most_to_do > most) {
            most = lane->most_to_do;
            cost->longest_ns = lane->longest_ns;
        }
        prepare_ns = lane->prepare_ns > prepare_ns ? lane->prepare_ns : prepare_ns;
        cost->allocations += lane->allocations;
        stats->instances_touched += lane->touched;
        lane->touched = 0;
    }
    cost->longest_ns = prepare_ns > cost->longest_ns ? prepare_ns : cost->longest_ns;
    engine_stats_add(stats, cost);
    stats->closed_by[windows->end.rule]++;
}

/* The window is [start, end). */
static void account_lookahead(struct engine_stats *stats, simtime start, simtime end)
{
    if (end == SIMTIME_NEVER || end <= start) {
        return;
    }
    stats->lookaheads++;
    stats->lookahead_sum += (unsigned __int128)(end - start);
    stats->lookahead_least = end - start < stats->lookahead_least ? end - start : stats->lookahead_least;
}

/* ---- one window after another ---- */

static bool is_over(const struct windows *windows)
{
    return windows->failed || windows->stopped || windows->end.rule == WINDOW_STOP;
}

static void open_next(struct windows *windows)
{
    windows->resolving = false;
    struct window_end end = bound_window(windows);
    const uint64_t started = windows->stats ? engine_stats_clock() : 0;
    const size_t dispatches = windows->n_dispatches;
    gather_turns(windows, &end);
    route(windows, &end);
    gather_migrants(windows);
    if (windows->stats) {
        windows->cost.routing_ns = engine_stats_clock() - started;
        account_lookahead(windows->stats, windows->end.time, end.time);
        windows->stats->turns_routed += windows->n_dispatches - dispatches;
    }
    windows->end = end;
    plan_work(windows);
    if (windows->touch_all || windows->resolving) {
        windows->resolved = end.time;
    }
    line_up(windows, window_later(end.time, 2 * windows->period));
    plan_tasks(windows);
}

static void pulse(struct windows *windows)
{
    struct cluster *cluster = windows->cluster;
    recorders_bound(cluster->recorders, cluster->n_recorders);
    cluster->now = windows->end.time == SIMTIME_NEVER ? cluster->now : windows->end.time;
    windows->stopped = windows->pulse && windows->pulse(windows->user, cluster);
}

void windows_set_cut(struct windows *windows)
{
    const struct cluster *cluster = windows->cluster;
    const simtime stop = cluster->settings.stop_at;
    windows->cut = (struct window_end){.time = stop == SETTING_UNSET_TIME ? SIMTIME_NEVER : stop, .rule = WINDOW_STOP};
    window_close(&windows->cut, cluster_next_residency(cluster), 0, WINDOW_RESIDENCY);
}

/* The last window ended at the cut. A telemetry instant there comes after it, since what happens at the instant belongs
 * to a snapshot. */
static void pass_cut(struct windows *windows)
{
    struct cluster *cluster = windows->cluster;
    const simtime next = cluster_next_residency(cluster);
    if (next == SIMTIME_NEVER || windows->end.time != next) {
        return;
    }
    residency_table_take(cluster->residency, cluster, windows->has_next || windows->n_upcoming);
    windows_set_cut(windows);
}

void windows_open(void *argument)
{
    struct windows *windows = argument;
    if (windows->stats && windows->window) {
        account(windows);
    }
    const uint64_t started = windows->stats ? engine_stats_clock() : 0;
    const uint64_t calls = mem_calls();
    windows->cost = (struct window_cost){0};
    windows->n_prepared = windows->n_upcoming;
    windows->n_dispatches = windows->deliver_all ? 0 : windows->n_dispatches;
    if (++windows->window % PULSE_WINDOWS == 0) {
        pulse(windows);
    }
    const bool is_saved = checkpoint_is_due(windows);
    if (is_saved) {
        windows_catch_up(windows);
    }
    gather_window(windows);
    if (windows->end.rule >= WINDOW_RESIDENCY && !windows->failed) {
        pass_cut(windows);
    }
    windows->done = is_over(windows);
    if (is_saved && !windows->failed) {
        checkpoint_write(windows);
    }
    if (!windows->done) {
        open_next(windows);
    }
    windows->cost.allocations = mem_calls() - calls;
    windows->cost.serial_ns = windows->stats ? engine_stats_clock() - started : 0;
}
