#include "api/run.h"

#include "api/config.h"
#include "base/mem.h"
#include "kv/pool.h"
#include "metrics/summary.h"
#include "options/option_lookup.h"
#include "sim/run_serial.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double cpu_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Passes on progress, at most every PULSE_SECONDS. */
#define PULSE_SECONDS 0.05
struct pulse {
    const asim_callbacks *callbacks;
    double started;
    double last;
};

static void report_progress(const struct pulse *pulse, const struct cluster *cluster, double wall)
{
    asim_progress progress = {.programs_done = orchestrator_counters(cluster->orchestrator)->completed +
                                               orchestrator_counters(cluster->orchestrator)->dropped,
                              .programs_total = workload_stats(cluster->workload)->n_programs,
                              .turns_done = recorder_turn_count(cluster->recorder),
                              .sim_time_s = simtime_to_s(cluster->now),
                              .wall_s = wall - pulse->started};
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        progress.steps += instance_counters(cluster->instances[i])->steps;
    }
    pulse->callbacks->progress(pulse->callbacks->user, &progress);
}

static bool on_pulse(void *user, const struct cluster *cluster)
{
    struct pulse *pulse = user;
    const asim_callbacks *callbacks = pulse->callbacks;
    if (callbacks->cancelled && callbacks->cancelled(callbacks->user)) {
        return true;
    }
    const double wall = wall_clock();
    if (callbacks->progress && wall - pulse->last >= PULSE_SECONDS) {
        pulse->last = wall;
        report_progress(pulse, cluster, wall);
    }
    return false;
}

static void add_instances(const struct cluster *cluster, struct summary_input *in, simtime end)
{
    const uint32_t usable = cluster->plan.engine.n_blocks - 1;
    __int128 busy = 0;
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        const struct instance *instance = cluster->instances[i];
        const struct instance_counters *counters = instance_counters(instance);
        in->steps += counters->steps;
        in->kv_evicted_blocks += kv_evicted(instance_pool(instance));
        in->turns_interrupted += instance_turns_inside(instance);
        const double peak = (double)counters->peak_used_blocks / (double)usable;
        in->kv_peak_use = peak > in->kv_peak_use ? peak : in->kv_peak_use;
        in->time_ps[BOUND_COMPUTE] += (unsigned __int128)counters->part[STEP_COMPUTE];
        in->time_ps[BOUND_HBM] += (unsigned __int128)counters->part[STEP_HBM];
        in->time_ps[BOUND_LINK] += (unsigned __int128)counters->part[STEP_LINK];
        in->time_ps[BOUND_HOST] += (unsigned __int128)counters->part[STEP_HOST];
        for (int bound = 0; bound < STEP_BOUNDS; bound++) {
            busy += counters->part[bound];
        }
    }
    const __int128 idle = (__int128)end * cluster->plan.n_instances - busy;
    in->time_ps[BOUND_IDLE] = idle > 0 ? (unsigned __int128)idle : 0;
}

static const char *engine_name(const struct settings *settings)
{
    return option_at(option_find("engine", NAMING_PATH))->names[settings->engine];
}

static void describe_arrivals(const struct settings *settings, char *out, size_t bytes)
{
    switch (settings->arrivals) {
    case SETTING_ARRIVALS_POISSON:
        snprintf(out, bytes, "poisson, %.6g/s", settings->request_rate);
        break;
    case SETTING_ARRIVALS_CLOSED:
        snprintf(out, bytes, "closed loop, %llu clients", (unsigned long long)settings->max_concurrency);
        break;
    case SETTING_ARRIVALS_ZERO:
        snprintf(out, bytes, "all at once");
        break;
    default:
        snprintf(out, bytes, "recorded");
    }
}

static char *summarise(const struct cluster *cluster, bool interrupted)
{
    const struct settings *settings = &cluster->settings;
    const struct orchestrator_counters *programs = orchestrator_counters(cluster->orchestrator);
    const struct router_counters *router = router_counters(cluster->router);
    char arrivals[64];
    describe_arrivals(settings, arrivals, sizeof arrivals);
    struct summary_input in = {
        .digest = recorder_digest(cluster->recorder),
        .interrupted = interrupted,
        .stopped = !interrupted && settings->stop_at != SETTING_UNSET_TIME &&
                   programs->completed + programs->dropped < workload_stats(cluster->workload)->n_programs,
        .stopped_at = settings->stop_at,
        .workload = settings->workload ? settings->workload : workload_stats(cluster->workload)->format,
        .arrivals = arrivals,
        .model = cluster->plan.model.name,
        .hardware = cluster->plan.device.name,
        .engine = engine_name(settings),
        .compute = settings->compute,
        .routing = settings->routing,
        .assumptions = cluster->plan.device.calibration,
        .seed = settings->seed,
        .instances = cluster->plan.n_instances,
        .tensor_parallel = cluster->plan.tensor_parallel,
        .events = cluster->events,
        .programs_total = workload_stats(cluster->workload)->n_programs,
        .programs_dropped = programs->dropped,
        .programs_truncated = programs->truncated_programs,
        .programs_interrupted = orchestrator_in_progress(cluster->orchestrator),
        .kv_blocks_per_instance = cluster->plan.engine.n_blocks,
        .kv_block_size = cluster->plan.engine.block_size,
        .router_affinity_hits = router->affinity_hits,
        .router_breaks = router->affinity_breaks,
        .router_cold = router->cold,
    };
    recorder_summarise(cluster->recorder, &in.recorder);
    add_instances(cluster, &in, in.recorder.end);
    return summary_json(&in);
}

static void count_work(const struct cluster *cluster, struct execution *execution)
{
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        execution->steps += instance_counters(cluster->instances[i])->steps;
        execution->fast_forwarded_steps += instance_counters(cluster->instances[i])->fast_forwarded;
    }
    execution->turns = recorder_turn_count(cluster->recorder);
    execution->sim_time_s = simtime_to_s(cluster->now);
}

asim_status run_settings(const struct settings *settings, const asim_callbacks *callbacks, asim_result **out)
{
    const double started = wall_clock();
    const double cpu_started = cpu_clock();
    asim_result *result = mem_zalloc(sizeof *result);
    diag_init(&result->diag);
    *out = result;
    if (callbacks && callbacks->struct_size != sizeof *callbacks) {
        return diag_error(&result->diag, ASIM_USAGE, (struct diag_where){0},
                          "callbacks.struct_size is %zu; this library's asim_callbacks has %zu bytes",
                          callbacks->struct_size, sizeof *callbacks);
    }
    if (settings->threads > 1) {
        diag_warning(&result->diag, (struct diag_where){0},
                     "threads = %llu: this version simulates on one; results do not depend on it",
                     (unsigned long long)settings->threads);
    }
    struct cluster *cluster = cluster_create(settings, &result->diag);
    if (!cluster) {
        return result->diag.status;
    }
    struct execution execution = {.setup_s = wall_clock() - started};
    struct pulse pulse = {.callbacks = callbacks, .started = started, .last = started};
    const bool whole = run_serial(cluster, callbacks ? on_pulse : NULL, &pulse);
    if (result->diag.status != ASIM_OK) { /* found in a program that was made while running */
        cluster_destroy(cluster);
        return result->diag.status;
    }
    result->summary = summarise(cluster, !whole);
    result->keeps_turns = settings->turns_csv;
    count_work(cluster, &execution);
    result->recorder = cluster->recorder;
    cluster->recorder = NULL;
    execution.wall_s = wall_clock() - started;
    execution.cpu_s = cpu_clock() - cpu_started;
    result_note_inputs(result, settings);
    result->execution = execution_json(&execution, result);
    cluster_destroy(cluster);
    return whole ? ASIM_OK : ASIM_INTERRUPTED;
}

asim_status asim_run(const asim_config *config, const asim_callbacks *callbacks, asim_result **out)
{
    *out = NULL;
    const struct settings *settings = config_settings(config);
    return settings ? run_settings(settings, callbacks, out) : ASIM_USAGE;
}
