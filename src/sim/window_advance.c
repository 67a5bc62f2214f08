#include "sim/windows.h"

#include "base/mem.h"

static void take_changes(struct lane *lane, struct instance *instance)
{
    size_t n;
    const struct state_change *changes = instance_take_changes(instance, &n);
    lane->changes = mem_grow(lane->changes, &lane->changes_capacity, lane->n_changes + n, sizeof *lane->changes);
    for (size_t i = 0; i < n; i++) {
        lane->changes[lane->n_changes++] = changes[i];
    }
}

/* What the instance has come to at the end of the window. */
static inline void note_instance(struct windows *windows, struct lane *lane, uint32_t index)
{
    struct instance *instance = windows->cluster->instances[index];
    if (windows->exact) {
        take_changes(lane, instance);
    }
    lane->has_fault |= instance_fault(instance) != NULL;
    windows->effects[index] = instance_earliest_effect(instance);
    windows->quiet[index] = (struct quiet){
        .since = windows->advance_to, .until = instance_next(instance).time, .state = instance_state(instance)};
    if (windows->instant >= 0) {
        windows->snapshots[index] = instance_snapshot(instance, windows->instant);
    }
    lane->touched++;
}

/* Delivers what went home before the dispatch, or all in the window. */
static void deliver_homes(struct windows *windows, struct lane *lane, uint32_t index, const struct dispatch *dispatch)
{
    const simtime latency = windows->cluster->settings.dispatch_latency;
    struct heap_entry next;
    while (homes_next(windows, index, &next) &&
           (!dispatch || window_later(next.key, latency) < dispatch->arrival ||
            (window_later(next.key, latency) == dispatch->arrival && next.tie < dispatch->key))) {
        ring_deliver(windows->cluster, index, (uint32_t)next.payload, ready_turn_number(next.tie), 0,
                     window_later(next.key, latency), true);
        homes_deliver(windows, lane, index);
    }
}

void windows_deliver(struct windows *windows, struct lane *lane, uint32_t index)
{
    for (uint32_t at = windows->first_dispatch[index]; at != NO_DISPATCH;) {
        const struct dispatch *dispatch = &windows->dispatches[at];
        if (windows->homing) {
            deliver_homes(windows, lane, index, dispatch);
        }
        if (dispatch->start >= 0) {
            orchestrator_start(windows->cluster->orchestrator, dispatch->slot, dispatch->start, dispatch->client);
        }
        ring_deliver(windows->cluster, index, dispatch->slot, ready_turn_number(dispatch->key), dispatch->kv_blocks,
                     dispatch->arrival, true);
        at = dispatch->next;
    }
    windows->first_dispatch[index] = NO_DISPATCH;
    if (windows->homing) {
        deliver_homes(windows, lane, index, NULL);
    }
}

static struct event_key limit_of(const struct windows *windows)
{
    return windows->advance_to == SIMTIME_NEVER
               ? EVENT_NEVER
               : (struct event_key){.time = windows->advance_to, .phase = PHASE_STEP_END};
}

void windows_advance(struct windows *windows, struct lane *lane, uint32_t index)
{
    struct instance *instance = windows->cluster->instances[index];
    const struct event_key limit = limit_of(windows);
    instance_note_gaps(instance, lane->gaps, windows->cluster->settings.warmup);
    while (instance_advance(instance, limit)) {
        windows_take_ends(windows, lane, index);
        if (windows->local) {
            deliver_homes(windows, lane, index, NULL); /* those that were set off in this window */
        }
    }
    note_instance(windows, lane, index);
}

void windows_advance_group(struct windows *windows, struct lane *lane, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        windows_deliver(windows, lane, i);
        instance_note_gaps(windows->cluster->instances[i], lane->gaps, windows->cluster->settings.warmup);
    }
    uint32_t ended;
    while ((ended = ring_advance(windows->cluster, first, limit_of(windows))) != ASIM_NONE) {
        windows_take_ends(windows, lane, ended);
    }
    for (uint32_t i = first; i < first + n; i++) {
        note_instance(windows, lane, i);
    }
}

void windows_advance_early(struct windows *windows, uint32_t index, const struct window_end *end)
{
    const struct window_end last_end = windows->end;
    const simtime last_to = windows->advance_to;
    const simtime last_instant = windows->instant;
    struct partition *partition = windows_partition(windows, index);
    struct lane *lane = &windows->lanes[0];
    windows->end = *end;
    windows->advance_to = windows_reach(windows, end->time);
    windows->instant = -1;
    windows_deliver(windows, lane, index);
    windows_advance(windows, lane, index);
    homes_close(windows, lane, partition, index);
    partition->effect = simtime_least(partition->effect, windows->effects[index]);
    partition->ready = simtime_least(partition->ready, windows->ready_at_home[index]);
    partition->until = simtime_least(partition->until, windows->quiet[index].until);
    partition->observed = false;
    windows->end = last_end;
    windows->advance_to = last_to;
    windows->instant = last_instant;
}

void windows_catch_up(struct windows *windows)
{
    const struct window_end end = windows->end;
    for (uint32_t i = 0; windows->local && i < windows->cluster->plan.n_instances; i++) {
        if (windows->effects[i] < end.time) {
            windows_advance_early(windows, i, &end);
        }
    }
}

void windows_deliver_rest(struct windows *windows)
{
    for (uint32_t i = windows->cluster->first_instance; i < windows->cluster->end_instance; i++) {
        windows_deliver(windows, &windows->lanes[0], i);
    }
    if (windows->homing) {
        homes_account(windows);
    }
}
