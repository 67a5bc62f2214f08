#include "base/mem.h"
#include "base/store.h"
#include "kv/pool.h"
#include "pdes/calendar_sort.h"
#include "sim/ring.h"
#include "sim/windows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Windows between two checks of debug builds. */
enum { CHECK_WINDOWS = 256 };

static bool is_alone(const struct windows *windows)
{
    return windows->transport->n_ranks == 1;
}

void gather_destroy(struct windows *windows)
{
    mem_free(windows->known.entries);
    mem_free(windows->gathered.entries);
    mem_free(windows->scratch.entries);
    mem_free(windows->changes);
    mem_free(windows->migrants);
    mem_free(windows->states);
    transport_parts_fini(&windows->parts);
}

/* ---- what the last window left ---- */

static void fail_late(struct windows *windows)
{
    const struct late_turn *first = &windows->lanes[0].late;
    for (uint32_t i = 1; i < windows->n_lanes; i++) {
        if (late_turn_before(&windows->lanes[i].late, first)) {
            first = &windows->lanes[i].late;
        }
    }
    if (first->any) {
        orchestrator_report_late_turn(windows->cluster->orchestrator, first->slot, first->turn, windows->diag);
        windows->failed = true;
    }
}

static void gather_slots(struct windows *windows)
{
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        for (size_t k = 0; k < lane->n_freed; k++) {
            orchestrator_reuse_slot(windows->cluster->orchestrator, lane->freed[k]);
        }
        windows->cluster->events += lane->ends;
        lane->n_freed = 0;
        lane->ends = 0;
    }
}

static void gather_clients(struct windows *windows)
{
    struct lane *first = &windows->lanes[0];
    for (uint32_t i = 1; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        first->clients = mem_grow(first->clients, &first->clients_capacity, first->n_clients + lane->n_clients,
                                  sizeof *first->clients);
        for (size_t k = 0; k < lane->n_clients; k++) {
            first->clients[first->n_clients++] = lane->clients[k];
        }
        lane->n_clients = 0;
    }
    const struct heap_entry *clients = first->clients;
    size_t n = first->n_clients;
    if (!is_alone(windows)) {
        transport_gather(windows->transport, clients, n * sizeof *clients, &windows->parts);
        clients = (const struct heap_entry *)(const void *)windows->parts.bytes;
        n = windows->parts.offsets[windows->transport->n_ranks] / sizeof *clients;
    }
    for (size_t i = 0; i < n; i++) {
        heap_push(&windows->clients, clients[i]);
    }
    first->n_clients = 0;
}

static void gather_snapshots(struct windows *windows)
{
    const struct cluster *cluster = windows->cluster;
    if (windows->instant < 0) {
        return;
    }
    if (!is_alone(windows)) {
        transport_gather(windows->transport, windows->snapshots + cluster->first_instance,
                         (cluster->end_instance - cluster->first_instance) * sizeof *windows->snapshots,
                         &windows->parts);
        memcpy(windows->snapshots, windows->parts.bytes, cluster->plan.n_instances * sizeof *windows->snapshots);
    }
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        router_observe(cluster->router, i, &windows->snapshots[i]);
    }
    router_snapshots_done(cluster->router, windows->instant);
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

static void add_changes(struct windows *windows, const struct state_change *changes, size_t n)
{
    windows->changes =
        mem_grow(windows->changes, &windows->changes_capacity, windows->n_changes + n, sizeof *windows->changes);
    if (n) {
        memcpy(windows->changes + windows->n_changes, changes, n * sizeof *changes);
        windows->n_changes += n;
    }
}

/* Exact view: the changes of state that were found, in order; those not seen by a decision yet stay. */
static void gather_changes(struct windows *windows)
{
    const size_t left = windows->n_changes - windows->next_change;
    if (left) {
        memmove(windows->changes, windows->changes + windows->next_change, left * sizeof *windows->changes);
    }
    windows->n_changes = left;
    windows->next_change = 0;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        add_changes(windows, windows->lanes[i].changes, windows->lanes[i].n_changes);
        windows->lanes[i].n_changes = 0;
    }
    if (!is_alone(windows)) {
        transport_gather(windows->transport, windows->changes + left,
                         (windows->n_changes - left) * sizeof *windows->changes, &windows->parts);
        windows->n_changes = left;
        add_changes(windows, (const struct state_change *)(const void *)windows->parts.bytes,
                    windows->parts.offsets[windows->transport->n_ranks] / sizeof *windows->changes);
    }
    if (windows->n_changes > left) {
        qsort(windows->changes, windows->n_changes, sizeof *windows->changes, by_time);
    }
}

/* ---- bounds ---- */

/* The least bounds over all ranks, and whether any of them ends the run. */
static void gather_bounds(struct windows *windows)
{
    simtime effect = SIMTIME_NEVER;
    simtime event = SIMTIME_NEVER;
    simtime known = SIMTIME_NEVER;
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        const struct partition *partition = &windows->partitions[i];
        effect = simtime_least(effect, partition->effect);
        known = simtime_least(known, partition->ready);
        for (uint32_t k = 0; windows->exact && k < partition->n; k++) {
            event = simtime_least(event, windows->quiet[partition->first + k].until);
        }
    }
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        const struct lane *lane = &windows->lanes[i];
        known = simtime_least(known, lane->due_next < lane->due.n ? lane->due.entries[lane->due_next].time
                                                                  : calendar_first(&lane->ready));
    }
    int64_t values[] = {effect, event, known, !windows->failed, !windows->stopped};
    transport_min(windows->transport, values, sizeof values / sizeof values[0]);
    windows->first_effect = values[0];
    windows->first_event = values[1];
    windows->first_known = values[2];
    windows->failed = !values[3];
    windows->stopped = !values[4];
    if (windows->known_next < windows->known.n) {
        windows->first_known = simtime_least(windows->first_known, windows->known.entries[windows->known_next].time);
    }
}

#ifndef NDEBUG
/* Nothing is lost: each program in progress has one turn, a graph perhaps more, and that is ready, or inside an
 * instance. Every block of every instance is accounted for. */
static void check_conservation(const struct windows *windows)
{
    const struct cluster *cluster = windows->cluster;
    uint64_t turns = windows->known.n - windows->known_next;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        const struct lane *lane = &windows->lanes[i];
        turns += lane->due.n - lane->due_next + calendar_count(&lane->ready) + lane->late.any;
    }
    turns += windows->gateway ? gateway_turns(windows->gateway) : 0;
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
        turns += instance_turns_inside(cluster->instances[i]);
        for (uint32_t at = windows->first_dispatch[i]; at != NO_DISPATCH; at = windows->dispatches[at].next) {
            turns++;
        }
        turns += windows->homing ? homes_count(windows, i) : 0;
        instance_check(cluster->instances[i]);
        kv_pool_check(instance_pool(cluster->instances[i]));
    }
    assert(cluster->n_ranks > 1 ||
           turns == cluster_in_progress(cluster) + orchestrator_turns_beside(cluster->orchestrator));
}
#endif

static void fail_fault(struct windows *windows)
{
    bool any = false;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        any |= windows->lanes[i].has_fault;
    }
    windows->failed |= any && ring_report_fault(windows->cluster, windows->diag);
}

void gather_window(struct windows *windows)
{
    gather_slots(windows);
    fail_late(windows);
    fail_fault(windows);
    if (windows->closed) {
        gather_clients(windows);
    }
    if (windows->exact) {
        gather_changes(windows);
    } else if (windows->homing) {
        homes_gather(windows);
    } else {
        gather_snapshots(windows);
    }
    if (windows->gateway) {
        tick_gather(windows);
    }
    gather_bounds(windows);
#ifndef NDEBUG
    if (windows->window % CHECK_WINDOWS == 1 && !windows->failed) {
        check_conservation(windows);
    }
#endif
}

/* ---- turns ---- */

static void add_entries(struct due *due, const struct calendar_entry *entries, size_t n)
{
    due_reserve(due, due->n + n);
    if (n) {
        memcpy(due->entries + due->n, entries, n * sizeof *entries);
        due->n += n;
    }
}

/* Of a lane, those before `end`. */
static void add_due(struct due *out, struct lane *lane, const struct window_end *end)
{
    size_t last = lane->due_next;
    while (last < lane->due.n && window_has(end, lane->due.entries[last].time, lane->due.entries[last].tie)) {
        last++;
    }
    add_entries(out, lane->due.entries + lane->due_next, last - lane->due_next);
    lane->due_next = last;
}

void gather_turns(struct windows *windows, const struct window_end *end)
{
    struct due *gathered = &windows->gathered;
    gathered->n = 0;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        add_due(gathered, &windows->lanes[i], end);
    }
    bool sorted = windows->n_lanes == 1;
    if (!is_alone(windows)) {
        transport_gather(windows->transport, gathered->entries, gathered->n * sizeof *gathered->entries,
                         &windows->parts);
        gathered->n = 0;
        add_entries(gathered, (const struct calendar_entry *)(const void *)windows->parts.bytes,
                    windows->parts.offsets[windows->transport->n_ranks] / sizeof *gathered->entries);
        sorted = false;
    }
    /* Those left over were not routed because a window ended before them; only few ever are. */
    const size_t left = windows->known.n - windows->known_next;
    if (left) {
        add_entries(gathered, windows->known.entries + windows->known_next, left);
        sorted = false;
    }
    if (windows->homing && windows->unsure.n) {
        homes_withdraw(windows, end, gathered);
        sorted = false;
    }
    if (!sorted) {
        due_reserve(&windows->scratch, gathered->n);
        calendar_sort(gathered->entries, gathered->n, windows->scratch.entries);
    }
    const struct due swap = windows->known;
    windows->known = *gathered;
    windows->gathered = swap;
    windows->known_next = 0;
}

/* ---- programs that change ranks ---- */

/* States travel in the order of routing, so every rank knows whose each is. */
void gather_migrants(struct windows *windows)
{
    if (!windows->n_migrants) {
        return;
    }
    struct orchestrator *orchestrator = windows->cluster->orchestrator;
    const uint32_t rank = windows->transport->rank;
    size_t n = 0;
    windows->states = mem_grow(windows->states, &windows->state_capacity, windows->n_migrants, sizeof *windows->states);
    for (size_t i = 0; i < windows->n_migrants; i++) {
        const struct migrant *migrant = &windows->migrants[i];
        if (migrant->from == rank) {
            windows->states[n++] = orchestrator_state(orchestrator, migrant->slot);
            orchestrator_give_slot(orchestrator, migrant->slot);
        }
    }
    transport_gather(windows->transport, windows->states, n * sizeof *windows->states, &windows->parts);
    for (size_t i = 0; i < windows->n_migrants; i++) {
        const struct migrant *migrant = &windows->migrants[i];
        struct program_state state;
        memcpy(&state, windows->parts.bytes + windows->parts.offsets[migrant->from], sizeof state);
        windows->parts.offsets[migrant->from] += sizeof state;
        if (migrant->to == rank) {
            const uint32_t slot = orchestrator_take_slot(orchestrator);
            windows->failed |= !orchestrator_resume(orchestrator, slot, &state);
            windows->dispatches[migrant->dispatch].slot = slot;
        }
    }
    windows->n_migrants = 0;
}

/* ---- results ---- */

/* A recorder of this rank's, with what another rank's heard. */
static struct recorder *load_recorder(const struct windows *windows, void *bytes, size_t n)
{
    struct recorder *recorder = cluster_new_recorder(&windows->cluster->settings);
    FILE *stream = fmemopen(bytes, n, "rb");
    struct store_reader *reader = stream ? store_open_stream(stream, "results of another rank", windows->diag) : NULL;
    if (reader) {
        recorder_load(recorder, reader);
        store_close(reader);
    }
    return recorder;
}

void gather_recorders(struct windows *windows)
{
    struct cluster *cluster = windows->cluster;
    for (uint32_t i = 1; i < cluster->n_recorders; i++) {
        recorder_merge(cluster->recorders[0], cluster->recorders[i]);
    }
    if (is_alone(windows)) {
        return;
    }
    size_t n;
    struct store_writer *writer = store_create_memory();
    recorder_save(cluster->recorders[0], writer);
    unsigned char *bytes = store_take(writer, &n);
    transport_gather(windows->transport, bytes, n, &windows->parts);
    mem_free(bytes);
    for (uint32_t rank = 0; rank < cluster->n_ranks; rank++) {
        const size_t *offsets = windows->parts.offsets;
        if (rank != cluster->rank) {
            struct recorder *other =
                load_recorder(windows, windows->parts.bytes + offsets[rank], offsets[rank + 1] - offsets[rank]);
            recorder_merge(cluster->recorders[0], other);
            recorder_destroy(other);
        }
    }
}
