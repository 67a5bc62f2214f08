#include "api/run.h"

#include "api/config.h"
#include "api/saving.h"
#include "base/mem.h"
#include "metrics/summary.h"
#include "options/option_lookup.h"
#include "sim/run_serial.h"
#include "sim/run_windows.h"
#include "sim/totals.h"

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
#define PULSE_SECONDS 0.1
struct pulse {
    const asim_callbacks *callbacks;
    double started;
    double last;
};

static void report_progress(const struct pulse *pulse, const struct cluster *cluster, double wall)
{
    asim_progress progress = {
        .programs_done = cluster_programs_done(cluster) + cluster->programs.dropped,
        .programs_total = workload_stats(cluster->workload)->n_programs,
        .turns_done = cluster_turns_done(cluster),
        .sim_time_s = simtime_to_s(cluster->now),
        .sim_end_s = cluster->settings.stop_at == SETTING_UNSET_TIME ? 0 : simtime_to_s(cluster->settings.stop_at),
        .wall_s = wall - pulse->started};
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
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

static void add_totals(const struct cluster_totals *totals, const struct cluster *cluster, struct summary_input *in)
{
    in->steps = totals->steps;
    in->events = totals->events;
    in->kv_evicted_blocks = totals->evicted_blocks;
    in->kv_blocks_sent = totals->kv_blocks_sent;
    in->kv_blocks_taken = totals->kv_blocks_taken;
    in->kv_blocks_refused = totals->kv_blocks_refused;
    in->turns_interrupted = totals->turns_inside;
    in->longest_busy = totals->longest_busy;
    in->kv_peak_use = (double)totals->peak_used_blocks / (double)(cluster->plan.engine.n_blocks - 1);
    in->time_ps[BOUND_COMPUTE] = totals->part[STEP_COMPUTE];
    in->time_ps[BOUND_HBM] = totals->part[STEP_HBM];
    in->time_ps[BOUND_LINK] = totals->part[STEP_LINK];
    in->time_ps[BOUND_HOST] = totals->part[STEP_HOST];
    unsigned __int128 busy = 0;
    for (int bound = 0; bound < STEP_BOUNDS; bound++) {
        busy += totals->part[bound];
    }
    const unsigned __int128 all = (unsigned __int128)in->recorder.end * cluster->plan.n_instances;
    in->time_ps[BOUND_IDLE] = all > busy ? all - busy : 0;
}

static struct summary_decisions decisions_of(const struct residency_counters *counters)
{
    return (struct summary_decisions){.kept = counters->kept,
                                      .held = counters->held,
                                      .pinned = counters->pinned,
                                      .offloaded = counters->offloaded,
                                      .dropped = counters->dropped,
                                      .pins_returned = counters->pins_returned,
                                      .pins_expired = counters->pins_expired,
                                      .pins_forced = counters->pins_forced,
                                      .pins_released = counters->pins_released,
                                      .holds_returned = counters->holds_returned,
                                      .holds_evicted = counters->holds_evicted,
                                      .refused = counters->refused,
                                      .displaced = counters->displaced,
                                      .active_block_ps = counters->active_block_ps,
                                      .retained_block_ps = counters->retained_block_ps,
                                      .wasted_block_ps = counters->wasted_block_ps,
                                      .recompute_block_ps = counters->recompute_block_ps,
                                      .stalled_block_ps = counters->stalled_block_ps};
}

_Static_assert((int)SUMMARY_MOVES == (int)TRANSFER_KINDS && (int)SUMMARY_TIERS == (int)MAX_TIERS &&
                   (int)SUMMARY_LINKS == (int)NODE_LINKS,
               "the summary knows every cause, tier and link");

static struct summary_tiers tiers_of(const struct cluster_totals *totals, const struct tier_plan *plan,
                                     uint64_t instances, simtime end)
{
    struct summary_tiers tiers = {.n_tiers = plan->n_tiers, .stores_refused = totals->decisions.stores_refused};
    for (int i = 0; i < SUMMARY_MOVES; i++) {
        tiers.moved[i].transfers = totals->decisions.moved[i].transfers;
        tiers.moved[i].blocks = totals->decisions.moved[i].blocks;
    }
    for (uint32_t i = 0; i < plan->n_tiers; i++) {
        tiers.names[i] = plan->tiers[i].name;
        tiers.loaded_blocks[i] = totals->decisions.loaded_blocks[i];
    }
    for (uint32_t i = 0; i < NODE_LINK_TIERS + 2 * plan->n_tiers; i++) {
        const bool is_there = i < NODE_LINK_TIERS || i % 2 == 0 || plan->tiers[i / 2 - 1].is_duplex;
        const uint64_t sharers = i < NODE_LINK_TIERS ? 1 : tier_sharers(plan, (i - NODE_LINK_TIERS) / 2);
        const uint64_t links = is_there ? (instances + sharers - 1) / sharers : 0;
        tiers.links[i].bytes = totals->links.bytes[i];
        tiers.links[i].busy_ps = totals->links.busy_ps[i];
        tiers.links[i].capacity_ps = (unsigned __int128)links * (unsigned __int128)end;
    }
    return tiers;
}

static struct summary_belady belady_of(const struct cluster_totals *totals)
{
    return (struct summary_belady){.accesses = totals->belady.accesses,
                                   .misses = totals->belady.misses,
                                   .compulsory = totals->belady.compulsory,
                                   .optimal = totals->belady.optimal,
                                   .largest_ratio = 1e-9 * (double)totals->largest_ratio};
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

static char *summarise(const struct cluster *cluster, const struct cluster_totals *totals, bool interrupted)
{
    const struct settings *settings = &cluster->settings;
    const struct router_counters *router = router_counters(cluster->router);
    char arrivals[64];
    describe_arrivals(settings, arrivals, sizeof arrivals);
    struct summary_input in = {
        .digest = recorder_digest(cluster->recorders[0]),
        .interrupted = interrupted,
        .stopped =
            !interrupted && settings->stop_at != SETTING_UNSET_TIME &&
            cluster_programs_done(cluster) + cluster->programs.dropped < workload_stats(cluster->workload)->n_programs,
        .stopped_at = settings->stop_at,
        .warmup = settings->warmup,
        .slo = cluster_service_levels(settings),
        .workload = settings->workload ? settings->workload : workload_stats(cluster->workload)->format,
        .arrivals = arrivals,
        .model = cluster->plan.model.name,
        .hardware = cluster->plan.device.name,
        .engine = engine_name(settings),
        .compute = settings->compute,
        .retention = cluster->policies.retention.policy->name,
        .scheduling = cluster->policies.scheduling.policy->name,
        .oracle = policy_set_has_oracle(&cluster->policies),
        .routing = cluster->policies.routing.policy->name,
        .assumptions = cluster->plan.device.calibration,
        .seed = settings->seed,
        .instances = cluster->plan.n_instances,
        .tensor_parallel = cluster->plan.tensor_parallel,
        .programs_total = workload_stats(cluster->workload)->n_programs,
        .programs_dropped = cluster->programs.dropped,
        .programs_truncated = cluster->programs.truncated,
        .programs_interrupted = cluster_in_progress(cluster),
        .kv_blocks_per_instance = cluster->plan.engine.n_blocks,
        .kv_block_size = cluster->plan.engine.block_size,
        .kv_block_bytes = cluster->plan.tiers.block_bytes,
        .router_affinity_hits = router->affinity_hits,
        .router_breaks = router->affinity_breaks,
        .router_cold = router->cold,
        .router_held = router->held,
        .router_moved = router->moved,
    };
    recorder_summarise(cluster->recorders[0], &in.recorder);
    add_totals(totals, cluster, &in);
    const struct summary_decisions decisions = decisions_of(&totals->decisions);
    const struct summary_tiers tiers =
        tiers_of(totals, &cluster->plan.tiers, cluster->plan.n_instances, in.recorder.end);
    in.decisions = totals->deciding ? &decisions : NULL;
    in.tiers = tiers.n_tiers ? &tiers : NULL;
    const struct summary_belady belady = belady_of(totals);
    in.belady = settings->belady_ratio ? &belady : NULL;
    return summary_json(&in);
}

static void count_work(const struct cluster *cluster, const struct cluster_totals *totals, struct execution *execution)
{
    execution->steps = totals->steps;
    execution->fast_forwarded_steps = totals->fast_forwarded;
    execution->turns = recorder_turn_count(cluster->recorders[0]);
    execution->sim_time_s = simtime_to_s(cluster->now);
}

/* The processes that share the simulation; NULL, with an error, when there is no way to. */
static struct transport *open_transport(const struct settings *settings, struct diag *diag)
{
    if (settings->transport == TRANSPORT_NONE) {
        return transport_self_create();
    }
#ifdef ASIM_MPI
    const char *why;
    struct transport *transport = transport_mpi_create(&why);
    if (!transport) {
        diag_error(diag, ASIM_INTERNAL, (struct diag_where){0}, "transport = mpi: %s", why);
    }
    return transport;
#else
    diag_error(diag, ASIM_USAGE, (struct diag_where){0},
               "transport = mpi: this program was built without MPI; allowed: none, or a build with "
               "`cmake --preset mpi`");
    return NULL;
#endif
}

static bool run(struct cluster *cluster, struct transport *transport, struct pulse *pulse, struct engine_stats *engine,
                struct saving *saving, struct diag *diag)
{
    const struct settings *settings = &cluster->settings;
    const run_pulse fn = pulse->callbacks ? on_pulse : NULL;
    return settings->synchronization == SYNCHRONIZATION_SERIAL
               ? run_serial(cluster, fn, pulse, diag)
               : run_windows_saved(cluster, transport, fn, pulse, settings->engine_stats ? engine : NULL,
                                   saving->asked ? &saving->checkpoints : NULL, diag);
}

/* The cluster of a run, with what the run is saved by; NULL, with errors. */
static struct cluster *open_cluster(const struct settings *settings, const struct transport *transport,
                                    struct saving *saving, struct diag *diag)
{
    if (saving->asked && transport->n_ranks > 1) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0}, "a run of %d ranks has no checkpoints; allowed: one rank",
                   (int)transport->n_ranks);
        return NULL;
    }
    if (!saving_open(saving, settings, diag)) {
        return NULL;
    }
    return cluster_create(settings, transport->rank, transport->n_ranks, diag);
}

/* Neither of another version of the public header. */
static bool check_sizes(const asim_checkpoints *checkpoints, const asim_callbacks *callbacks, struct diag *diag)
{
    if (callbacks && callbacks->struct_size != sizeof *callbacks) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                   "callbacks.struct_size is %zu; this library's asim_callbacks has %zu bytes", callbacks->struct_size,
                   sizeof *callbacks);
    }
    if (checkpoints && checkpoints->struct_size != sizeof *checkpoints) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                   "checkpoints.struct_size is %zu; this library's asim_checkpoints has %zu bytes",
                   checkpoints->struct_size, sizeof *checkpoints);
    }
    return diag->status == ASIM_OK;
}

/* The decisions of all instances, in order, and what their tools are called. */
static void keep_decisions(struct asim_result *result, const struct cluster *cluster)
{
    result->keeps_decisions = true;
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
        instance_append_decisions(cluster->instances[i], &result->decisions);
    }
    decision_list_sort(&result->decisions);
    result->n_tools = workload_tool_count(cluster->workload);
    result->tools = mem_zalloc((result->n_tools + 1) * sizeof *result->tools);
    for (size_t i = 0; i < result->n_tools; i++) {
        result->tools[i] = mem_strdup(workload_tool_name(cluster->workload, (uint32_t)i));
    }
}

/* Fills a result from a run that went well: whole, or cut short by the pulse. */
static void keep_results(struct asim_result *result, struct cluster *cluster, struct transport *transport, bool whole,
                         struct execution *execution)
{
    const struct cluster_totals totals = cluster_totals(cluster, transport);
    result->rank = transport->rank;
    result->summary = summarise(cluster, &totals, !whole);
    result->keeps_turns = cluster->settings.turns_csv;
    if (cluster->settings.decisions_log) {
        keep_decisions(result, cluster);
    }
    count_work(cluster, &totals, execution);
    result->recorder = cluster->recorders[0];
    cluster->recorders[0] = NULL;
    result->residency = cluster->residency;
    cluster->residency = NULL;
    if (result->residency && !result->residency->n_records) {
        diag_warning(&result->diag, (struct diag_where){0},
                     "residency_at, residency_every: the run ended before the first instant; nothing is said of where "
                     "KV was");
    }
}

/* What was done before the checkpoint cost this execution nothing. */
static void leave_out_before(const struct checkpoints *checkpoints, struct execution *execution)
{
    execution->steps -= checkpoints->resumed_steps;
    execution->fast_forwarded_steps -= checkpoints->resumed_fast_forwarded;
    execution->turns -= checkpoints->resumed_turns;
    execution->sim_time_s -= simtime_to_s(checkpoints->resumed_at);
}

asim_status run_settings_saved(const struct settings *settings, const asim_checkpoints *checkpoints,
                               const asim_callbacks *callbacks, asim_result **out)
{
    const double started = wall_clock();
    const double cpu_started = cpu_clock();
    asim_result *result = mem_zalloc(sizeof *result);
    diag_init(&result->diag);
    *out = result;
    if (!check_sizes(checkpoints, callbacks, &result->diag)) {
        return result->diag.status;
    }
    struct saving saving = {.asked = checkpoints};
    struct transport *transport = open_transport(settings, &result->diag);
    struct cluster *cluster = transport ? open_cluster(settings, transport, &saving, &result->diag) : NULL;
    struct execution execution = {.setup_s = wall_clock() - started};
    struct engine_stats engine = {0};
    struct pulse pulse = {.callbacks = callbacks, .started = started, .last = started};
    const bool whole = cluster && run(cluster, transport, &pulse, &engine, &saving, &result->diag);
    if (result->diag.status == ASIM_OK) { /* else: not read, or found in a program that was made while running */
        keep_results(result, cluster, transport, whole, &execution);
        leave_out_before(&saving.checkpoints, &execution);
        execution.engine = engine.windows ? &engine : NULL;
        execution.checkpoints = checkpoints ? &saving.checkpoints : NULL;
        execution.wall_s = wall_clock() - started;
        execution.cpu_s = cpu_clock() - cpu_started;
        result_note_inputs(result, settings);
        result->execution = execution_json(&execution, result);
    }
    saving_close(&saving);
    cluster_destroy(cluster);
    transport_destroy(transport);
    return result->diag.status != ASIM_OK ? result->diag.status : whole ? ASIM_OK : ASIM_INTERRUPTED;
}

asim_status run_settings(const struct settings *settings, const asim_callbacks *callbacks, asim_result **out)
{
    return run_settings_saved(settings, NULL, callbacks, out);
}

asim_status asim_run_saved(const asim_config *config, const asim_checkpoints *checkpoints,
                           const asim_callbacks *callbacks, asim_result **out)
{
    *out = NULL;
    const struct settings *settings = config_settings(config);
    if (!settings) {
        return ASIM_USAGE;
    }
    const asim_status status = run_settings_saved(settings, checkpoints, callbacks, out);
    config_warn_unused(config, &(*out)->diag);
    return status;
}

asim_status asim_run(const asim_config *config, const asim_callbacks *callbacks, asim_result **out)
{
    return asim_run_saved(config, NULL, callbacks, out);
}
