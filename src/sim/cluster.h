/* The ring put together: from the resolved settings to a workload, an orchestrator, a router and instances.
 *
 * The only file that knows all rooms. cluster_plan resolves what depends on hardware and model (memory, defaults by
 * GPU); cluster_create builds what runs.
 */
#ifndef ASIM_SIM_CLUSTER_H
#define ASIM_SIM_CLUSTER_H

#include "base/diag.h"
#include "hw/device.h"
#include "instance/tiers/node.h"
#include "metrics/recorder.h"
#include "options/settings.h"
#include "orchestrator/orchestrator.h"
#include "router/router.h"
#include "sim/residency_table.h"

/* Everything that is decided before the first event. */
struct cluster_plan {
    struct device device;
    struct model_shape model;
    struct memory_fit fit;
    struct engine_config engine;
    struct tier_plan tiers; /* n_tiers 0: nothing lies below HBM */
    uint32_t tensor_parallel;
    uint32_t n_instances;
    const char *profile_dir; /* NULL: tile model */
    const char *pool_source; /* "memory", "kv_pool_tokens" or "num_gpu_blocks_override" */
};

/* Errors (does not fit, model too long for the pool, unknown names) and warnings go to diag. */
asim_status cluster_plan(const struct settings *settings, struct cluster_plan *plan, struct diag *diag);

/* The policies that the settings choose; false, with errors. */
bool cluster_open_policies(const struct settings *settings, struct policy_set *out, struct diag *diag);

/* The workload that the settings name, and how it is read; for_looking: missing gaps are left as they are instead of an
 * error. */
struct workload_options cluster_workload_options(const struct settings *settings, uint32_t block_size,
                                                 bool for_looking);
struct workload *cluster_open_workload(const struct settings *settings, const struct workload_options *options,
                                       struct diag *diag);

struct cluster {
    struct cluster_plan plan;
    struct settings settings;
    struct policy_set policies;
    struct workload *workload;
    struct tool_simulator *tool;
    struct orchestrator *orchestrator;
    struct router *router;
    struct step_time *step_time;
    struct node **nodes;         /* of plan.tiers.node_instances instances each; all NULL where there are no tiers */
    struct instance **instances; /* NULL before cluster_populate, and those of other ranks */
    uint32_t rank, n_ranks;      /* of this process among those that share the instances */
    uint32_t first_instance, end_instance; /* of this rank */
    uint32_t instances_per_rank;           /* the last may have fewer, or none */
    struct recorder **recorders;           /* one per thread; after a run the first has it all */
    uint32_t n_recorders;
    struct residency_table *residency; /* NULL: the settings ask for no residency of KV */
    simtime now;                       /* of the last event */
    uint64_t events;                   /* processed by the ring: releases, routings, turn ends */
    struct program_counters {
        uint64_t started, dropped, truncated;
    } programs;
};

/* Ranks share the instances out by whole partitions, in order. */
static inline uint32_t cluster_rank_of(const struct cluster *cluster, uint32_t instance)
{
    return cluster->n_ranks == 1 ? 0 : instance / cluster->instances_per_rank;
}

/* Turns and programs that have ended. */
uint64_t cluster_turns_done(const struct cluster *cluster);
uint64_t cluster_programs_done(const struct cluster *cluster);

/* Adds the steps of this rank's instances, and of those the ones taken in closed form. */
void cluster_add_steps(const struct cluster *cluster, uint64_t *steps, uint64_t *fast_forwarded);

/* The next instant at which the residency of KV is asked for; SIMTIME_NEVER: none is. */
static inline simtime cluster_next_residency(const struct cluster *cluster)
{
    return cluster->residency ? cluster->residency->next : SIMTIME_NEVER;
}

/* Programs that have started and not ended. */
static inline uint64_t cluster_in_progress(const struct cluster *cluster)
{
    return cluster->programs.started - cluster_programs_done(cluster);
}

/* For rank `rank` of `n_ranks` processes that simulate the cluster together; 0 of 1: alone. */
struct cluster *cluster_create(const struct settings *settings, uint32_t rank, uint32_t n_ranks, struct diag *diag);
/* Makes the instances `first` up to `end`, which an engine does before it runs: a thread those that it works on, so
 * that their memory is near it. */
void cluster_populate(struct cluster *cluster, uint32_t first, uint32_t end);

struct service_levels cluster_service_levels(const struct settings *settings);
struct recorder *cluster_new_recorder(const struct settings *settings);
void cluster_destroy(struct cluster *cluster);

#endif
