#include "sim/run_windows.h"

#include "base/instructions.h"
#include "base/mem.h"
#include "sim/windows.h"

#include <assert.h>

static void create_lanes(struct windows *windows)
{
    windows->n_lanes = team_size(windows->team);
    assert(windows->n_lanes <= windows->cluster->n_recorders);
    windows->lanes = mem_aligned(WINDOWS_CACHE_LINE, windows->n_lanes * sizeof *windows->lanes);
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        *lane = (struct lane){.recorder = windows->cluster->recorders[i],
                              .gaps = recorder_gaps(windows->cluster->recorders[i])};
        calendar_init(&lane->ready);
        calendar_batch_init(&lane->taken);
    }
}

static void create_instances(struct windows *windows)
{
    const struct cluster *cluster = windows->cluster;
    const uint32_t n = cluster->plan.n_instances;
    windows->effects = mem_alloc(n * sizeof *windows->effects);
    windows->quiet = mem_zalloc(n * sizeof *windows->quiet);
    windows->first_dispatch = mem_alloc(n * sizeof *windows->first_dispatch);
    windows->last_dispatch = mem_alloc(n * sizeof *windows->last_dispatch);
    windows->snapshots = mem_zalloc(n * sizeof *windows->snapshots);
    for (uint32_t i = 0; i < n; i++) {
        windows->effects[i] = SIMTIME_NEVER;
        windows->quiet[i].until = SIMTIME_NEVER;
        windows->first_dispatch[i] = NO_DISPATCH;
        if (windows->exact && cluster->instances[i]) {
            instance_keep_changes(cluster->instances[i]);
        }
    }
}

static void create_partitions(struct windows *windows)
{
    const struct cluster *cluster = windows->cluster;
    const uint32_t size = (uint32_t)cluster->settings.partition;
    const uint32_t n = cluster->end_instance - cluster->first_instance;
    windows->n_partitions = (n + size - 1) / size;
    windows->partitions = mem_zalloc((windows->n_partitions + 1) * sizeof *windows->partitions);
    windows->order = mem_alloc((windows->n_partitions + 1) * sizeof *windows->order);
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        const uint32_t before = i * size;
        windows->partitions[i] = (struct partition){.first = cluster->first_instance + before,
                                                    .n = n - before < size ? n - before : size,
                                                    .effect = SIMTIME_NEVER,
                                                    .until = SIMTIME_NEVER,
                                                    .ready = SIMTIME_NEVER};
        windows->order[i] = &windows->partitions[i];
    }
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        const uint32_t first = (uint32_t)((uint64_t)windows->n_partitions * i / windows->n_lanes);
        const uint32_t end = (uint32_t)((uint64_t)windows->n_partitions * (i + 1) / windows->n_lanes);
        windows->lanes[i].order = windows->order + first;
        windows->lanes[i].n_order = end - first;
    }
}

static void populate(void *argument, uint32_t thread)
{
    struct windows *windows = argument;
    const struct lane *lane = &windows->lanes[thread];
    for (uint32_t i = 0; i < lane->n_order; i++) {
        const struct partition *partition = lane->order[i];
        cluster_populate(windows->cluster, partition->first, partition->first + partition->n);
    }
}

static void destroy(struct windows *windows)
{
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        calendar_fini(&lane->ready);
        calendar_batch_fini(&lane->taken);
        mem_free(lane->due.entries);
        mem_free(lane->fresh.entries);
        mem_free(lane->scratch.entries);
        mem_free(lane->freed);
        mem_free(lane->clients);
        mem_free(lane->changes);
        mem_free(lane->told);
        mem_free(lane->unserved);
        mem_free(lane->unsure.items);
    }
    mem_free(windows->lanes);
    mem_free(windows->effects);
    mem_free(windows->quiet);
    mem_free(windows->first_dispatch);
    mem_free(windows->last_dispatch);
    mem_free(windows->snapshots);
    mem_free(windows->dispatches);
    mem_free(windows->partitions);
    mem_free(windows->order);
    homes_destroy(windows);
    line_destroy(windows);
    gather_destroy(windows);
    team_destroy(windows->team);
}

static void run_thread(void *argument, uint32_t thread)
{
    struct windows *windows = argument;
    for (;;) {
        team_meet_serial(windows->team, thread, windows_open, windows);
        if (windows->done) {
            return;
        }
        windows_work(windows, thread);
    }
}

bool run_windows(struct cluster *cluster, struct transport *transport, run_pulse pulse, void *user,
                 struct engine_stats *stats, struct diag *diag)
{
    return run_windows_saved(cluster, transport, pulse, user, stats, NULL, diag);
}

static void count_steps(const struct cluster *cluster, struct engine_stats *stats)
{
    stats->events = cluster->events;
    cluster_add_steps(cluster, &stats->steps, &stats->fast_forwarded);
}

bool run_windows_saved(struct cluster *cluster, struct transport *transport, run_pulse pulse, void *user,
                       struct engine_stats *stats, struct checkpoints *checkpoints, struct diag *diag)
{
    const struct settings *settings = &cluster->settings;
    static const enum team_binding bindings[] = {
        [BIND_NONE] = TEAM_BIND_NONE, [BIND_CORES] = TEAM_BIND_CORES, [BIND_NUMA] = TEAM_BIND_NUMA};
    assert(settings->dispatch_latency > 0 && (!checkpoints || transport->n_ranks == 1));
    const int counter = stats ? instructions_open() : -1; /* before threads start */
    struct windows windows = {
        .cluster = cluster,
        .team = team_create((uint32_t)settings->threads, bindings[settings->bind]),
        .transport = transport,
        .diag = diag,
        .pulse = pulse,
        .user = user,
        .stats = stats,
        .checkpoints = checkpoints,
        .gateway = router_gateway(cluster->router),
        .closed = settings->arrivals == SETTING_ARRIVALS_CLOSED,
        .sees_instances = router_next_snapshot(cluster->router) != SIMTIME_NEVER,
        .exact = settings->router_view == SETTING_VIEW_EXACT && router_next_snapshot(cluster->router) != SIMTIME_NEVER,
        .homing = transport->n_ranks == 1 && ring_together(cluster) == 1 && router_knows_homes(cluster->router),
        .period = settings->router_telemetry_period,
        .resolved = -1};
    windows.local = windows.homing && !windows.closed && workload_stats(cluster->workload)->n_dags == 0;
    windows.return_time = settings->dispatch_latency + instance_least_step(&cluster->plan.engine, cluster->step_time);
    if (team_binding_problem(windows.team)) {
        diag_warning(diag, (struct diag_where){0}, "bind: %s", team_binding_problem(windows.team));
    }
    windows_set_cut(&windows);
    create_lanes(&windows);
    create_partitions(&windows);
    team_run(windows.team, populate, &windows);
    create_instances(&windows);
    if (windows.homing) {
        homes_create(&windows);
    }
    line_create(&windows);
    const uint64_t started = engine_stats_clock();
    if (stats) {
        team_measure(windows.team, true);
        *stats = (struct engine_stats){.threads = windows.n_lanes, .lookahead_least = SIMTIME_NEVER};
    }
    windows.failed = checkpoints && checkpoints->resume && !checkpoint_load(&windows);
    if (!windows.failed) {
        team_run(windows.team, run_thread, &windows);
    }
    windows_deliver_rest(&windows);
    if (stats) {
        stats->instructions = instructions_close(counter);
        stats->wall_ns = engine_stats_clock() - started;
        count_steps(cluster, stats);
        for (uint32_t i = 0; i < windows.n_lanes; i++) {
            stats->wait_ns += team_wait_ns(windows.team, i);
        }
    }
    const bool whole = !windows.failed && !windows.stopped;
    gather_recorders(&windows);
    destroy(&windows);
    return whole && (settings->stop_at != SETTING_UNSET_TIME || ring_finish(cluster, diag));
}
