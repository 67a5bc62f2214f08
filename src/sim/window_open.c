#include "sim/windows.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Windows between two pulses. */
enum { PULSE_WINDOWS = 16 };

static bool ends_before(simtime time, uint64_t key, const struct window_end *end)
{
    return time < end->time || (time == end->time && key < end->key);
}

static void close_by(struct window_end *end, simtime time, uint64_t key, enum window_rule rule)
{
    if (ends_before(time, key, end)) {
        *end = (struct window_end){.time = time, .key = key, .rule = rule};
    }
}

/* ---- what the last window left ---- */

static void fail_late(struct windows *windows)
{
    const struct late_turn *first = NULL;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        const struct late_turn *late = &windows->lanes[i].late;
        if (late->any && (!first || late->time < first->time || (late->time == first->time && late->key < first->key))) {
            first = late;
        }
    }
    if (first) {
        orchestrator_report_late_turn(windows->cluster->orchestrator, first->slot, first->turn, windows->diag);
        windows->failed = true;
    }
}

static void collect_lanes(struct windows *windows)
{
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        for (size_t k = 0; k < lane->n_freed; k++) {
            orchestrator_give_slot(windows->cluster->orchestrator, lane->freed[k]);
        }
        for (size_t k = 0; k < lane->n_clients; k++) {
            heap_push(&windows->clients, lane->clients[k]);
        }
        windows->cluster->events += lane->ends;
        lane->n_freed = lane->n_clients = 0;
        lane->ends = 0;
    }
    fail_late(windows);
}

static void observe(struct windows *windows)
{
    if (windows->instant < 0) {
        return;
    }
    for (uint32_t i = 0; i < windows->cluster->plan.n_instances; i++) {
        router_observe(windows->cluster->router, i, &windows->snapshots[i]);
    }
    router_snapshots_done(windows->cluster->router, windows->instant);
}

static int by_time(const void *left, const void *right)
{
    const struct state_change *a = left;
    const struct state_change *b = right;
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return (a->instance > b->instance) - (a->instance < b->instance);
}

/* Exact view: the changes of state that the threads found, in order; those not seen by a decision yet stay. */
static void collect_changes(struct windows *windows)
{
    const size_t left = windows->n_changes - windows->next_change;
    size_t n = left;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        n += windows->lanes[i].n_changes;
    }
    if (left) {
        memmove(windows->changes, windows->changes + windows->next_change, left * sizeof *windows->changes);
    }
    windows->changes = mem_grow(windows->changes, &windows->changes_capacity, n, sizeof *windows->changes);
    windows->n_changes = left;
    windows->next_change = 0;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        for (size_t k = 0; k < lane->n_changes; k++) {
            windows->changes[windows->n_changes++] = lane->changes[k];
        }
        lane->n_changes = 0;
    }
    if (windows->n_changes > left) {
        qsort(windows->changes, windows->n_changes, sizeof *windows->changes, by_time);
    }
}

/* Exact view: what a decision at `now` sees. */
static void see_changes(struct windows *windows, simtime now)
{
    while (windows->next_change < windows->n_changes && windows->changes[windows->next_change].time <= now) {
        const struct state_change *change = &windows->changes[windows->next_change++];
        router_update(windows->cluster->router, change->instance, &change->state);
    }
}

/* ---- programs in line ---- */

/* Gives a slot to the programs that may start in the next windows. */
static void line_up(struct windows *windows, simtime until)
{
    const uint64_t clients = windows->cluster->settings.max_concurrency;
    const uint32_t most = windows->closed && clients < UPCOMING / 2 ? (uint32_t)(2 * clients) : UPCOMING;
    while (windows->has_next && windows->n_upcoming < most && (windows->closed || windows->next.arrival < until)) {
        struct upcoming *upcoming = windows_upcoming(windows, windows->n_upcoming++);
        upcoming->program = windows->next;
        upcoming->slot = orchestrator_take_slot(windows->cluster->orchestrator);
        windows->has_next = orchestrator_next_program(windows->cluster->orchestrator, &windows->next);
    }
}

static struct upcoming *first_prepared(const struct windows *windows)
{
    return windows->n_prepared ? windows_upcoming(windows, 0) : NULL;
}

/* The first program in line starts; false when it is dropped. */
static bool start_program(struct windows *windows, simtime time, uint32_t client, struct ready_turn *out)
{
    struct cluster *cluster = windows->cluster;
    const struct upcoming *upcoming = windows_upcoming(windows, 0);
    windows->upcoming_first = (windows->upcoming_first + 1) % UPCOMING;
    windows->n_upcoming--;
    windows->n_prepared--;
    if (upcoming->outcome == PREPARED_TOO_LONG) {
        orchestrator_report_long_prompt(cluster->orchestrator, upcoming->slot, windows->diag);
        windows->failed = true;
    }
    if (upcoming->outcome == PREPARED_DROPPED || upcoming->outcome == PREPARED_TOO_LONG) {
        cluster->programs.dropped++;
        orchestrator_give_slot(cluster->orchestrator, upcoming->slot);
        return false;
    }
    cluster->programs.started++;
    cluster->programs.truncated += upcoming->outcome == PREPARED_TRUNCATED;
    if (time >= SIMTIME_LIMIT) {
        orchestrator_report_late_turn(cluster->orchestrator, upcoming->slot, 0, windows->diag);
        windows->failed = true;
        return false;
    }
    *out = orchestrator_start(cluster->orchestrator, upcoming->slot, time, client);
    return true;
}

/* When the first program in line that is prepared can start, and its key; SIMTIME_NEVER: none can. */
static simtime next_start(const struct windows *windows, uint64_t *key)
{
    const struct upcoming *upcoming = first_prepared(windows);
    if (!upcoming || (windows->closed && !windows->clients.n)) {
        return SIMTIME_NEVER;
    }
    *key = upcoming->program.id << 24;
    return windows->closed ? orchestrator_client_ready(windows->cluster->orchestrator, heap_top(&windows->clients)->key)
                           : upcoming->program.arrival;
}

/* ---- the end of the window, and routing up to it ---- */

/* When the first program in line that is not prepared could start; SIMTIME_NEVER: there is none, or no client. */
static simtime next_unprepared(const struct windows *windows, uint64_t *key)
{
    if (windows->n_prepared == windows->n_upcoming && !windows->has_next) {
        return SIMTIME_NEVER;
    }
    if (windows->closed) {
        *key = 0;
        return !windows->n_prepared && windows->clients.n
                   ? orchestrator_client_ready(windows->cluster->orchestrator, heap_top(&windows->clients)->key)
                   : SIMTIME_NEVER;
    }
    const struct next_program *program = windows->n_prepared < windows->n_upcoming
                                             ? &windows_upcoming(windows, windows->n_prepared)->program
                                             : &windows->next;
    *key = program->id << 24;
    return program->arrival;
}

/* A lower bound of the earliest turn that is known to become ready. */
static simtime first_known(const struct windows *windows)
{
    uint64_t key;
    const simtime start = next_start(windows, &key);
    const simtime unprepared = next_unprepared(windows, &key);
    simtime first = start < unprepared ? start : unprepared;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        const struct lane *lane = &windows->lanes[i];
        const simtime time =
            lane->due_next < lane->due.n ? lane->due.entries[lane->due_next].time : calendar_first(&lane->ready);
        first = time < first ? time : first;
    }
    return first;
}

/* The next event of any instance. */
static simtime first_event(const struct windows *windows)
{
    simtime first = SIMTIME_NEVER;
    for (uint32_t i = 0; i < windows->cluster->plan.n_instances; i++) {
        first = windows->quiet[i].until < first ? windows->quiet[i].until : first;
    }
    return first;
}

/* Programs that are not prepared close the window. */
static void close_by_programs(const struct windows *windows, struct window_end *end)
{
    uint64_t key = 0;
    const simtime time = next_unprepared(windows, &key);
    close_by(end, time, key, WINDOW_PROGRAMS);
}

static simtime first_effect(const struct windows *windows)
{
    simtime effect = SIMTIME_NEVER;
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        effect = windows->partitions[i].effect < effect ? windows->partitions[i].effect : effect;
    }
    return effect;
}

static void dispatch(struct windows *windows, const struct ready_turn *turn, struct window_end *end)
{
    struct cluster *cluster = windows->cluster;
    see_changes(windows, turn->time);
    const uint32_t chosen = ring_route(cluster, turn);
    const simtime effect = turn->service < SIMTIME_NEVER - turn->time ? turn->time + turn->service : SIMTIME_NEVER;
    windows->dispatches = mem_grow(windows->dispatches, &windows->dispatch_capacity, windows->n_dispatches + 1,
                                   sizeof *windows->dispatches);
    const uint32_t index = (uint32_t)windows->n_dispatches++;
    windows->dispatches[index] = (struct dispatch){.slot = turn->slot, .next = NO_DISPATCH, .effect = effect};
    if (windows->first_dispatch[chosen] == NO_DISPATCH) {
        windows->first_dispatch[chosen] = index;
    } else {
        windows->dispatches[windows->last_dispatch[chosen]].next = index;
    }
    windows->last_dispatch[chosen] = index;
    close_by(end, effect, 0, WINDOW_TURN);
    cluster->events++;
}

/* The lane whose first due turn comes first, or NULL. */
static struct lane *first_due(const struct windows *windows)
{
    struct lane *first = NULL;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        if (lane->due_next < lane->due.n &&
            (!first || calendar_entry_before(&lane->due.entries[lane->due_next],
                                             &first->due.entries[first->due_next]))) {
            first = lane;
        }
    }
    return first;
}

/* Routes what is ready before the end of the window, which each turn may bring nearer. */
static void route(struct windows *windows, struct window_end *end)
{
    while (!windows->failed) {
        struct lane *lane = first_due(windows);
        const struct calendar_entry *due = lane ? &lane->due.entries[lane->due_next] : NULL;
        uint64_t key = 0;
        const simtime start = next_start(windows, &key);
        struct ready_turn turn;
        if (start != SIMTIME_NEVER && (!due || start < due->time || (start == due->time && key < due->tie))) {
            if (!ends_before(start, key, end)) {
                return;
            }
            const uint32_t client = windows->closed ? (uint32_t)heap_top(&windows->clients)->tie : 0;
            windows->cluster->events++;
            if (!start_program(windows, start, client, &turn)) {
                continue;
            }
            if (windows->closed) {
                heap_pop(&windows->clients);
            }
            close_by_programs(windows, end);
        } else if (due && ends_before(due->time, due->tie, end)) {
            turn = (struct ready_turn){.time = due->time,
                                       .key = due->tie,
                                       .slot = (uint32_t)due->a,
                                       .home = (uint32_t)(due->a >> 32),
                                       .service = due->b};
            lane->due_next++;
        } else {
            return;
        }
        dispatch(windows, &turn, end);
    }
}

static simtime later(simtime time, simtime duration)
{
    return time < SIMTIME_NEVER - duration ? time + duration : SIMTIME_NEVER;
}

/* The first telemetry instant at or after `time`. */
static simtime instant_after(const struct windows *windows, simtime time)
{
    const simtime over = time % windows->period;
    return over ? later(time, windows->period - over) : time;
}

/* Up to where turns become due in the next window: it cannot end later. */
static simtime next_horizon(const struct windows *windows)
{
    const simtime end = windows->end.time;
    const simtime limit = windows->cluster->settings.window;
    simtime horizon = later(end, windows->period);
    if (windows->sees_instances && windows->end.rule != WINDOW_TELEMETRY) {
        horizon = router_next_snapshot(windows->cluster->router);
    }
    if (limit != SETTING_UNSET_TIME && later(end, limit) < horizon) {
        horizon = later(end, limit);
    }
    return horizon;
}

/* Plans what the threads do: how far instances advance, which of them, and up to where turns become due. */
static void plan_work(struct windows *windows)
{
    const simtime end = windows->end.time;
    const bool closing = windows->end.rule == WINDOW_TELEMETRY; /* never with exact views */
    windows->instant = closing ? end : -1;
    windows->touch_all = closing || windows->end.rule == WINDOW_STOP;
    windows->advance_to = end;
    if (windows->end.rule == WINDOW_STOP) {
        return;
    }
    windows->advance_to = later(end, windows->cluster->settings.dispatch_latency);
    const simtime stop = windows->cluster->settings.stop_at;
    if (stop != SETTING_UNSET_TIME && windows->advance_to > stop) {
        windows->advance_to = stop;
    }
    if (windows->exact) {
        windows->horizon = windows->next_horizon;
        windows->next_horizon = windows->advance_to;
        return;
    }
    /* No instance passes two telemetry instants before it is asked for its state at the first. */
    const simtime beyond = later(instant_after(windows, end), windows->period);
    windows->advance_to = windows->advance_to < beyond ? windows->advance_to : beyond;
    windows->horizon = windows->next_horizon;
    windows->next_horizon = next_horizon(windows);
    windows->touch_before = windows->next_horizon;
}

static void plan_tasks(struct windows *windows)
{
    const uint32_t to_prepare = windows->n_upcoming - windows->n_prepared;
    windows->n_prepare_tasks = (to_prepare + PREPARE_BATCH - 1) / PREPARE_BATCH;
    windows->n_tasks = windows->n_prepare_tasks + windows->n_partitions;
    atomic_store_explicit(&windows->next_task, 0, memory_order_relaxed);
}

/* Where the window ends at the latest, before the turns routed in it are known. */
static struct window_end bound_window(const struct windows *windows)
{
    const simtime known = first_known(windows);
    const simtime effect = windows->exact ? first_event(windows) : first_effect(windows);
    const simtime first = known < effect ? known : effect;
    const simtime stop = windows->cluster->settings.stop_at;
    struct window_end end = {.time = stop == SETTING_UNSET_TIME ? SIMTIME_NEVER : stop, .rule = WINDOW_STOP};
    if (first == SIMTIME_NEVER) {
        return end;
    }
    close_by_programs(windows, &end);
    if (windows->exact) {
        /* All that happens before `advance_to` is known. */
        close_by(&end, first > windows->advance_to ? first : windows->advance_to, 0, WINDOW_EXACT);
        return end;
    }
    close_by(&end, effect, 0, WINDOW_INSTANCE);
    /* Nothing is ready before `first`: time may pass up to there at once. Turns after it become due first. */
    const simtime horizon = windows->next_horizon;
    close_by(&end, first > horizon ? first : horizon, 0, WINDOW_HORIZON);
    if (windows->sees_instances) {
        const simtime due = router_next_snapshot(windows->cluster->router);
        const simtime instant = router_wants_snapshot(windows->cluster->router, first);
        close_by(&end, instant >= 0 ? instant : due, 0, WINDOW_TELEMETRY);
        if (end.time == due && end.key == 0 && end.rule != WINDOW_STOP) {
            end.rule = WINDOW_TELEMETRY;
        }
    }
    return end;
}

static bool is_over(const struct windows *windows)
{
    return windows->failed || windows->stopped || windows->end.rule == WINDOW_STOP;
}

/* Adds what the last window cost to the statistics. */
static void account(struct windows *windows)
{
    struct engine_stats *stats = windows->stats;
    struct window_cost *cost = &windows->cost;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        cost->work_ns += lane->work_ns;
        cost->longest_ns = lane->longest_ns > cost->longest_ns ? lane->longest_ns : cost->longest_ns;
        cost->allocations += lane->allocations;
        stats->instances_touched += lane->touched;
        lane->touched = 0;
    }
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

static void open_next(struct windows *windows)
{
    const uint64_t started = windows->stats ? windows_clock() : 0;
    struct window_end end = bound_window(windows);
    route(windows, &end);
    if (windows->stats) {
        windows->cost.routing_ns = windows_clock() - started;
        account_lookahead(windows->stats, windows->end.time, end.time);
        windows->stats->turns_routed += windows->n_dispatches;
    }
    windows->end = end;
    plan_work(windows);
    line_up(windows, later(end.time, 2 * windows->period));
    plan_tasks(windows);
}

void windows_open(void *argument)
{
    struct windows *windows = argument;
    struct cluster *cluster = windows->cluster;
    const uint64_t started = windows->stats ? windows_clock() : 0;
    const uint64_t calls = mem_calls();
    if (windows->stats && windows->window) {
        account(windows);
    }
    windows->cost = (struct window_cost){0};
    collect_lanes(windows);
    if (windows->exact) {
        collect_changes(windows);
    } else {
        observe(windows);
    }
    windows->n_prepared = windows->n_upcoming;
    windows->n_dispatches = 0;
    if (++windows->window % PULSE_WINDOWS == 0) {
        recorders_bound(cluster->recorders, cluster->n_recorders);
        cluster->now = windows->end.time == SIMTIME_NEVER ? cluster->now : windows->end.time;
        windows->stopped = windows->pulse && windows->pulse(windows->user, cluster);
    }
    windows->done = is_over(windows);
    if (!windows->done) {
        open_next(windows);
    }
    windows->cost.allocations = mem_calls() - calls;
    windows->cost.serial_ns = windows->stats ? windows_clock() - started : 0;
}
