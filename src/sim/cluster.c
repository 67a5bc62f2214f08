#include "sim/cluster.h"

#include "base/mem.h"
#include "options/draws.h"

#include <assert.h>

static struct synthetic_options synthetic_options(const struct settings *settings)
{
    struct synthetic_options options = {.n_system_prompts = (uint32_t)settings->synthetic_system_prompts,
                                        .system_prompt_toks = (uint32_t)settings->synthetic_system_prompt_tokens};
    char message[1024];
    const bool parsed =
        draws_parse_counts(settings->synthetic_turns, &options.turns, message, sizeof message) &&
        draws_parse_counts(settings->synthetic_first_prompt, &options.first_prompt, message, sizeof message) &&
        draws_parse_counts(settings->synthetic_growth, &options.growth, message, sizeof message) &&
        draws_parse_counts(settings->synthetic_output, &options.output, message, sizeof message) &&
        draws_parse_durations(settings->synthetic_gap, &options.gap, message, sizeof message);
    assert(parsed); /* the option table checked it */
    (void)parsed;
    return options;
}

struct workload_options cluster_workload_options(const struct settings *settings, uint32_t block_size, bool for_looking)
{
    struct gap_rule missing;
    char message[1024];
    const bool parsed = gap_parse_missing(settings->missing_gap, &missing, message, sizeof message);
    assert(parsed); /* the option table checked it */
    (void)parsed;
    struct workload_options options = {
        .format = settings->workload_format,
        .skip_bad_lines = settings->on_bad_line == BAD_LINE_SKIP,
        .max_programs = settings->programs != SETTING_UNSET_COUNT ? settings->programs : 0,
        .reuse_generated = settings->reuse_generated,
        .shared_prefix = settings->shared_prefix,
        .missing_gap = missing.kind == GAP_ERROR    ? (for_looking ? MISSING_GAP_KEEP : MISSING_GAP_ERROR)
                       : missing.kind == GAP_MEDIAN ? MISSING_GAP_MEDIAN
                                                    : MISSING_GAP_DISTRIBUTION,
        .seed = settings->seed,
        .block_size = block_size,
        .synthetic = synthetic_options(settings),
        .hints = (enum generated_hints)settings->hints,
        .dag = {.depth = settings->dag_depth != SETTING_UNSET_COUNT ? settings->dag_depth : 0,
                .fan_out = settings->dag_fan_out != SETTING_UNSET_COUNT ? settings->dag_fan_out : 0},
    };
    if (missing.kind == GAP_DISTRIBUTION) {
        options.missing_gap_distribution = missing.entries[0].seconds;
    }
    gap_rule_fini(&missing);
    return options;
}

struct workload *cluster_open_workload(const struct settings *settings, const struct workload_options *options,
                                       struct diag *diag)
{
    enum { DEFAULT_PROGRAMS = 50 };
    return settings->workload
               ? workload_open(settings->workload, options, diag)
               : workload_generate(settings->generate, options->max_programs ? options->max_programs : DEFAULT_PROGRAMS,
                                   options, diag);
}

static bool create_tool(struct cluster *cluster, struct diag *diag)
{
    struct gap_rule rule;
    char message[512];
    const bool parsed = gap_parse_tool(cluster->settings.tool_gap, &rule, message, sizeof message);
    assert(parsed);
    (void)parsed;
    cluster->tool = tool_create(&rule, cluster->workload, cluster->settings.seed, diag);
    gap_rule_fini(&rule);
    if (cluster->tool && cluster->settings.max_gap != SETTING_UNSET_TIME) {
        tool_cap(cluster->tool, cluster->settings.max_gap);
    }
    return cluster->tool != NULL;
}

static bool create_orchestrator(struct cluster *cluster, struct diag *diag)
{
    const struct settings *settings = &cluster->settings;
    static const enum arrival_process processes[] = {
        [SETTING_ARRIVALS_RECORDED] = ARRIVALS_RECORDED,
        [SETTING_ARRIVALS_POISSON] = ARRIVALS_POISSON,
        [SETTING_ARRIVALS_ZERO] = ARRIVALS_ZERO,
        [SETTING_ARRIVALS_CLOSED] = ARRIVALS_CLOSED,
    };
    static const enum long_prompt_rule rules[] = {
        [LONG_PROMPT_ERROR] = LONG_PROMPT_IS_ERROR,
        [LONG_PROMPT_DROP_PROGRAM] = LONG_PROMPT_DROPS_PROGRAM,
        [LONG_PROMPT_TRUNCATE] = LONG_PROMPT_IS_TRUNCATED,
    };
    if (settings->arrivals == SETTING_ARRIVALS_RECORDED && !workload_stats(cluster->workload)->has_arrivals) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){.file = settings->workload},
                   "no arrival times are recorded; allowed: --request-rate RATE, --max-concurrency CLIENTS, or "
                   "--arrivals zero");
        return false;
    }
    const struct orchestrator_options options = {
        .workload = cluster->workload,
        .source = settings->workload,
        .tool = cluster->tool,
        .arrivals = {.process = processes[settings->arrivals],
                     .rate = settings->request_rate,
                     .clients = (uint32_t)settings->max_concurrency,
                     .client_setup = settings->client_setup,
                     .seed = settings->seed},
        .on_long_prompt = rules[settings->on_long_prompt],
        .max_model_len = cluster->plan.engine.max_model_len,
        .dispatch_latency = settings->dispatch_latency,
        .least_step = instance_least_step(&cluster->plan.engine, cluster->step_time),
    };
    cluster->orchestrator = orchestrator_create(&options, diag);
    return cluster->orchestrator != NULL;
}

static bool create_step_time(struct cluster *cluster, struct diag *diag)
{
    const struct cluster_plan *plan = &cluster->plan;
    cluster->step_time =
        step_time_create(&(struct step_time_options){.device = &plan->device,
                                                     .model = &plan->model,
                                                     .tensor_parallel = plan->tensor_parallel,
                                                     .max_num_seqs = plan->engine.max_num_seqs,
                                                     .max_num_batched_tokens = plan->engine.max_num_batched_tokens,
                                                     .max_graph_tokens = plan->engine.host.max_graph_tokens,
                                                     .profile_dir = plan->profile_dir},
                         diag);
    if (!cluster->step_time) {
        return false;
    }
    cluster->instances = mem_zalloc(plan->n_instances * sizeof *cluster->instances);
    return true;
}

void cluster_populate(struct cluster *cluster, uint32_t first, uint32_t end)
{
    const struct tier_plan *tiers = &cluster->plan.tiers;
    for (uint32_t i = first; i < end; i++) {
        struct node **node = tiers->n_tiers ? &cluster->nodes[i / tiers->node_instances] : NULL;
        if (node && !*node) {
            *node = node_create(tiers, cluster->plan.engine.block_size);
        }
        cluster->instances[i] = instance_create(i, &cluster->plan.engine, cluster->step_time, node ? *node : NULL);
    }
}

bool cluster_open_policies(const struct settings *settings, struct policy_set *out, struct diag *diag)
{
    const struct policy_preset presets[] = {
        {"session-affinity", "pressure_limit", settings->router_pressure_limit},
        {"session-affinity", "load_limit", settings->router_load_limit},
    };
    const struct policy_choice choice = {
        .policy = settings->policy,
        .planes = {[POLICY_ROUTING] = settings->routing,
                   [POLICY_SCHEDULING] = settings->scheduling,
                   [POLICY_RETENTION] = settings->retention},
        .parameters = settings->policy_parameters,
        .presets = presets,
        .n_presets = sizeof presets / sizeof presets[0],
    };
    return policy_set_open(out, &choice, diag);
}

static void create_router(struct cluster *cluster)
{
    const struct settings *settings = &cluster->settings;
    cluster->router = router_create(&(struct router_options){
        .n_instances = cluster->plan.n_instances,
        .usable_blocks = cluster->plan.engine.n_blocks - 1,
        .view = settings->router_view == SETTING_VIEW_EXACT ? ROUTER_VIEW_EXACT : ROUTER_VIEW_TELEMETRY,
        .telemetry_period = settings->router_telemetry_period,
        .block_size = cluster->plan.engine.block_size,
        .policy = &cluster->policies.routing,
        .seed = settings->seed,
        .round_trip = 2 * settings->dispatch_latency,
    });
}

static simtime level(simtime setting)
{
    return setting != SETTING_UNSET_TIME ? setting : 0;
}

struct service_levels cluster_service_levels(const struct settings *settings)
{
    return (struct service_levels){
        .ttft = level(settings->slo_ttft), .tpot = level(settings->slo_tpot), .jct = level(settings->slo_jct)};
}

struct recorder *cluster_new_recorder(const struct settings *settings)
{
    return recorder_create(&(struct recorder_options){.keep_turns = settings->turns_csv,
                                                      .program_rows = (uint32_t)settings->program_rows,
                                                      .warmup = settings->warmup,
                                                      .slo = cluster_service_levels(settings)});
}

/* Which instances this rank has. */
static void share_instances(struct cluster *cluster, uint32_t rank, uint32_t n_ranks)
{
    const uint32_t n = cluster->plan.n_instances;
    const uint32_t size = (uint32_t)cluster->settings.partition;
    const uint32_t partitions = (n + size - 1) / size;
    cluster->rank = rank;
    cluster->n_ranks = n_ranks;
    cluster->instances_per_rank = (partitions + n_ranks - 1) / n_ranks * size;
    const uint64_t first = (uint64_t)rank * cluster->instances_per_rank;
    const uint64_t end = first + cluster->instances_per_rank;
    cluster->first_instance = first < n ? (uint32_t)first : n;
    cluster->end_instance = end < n ? (uint32_t)end : n;
}

/* A rank knows the programs that it has, and the router is every rank's. */
static bool ranks_can_route(const struct asim_policy *policy, uint32_t n_ranks, struct diag *diag)
{
    if (n_ranks > 1 && (policy->on_complete || policy->route_tick)) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                   "routing: '%s' hears of the ends of turns or looks at the cluster by itself (on_complete, "
                   "route_tick), which %u ranks cannot share; allowed: one rank, with any number of threads, or a "
                   "policy that does not",
                   policy->name, n_ranks);
        return false;
    }
    if (n_ranks > 1 && policy_reads_prompt(policy)) {
        diag_error(
            diag, ASIM_USAGE, (struct diag_where){0},
            "routing: '%s' looks at prompts, which %u ranks do not all know; allowed: one rank, or a policy that "
            "does not",
            policy->name, n_ranks);
        return false;
    }
    return true;
}

/* A program goes from rank to rank with its turn: one of several turns at a time has no such place. */
static bool check_ranks(const struct cluster *cluster, struct diag *diag)
{
    const uint64_t n_dags = workload_stats(cluster->workload)->n_dags;
    if (cluster->n_ranks == 1 || n_dags == 0) {
        return true;
    }
    diag_error(diag, ASIM_USAGE, (struct diag_where){.file = cluster->settings.workload},
               "%llu programs are DAGs, which %u ranks cannot share; allowed: one rank, with any number of threads",
               (unsigned long long)n_dags, cluster->n_ranks);
    return false;
}

struct cluster *cluster_create(const struct settings *settings, uint32_t rank, uint32_t n_ranks, struct diag *diag)
{
    struct cluster *cluster = mem_zalloc(sizeof *cluster);
    cluster->settings = *settings;
    if (!cluster_open_policies(settings, &cluster->policies, diag) ||
        !ranks_can_route(cluster->policies.routing.policy, n_ranks, diag) ||
        cluster_plan(settings, &cluster->plan, diag) != ASIM_OK) {
        goto fail;
    }
    if (cluster->plan.tiers.n_tiers) { /* who shares tiers stays together */
        const uint64_t together = cluster->plan.tiers.node_instances;
        cluster->settings.partition = (cluster->settings.partition + together - 1) / together * together;
    }
    share_instances(cluster, rank, n_ranks);
    const struct workload_options options = cluster_workload_options(settings, cluster->plan.engine.block_size, false);
    cluster->workload = cluster_open_workload(settings, &options, diag);
    if (!cluster->workload || !check_ranks(cluster, diag) || !create_tool(cluster, diag) ||
        !create_step_time(cluster, diag) || !create_orchestrator(cluster, diag)) {
        goto fail;
    }
    create_router(cluster);
    cluster->plan.engine.policies = &cluster->policies;
    cluster->nodes = mem_zalloc(cluster->plan.n_instances * sizeof(struct node *));
    cluster->n_recorders = (uint32_t)settings->threads;
    cluster->recorders = mem_zalloc(cluster->n_recorders * sizeof *cluster->recorders);
    for (uint32_t i = 0; i < cluster->n_recorders; i++) {
        cluster->recorders[i] = cluster_new_recorder(settings);
    }
    cluster->residency = residency_table_create(settings);
    return cluster;
fail:
    cluster_destroy(cluster);
    return NULL;
}

uint64_t cluster_turns_done(const struct cluster *cluster)
{
    uint64_t turns = 0;
    for (uint32_t i = 0; i < cluster->n_recorders; i++) {
        turns += recorder_turn_count(cluster->recorders[i]);
    }
    return turns;
}

uint64_t cluster_programs_done(const struct cluster *cluster)
{
    uint64_t programs = 0;
    for (uint32_t i = 0; i < cluster->n_recorders; i++) {
        programs += recorder_program_count(cluster->recorders[i]);
    }
    return programs;
}

void cluster_add_steps(const struct cluster *cluster, uint64_t *steps, uint64_t *fast_forwarded)
{
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
        *steps += instance_counters(cluster->instances[i])->steps;
        *fast_forwarded += instance_counters(cluster->instances[i])->fast_forwarded;
    }
}

void cluster_destroy(struct cluster *cluster)
{
    if (!cluster) {
        return;
    }
    for (uint32_t i = 0; cluster->nodes && i < cluster->plan.n_instances; i++) {
        if (cluster->nodes[i]) {
            node_end(cluster->nodes[i]);
        }
    }
    for (uint32_t i = 0; cluster->instances && i < cluster->plan.n_instances; i++) {
        instance_destroy(cluster->instances[i]);
    }
    for (uint32_t i = 0; cluster->nodes && i < cluster->plan.n_instances; i++) {
        node_destroy(cluster->nodes[i]);
    }
    mem_free(cluster->nodes);
    mem_free(cluster->instances);
    if (cluster->step_time) {
        step_time_destroy(cluster->step_time);
    }
    for (uint32_t i = 0; i < cluster->n_recorders; i++) {
        recorder_destroy(cluster->recorders[i]);
    }
    mem_free(cluster->recorders);
    residency_table_destroy(cluster->residency);
    router_destroy(cluster->router);
    orchestrator_destroy(cluster->orchestrator);
    tool_destroy(cluster->tool);
    if (cluster->workload) {
        workload_destroy(cluster->workload);
    }
    policy_set_close(&cluster->policies);
    mem_free(cluster);
}
