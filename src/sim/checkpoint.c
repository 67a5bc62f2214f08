#include "sim/checkpoint.h"

#include "base/mem.h"
#include "instance/checkpoint.h"
#include "orchestrator/checkpoint.h"
#include "pdes/calendar_sort.h"
#include "sim/checkpoint_line.h"
#include "sim/windows.h"

#include <inttypes.h>
#include <sys/stat.h>

enum { SECTION_VERSION = 1, TURNS_VERSION = 2, INSTANCES_VERSION = 5, RECORDERS_VERSION = 2 };

/* Bytes of a turn in a gap. */
enum { TURN_BYTES = 12 };

/* ---- position ---- */

static void save_position(const struct windows *windows, struct store_writer *writer)
{
    const struct cluster *cluster = windows->cluster;
    store_begin(writer, "position", SECTION_VERSION);
    store_put_i64(writer, windows->end.time);
    store_put_u64(writer, windows->end.key);
    store_put_i64(writer, windows->advance_to);
    store_put_i64(writer, cluster->now);
    store_put_u64(writer, cluster->events);
    store_put_u64(writer, cluster->programs.started);
    store_put_u64(writer, cluster->programs.dropped);
    store_put_u64(writer, cluster->programs.truncated);
    store_end(writer);
}

/* Turns become due anew: those before `next_horizon` at once, which with exact views must be all that are known. */
static void load_position(struct windows *windows, struct store_reader *reader)
{
    struct cluster *cluster = windows->cluster;
    store_enter(reader, "position", SECTION_VERSION);
    windows->end.time = store_get_i64(reader);
    windows->end.key = store_get_u64(reader);
    windows->advance_to = store_get_i64(reader);
    cluster->now = store_get_i64(reader);
    cluster->events = store_get_u64(reader);
    cluster->programs.started = store_get_u64(reader);
    cluster->programs.dropped = store_get_u64(reader);
    cluster->programs.truncated = store_get_u64(reader);
    if (!checkpoint_time(windows->end.time) || windows->advance_to < windows->end.time ||
        windows->advance_to - windows->end.time > cluster->settings.dispatch_latency ||
        !checkpoint_time(cluster->now)) {
        store_refuse(reader, "%" PRId64 " ps (instances at %" PRId64 " ps) is no place to go on from",
                     windows->end.time, windows->advance_to);
    }
    windows->next_horizon = windows->exact ? windows->advance_to : windows->end.time;
    windows->instant = -1;
    store_leave(reader);
}

/* Telemetry is asked for at the first instant after the position. */
static bool load_router(struct windows *windows, struct store_reader *reader)
{
    if (!router_load(windows->cluster->router, reader)) {
        return false;
    }
    const simtime instant = router_next_snapshot(windows->cluster->router);
    if (windows->sees_instances && !windows->exact &&
        (instant < windows->end.time || instant - windows->end.time > windows->period)) {
        store_refuse(reader, "telemetry of %" PRId64 " ps is expected at %" PRId64 " ps", instant, windows->end.time);
    }
    return !store_failed(reader);
}

/* ---- turns in a gap ---- */

static uint64_t count_ready(const struct windows *windows)
{
    uint64_t n = windows->known.n - windows->known_next;
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        const struct lane *lane = &windows->lanes[i];
        n += lane->due.n - lane->due_next + calendar_count(&lane->ready);
    }
    for (uint32_t i = 0; windows->homing && i < windows->cluster->plan.n_instances; i++) {
        n += homes_count(windows, i);
    }
    return n;
}

/* When a turn is ready follows from its program. */
static void save_entries(const struct calendar_entry *entries, size_t n, struct store_writer *writer)
{
    for (size_t i = 0; i < n; i++) {
        store_put_u32(writer, (uint32_t)entries[i].a);
        store_put_u32(writer, ready_turn_number(entries[i].tie));
        store_put_u32(writer, place_home(entries[i].a));
    }
}

static void save_turn(const struct heap_entry *entry, uint32_t home, struct store_writer *writer)
{
    store_put_u32(writer, (uint32_t)entry->payload);
    store_put_u32(writer, ready_turn_number(entry->tie));
    store_put_u32(writer, home);
}

static void save_home(const struct windows *windows, uint32_t index, struct store_writer *writer)
{
    const struct home *home = &windows->homes[index];
    for (uint32_t i = home->delivered; i < home->n_near; i++) {
        save_turn(&home->near[i], index, writer);
    }
    for (size_t i = 0; i < home->later.n; i++) {
        save_turn(&home->later.entries[i], index, writer);
    }
}

static void save_turns(const struct windows *windows, struct store_writer *writer)
{
    struct calendar_batch batch;
    calendar_batch_init(&batch);
    store_begin(writer, "turns", TURNS_VERSION);
    store_put_u64(writer, count_ready(windows));
    save_entries(windows->known.entries + windows->known_next, windows->known.n - windows->known_next, writer);
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        const struct lane *lane = &windows->lanes[i];
        save_entries(lane->due.entries + lane->due_next, lane->due.n - lane->due_next, writer);
        calendar_list(&lane->ready, &batch);
        save_entries(batch.entries, batch.n, writer);
    }
    for (uint32_t i = 0; windows->homing && i < windows->cluster->plan.n_instances; i++) {
        save_home(windows, i, writer);
    }
    store_end(writer);
    calendar_batch_fini(&batch);
}

/* What is known of the programs in progress while they are loaded. */
struct loader {
    struct windows *windows;
    struct store_reader *reader;
    uint64_t *first_turn; /* by slot, and one more: where its turns begin in */
    bool *placed;         /* a turn has been found, at an instance or in a gap */
    uint32_t n_slots;
    uint64_t n_programs, n_placed;
};

static void loader_init(struct loader *loader)
{
    const struct orchestrator *orchestrator = loader->windows->cluster->orchestrator;
    loader->n_slots = orchestrator_slots(orchestrator);
    loader->first_turn = mem_zalloc(((size_t)loader->n_slots + 1) * sizeof *loader->first_turn);
    for (uint32_t slot = 0; slot < loader->n_slots; slot++) {
        loader->first_turn[slot + 1] = loader->first_turn[slot] + orchestrator_turns(orchestrator, slot);
        loader->n_programs += orchestrator_in_progress(orchestrator, slot);
    }
    loader->placed = mem_zalloc((loader->first_turn[loader->n_slots] + 1) * sizeof *loader->placed);
}

static void loader_fini(struct loader *loader)
{
    mem_free(loader->first_turn);
    mem_free(loader->placed);
}

/* The turn is somewhere, and nowhere else. */
static bool place(struct loader *loader, uint32_t slot, uint32_t turn)
{
    if (!orchestrator_is_live(loader->windows->cluster->orchestrator, slot, turn) ||
        loader->placed[loader->first_turn[slot] + turn]) {
        return false;
    }
    loader->placed[loader->first_turn[slot] + turn] = true;
    loader->n_placed++;
    return true;
}

/* Of a turn at the gateway. */
static bool lend_to_gateway(void *user, struct gateway_turn *turn, uint32_t number)
{
    struct loader *loader = user;
    const struct cluster *cluster = loader->windows->cluster;
    if (!place(loader, turn->slot, number)) {
        return false;
    }
    const struct ready_turn ready = orchestrator_ready(cluster->orchestrator, turn->slot, number, turn->home);
    uint32_t prompt_toks;
    orchestrator_prompt(cluster->orchestrator, turn->slot, number, &prompt_toks);
    turn->key = ready.key;
    turn->service = ready.service;
    return ready.time <= turn->time && (uint64_t)turn->kv_blocks * cluster->plan.engine.block_size < prompt_toks;
}

static void load_gateway(struct loader *loader)
{
    struct windows *windows = loader->windows;
    if (windows->gateway &&
        gateway_load(windows->gateway, windows->end.time, lend_to_gateway, loader, loader->reader) &&
        gateway_first_return(windows->gateway, &(uint64_t){0}) < windows->end.time) {
        store_refuse(loader->reader, "a turn was back at the gateway before %" PRId64 " ps", windows->end.time);
    }
}

static void load_turn(struct loader *loader, uint64_t index)
{
    struct windows *windows = loader->windows;
    struct store_reader *reader = loader->reader;
    const uint32_t slot = store_get_u32(reader);
    const uint32_t number = store_get_u32(reader);
    const uint32_t home = store_get_u32(reader);
    const bool sound = home == NO_HOME || home < windows->cluster->plan.n_instances;
    if (store_failed(reader) || !sound || !place(loader, slot, number)) {
        store_refuse(reader, "turn %" PRIu32 " in slot %" PRIu32 " after one at instance %" PRIu32 " makes no sense",
                     number, slot, home);
        return;
    }
    const struct ready_turn turn = orchestrator_ready(windows->cluster->orchestrator, slot, number, home);
    if (turn.time < windows->end.time) {
        store_refuse(reader, "the turn in slot %" PRIu32 " is ready at %" PRId64 " ps, before %" PRId64 " ps", slot,
                     turn.time, windows->end.time);
        return;
    }
    if (windows->homing && turn.home != NO_HOME) {
        homes_keep(windows, &windows->lanes[0], &turn);
        return;
    }
    const struct calendar_entry entry = {.time = turn.time,
                                         .tie = turn.key,
                                         .a = place_pack(windows->cluster->rank, turn.home, turn.slot),
                                         .b = turn.service};
    struct lane *lane = &windows->lanes[index % windows->n_lanes];
    if (turn.time < windows->next_horizon) {
        lane->due.entries =
            mem_grow(lane->due.entries, &lane->due.capacity, lane->due.n + 1, sizeof *lane->due.entries);
        lane->due.entries[lane->due.n++] = entry;
    } else {
        calendar_push(&lane->ready, entry);
    }
}

static void load_turns(struct loader *loader)
{
    struct windows *windows = loader->windows;
    struct store_reader *reader = loader->reader;
    store_enter(reader, "turns", TURNS_VERSION);
    const uint64_t n = store_get_count(reader, TURN_BYTES);
    windows->home_horizon = windows->end.time;
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        load_turn(loader, i);
    }
    if (windows->homing) {
        homes_resume(windows);
    }
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct due *due = &windows->lanes[i].due;
        struct calendar_entry *scratch = mem_alloc(due->n * sizeof *scratch);
        calendar_sort(due->entries, due->n, scratch);
        mem_free(scratch);
    }
    const uint64_t live = loader->n_programs + orchestrator_turns_beside(windows->cluster->orchestrator);
    if (live != loader->n_placed) {
        store_refuse(reader, "%" PRIu64 " of %" PRIu64 " turns of programs in progress are nowhere",
                     live - loader->n_placed, live);
    }
    store_leave(reader);
}

/* ---- instances ---- */

/* The node of an instance, where there are tiers. */
static struct node **node_of(const struct cluster *cluster, uint32_t instance)
{
    return &cluster->nodes[instance / cluster->plan.tiers.node_instances];
}

/* Whether the instance is the last one of a node. */
static bool node_ends_with(const struct cluster *cluster, uint32_t instance)
{
    return cluster->plan.tiers.n_tiers &&
           (instance + 1 == cluster->plan.n_instances || (instance + 1) % cluster->plan.tiers.node_instances == 0);
}

static void save_instances(const struct cluster *cluster, struct store_writer *writer)
{
    store_begin(writer, "instances", INSTANCES_VERSION);
    store_put_u32(writer, cluster->plan.n_instances);
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        instance_save(cluster->instances[i], writer);
        if (node_ends_with(cluster, i)) {
            node_save(*node_of(cluster, i), writer);
        }
    }
    store_end(writer);
}

static bool lend(void *user, uint32_t slot, uint32_t number, struct turn_arrival *turn)
{
    struct loader *loader = user;
    const struct windows *windows = loader->windows;
    if (!place(loader, slot, number)) {
        return false;
    }
    *turn = ring_arrival(windows->cluster, slot, number, true);
    return turn->ready <= windows->end.time;
}

/* Bounds reach five days beyond an instance's time: one that does not may not lie in what has been routed. */
#define FARTHEST (INT64_C(5) * 86400 * SIMTIME_S)

static void load_instance(struct loader *loader, uint32_t index)
{
    struct windows *windows = loader->windows;
    const struct cluster *cluster = windows->cluster;
    struct instance *instance = cluster->instances[index];
    if (!instance_load(instance, loader->reader, lend, loader)) {
        return;
    }
    const simtime next = instance_next(instance).time;
    const simtime effect = instance_earliest_effect(instance);
    /* With exact views an instance where nothing happens is not visited, and its bound stays behind. */
    const bool late = windows->exact ? next < windows->advance_to
                                     : (effect < windows->end.time && effect - next < FARTHEST) ||
                                           instance_kept_instant(instance) > router_next_snapshot(cluster->router);
    if (late || instance_turns_delivered(instance) != router_sent(cluster->router, index)) {
        store_refuse(loader->reader,
                     "instance %" PRIu32 " is at %" PRId64 " ps and was sent %" PRIu64
                     " turns; expected: not before %" PRId64 " ps, %" PRIu64,
                     index, next, instance_turns_delivered(instance), windows->end.time,
                     router_sent(cluster->router, index));
    }
    windows->effects[index] = effect < windows->end.time ? windows->end.time : effect;
    windows->quiet[index] =
        (struct quiet){.since = windows->advance_to, .until = next, .state = instance_state(instance)};
}

static void load_instances(struct loader *loader)
{
    struct windows *windows = loader->windows;
    struct store_reader *reader = loader->reader;
    store_enter(reader, "instances", INSTANCES_VERSION);
    const uint32_t n = store_get_u32(reader);
    if (n != windows->cluster->plan.n_instances) {
        store_refuse(reader, "%" PRIu32 " instances; expected %" PRIu32, n, windows->cluster->plan.n_instances);
    }
    for (uint32_t i = 0; i < n && !store_failed(reader); i++) {
        load_instance(loader, i);
        const struct cluster *cluster = windows->cluster;
        if (!store_failed(reader) && node_ends_with(cluster, i)) {
            node_load(*node_of(cluster, i), reader);
        } else if (store_failed(reader) && cluster->plan.tiers.n_tiers) {
            node_forsake(*node_of(cluster, i));
        }
    }
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        struct partition *partition = &windows->partitions[i];
        for (uint32_t k = partition->first; k < partition->first + partition->n; k++) {
            partition->effect = windows->effects[k] < partition->effect ? windows->effects[k] : partition->effect;
        }
    }
    store_leave(reader);
}

/* ---- recorders ---- */

static void save_recorders(const struct cluster *cluster, struct store_writer *writer)
{
    store_begin(writer, "recorders", RECORDERS_VERSION);
    store_put_u32(writer, cluster->n_recorders);
    store_end(writer);
    for (uint32_t i = 0; i < cluster->n_recorders; i++) {
        recorder_save(cluster->recorders[i], writer);
    }
}

/* All are merged into the first: it does not matter who heard of a turn. */
static void load_recorders(struct loader *loader)
{
    struct cluster *cluster = loader->windows->cluster;
    struct store_reader *reader = loader->reader;
    store_enter(reader, "recorders", RECORDERS_VERSION);
    const uint32_t n = store_get_u32(reader);
    store_leave(reader);
    for (uint32_t i = 0; i < n && !store_failed(reader); i++) {
        struct recorder *recorder = cluster_new_recorder(&cluster->settings);
        if (recorder_load(recorder, reader)) {
            recorder_merge(cluster->recorders[0], recorder);
        }
        recorder_destroy(recorder);
    }
    if (!store_failed(reader) && (cluster->programs.started < cluster_programs_done(cluster) ||
                                  cluster_in_progress(cluster) != loader->n_programs)) {
        store_refuse(reader, "%" PRIu64 " programs started, %" PRIu64 " are in progress, and %" PRIu64 " have ended",
                     cluster->programs.started, loader->n_programs, cluster_programs_done(cluster));
    }
    const struct gateway *gateway = loader->windows->gateway;
    if (!store_failed(reader) && gateway && gateway_programs_ended(gateway) != cluster_programs_done(cluster)) {
        store_refuse(reader, "the router knows of %" PRIu64 " programs that ended, of %" PRIu64,
                     gateway_programs_ended(gateway), cluster_programs_done(cluster));
    }
}

/* ---- all ---- */

bool checkpoint_load(struct windows *windows)
{
    struct checkpoints *checkpoints = windows->checkpoints;
    struct cluster *cluster = windows->cluster;
    struct loader loader = {.windows = windows, .reader = checkpoints->resume};
    checkpoints->resume = NULL;
    load_position(windows, loader.reader);
    if (!store_failed(loader.reader) &&
        orchestrator_load(cluster->orchestrator, cluster->plan.n_instances, loader.reader) &&
        load_router(windows, loader.reader)) {
        loader_init(&loader);
        load_gateway(&loader);
        load_instances(&loader);
        load_turns(&loader);
        checkpoint_load_line(windows, loader.reader, loader.n_programs);
        load_recorders(&loader);
        loader_fini(&loader);
    }
    checkpoints->resumed_at = windows->end.time;
    checkpoints->resumed_turns = cluster_turns_done(cluster);
    cluster_add_steps(cluster, &checkpoints->resumed_steps, &checkpoints->resumed_fast_forwarded);
    return store_close(loader.reader) == ASIM_OK && windows->diag->status == ASIM_OK;
}

static asim_status write_file(const struct windows *windows, struct diag *diag)
{
    const struct cluster *cluster = windows->cluster;
    const struct checkpoints *checkpoints = windows->checkpoints;
    struct store_writer *writer = store_create(checkpoints->file, diag);
    if (!writer) {
        return diag->status;
    }
    checkpoint_save_header(&cluster->settings, &checkpoints->inputs, writer);
    save_position(windows, writer);
    orchestrator_save(cluster->orchestrator, writer);
    router_save(cluster->router, writer);
    if (windows->gateway) {
        gateway_save(windows->gateway, writer);
    }
    save_instances(cluster, writer);
    save_turns(windows, writer);
    checkpoint_save_line(windows, writer);
    save_recorders(cluster, writer);
    return store_commit(writer, diag);
}

bool checkpoint_is_due(const struct windows *windows)
{
    const struct checkpoints *checkpoints = windows->checkpoints;
    return checkpoints && checkpoints->file && !windows->failed && windows->end.rule != WINDOW_STOP &&
           (windows->stopped || (checkpoints->is_due && checkpoints->is_due(checkpoints->user)));
}

void checkpoint_write(struct windows *windows)
{
    windows_deliver_rest(windows); /* instances are saved with what is on its way to them */
    struct checkpoints *checkpoints = windows->checkpoints;
    struct diag diag;
    diag_init(&diag);
    checkpoints->prepared = checkpoints->prepared || !checkpoints->prepare || checkpoints->prepare(checkpoints->user);
    const uint64_t started = engine_stats_clock();
    struct stat facts;
    if (checkpoints->prepared && write_file(windows, &diag) == ASIM_OK) {
        checkpoints->last_ns = engine_stats_clock() - started;
        checkpoints->longest_ns =
            checkpoints->last_ns > checkpoints->longest_ns ? checkpoints->last_ns : checkpoints->longest_ns;
        checkpoints->bytes = stat(checkpoints->file, &facts) == 0 ? (uint64_t)facts.st_size : 0;
        checkpoints->n_written++;
    } else if (!checkpoints->has_failed) {
        checkpoints->has_failed = true;
        diag_warning(windows->diag, (struct diag_where){0}, "a checkpoint could not be written: %s",
                     diag.n_entries ? diag.entries[0].text : checkpoints->file);
    }
    diag_fini(&diag);
}
