/* Whole simulations of small random workloads: a session file and settings, keyed by a seed, and what must hold of any
 * of them whatever the policies decide. */
#ifndef ASIM_TESTS_SIM_RANDOM_CLUSTER_H
#define ASIM_TESTS_SIM_RANDOM_CLUSTER_H

#include "asim/asim.h"
#include "asim/policy.h"
#include "base/digest.h"

enum { MOST_OPTIONS = 64 };

struct option_text {
    const char *path;
    char value[160];
};

struct random_cluster {
    struct option_text options[MOST_OPTIONS];
    size_t n_options;
    /* In place of those that the options name, but for summaries; NULL: those. */
    const struct asim_policy *retention, *scheduling, *routing;
};

/* Writes the workload file (named by `seed`, below the binary folder) and draws the options. */
void random_cluster_init(struct random_cluster *cluster, uint64_t seed);
void random_cluster_fini(struct random_cluster *cluster);

/* Writes another workload in place of the one that was drawn: most programs are graphs, some with token ids. */
void random_cluster_use_graphs(struct random_cluster *cluster, uint64_t seed);

/* Draws tiers below HBM: small ones, and links on which a transfer takes a while. */
void random_cluster_use_tiers(struct random_cluster *cluster, uint64_t seed);

/* Draws built-in policies of retention and scheduling. */
void random_cluster_use_policies(struct random_cluster *cluster, uint64_t seed);

/* Sets an option, in place of what was drawn for it. */
void random_cluster_set(struct random_cluster *cluster, const char *path, const char *value);
void random_cluster_unset(struct random_cluster *cluster, const char *path);
const char *random_cluster_get(const struct random_cluster *cluster, const char *path);

/* What a run covered, summed over runs. */
struct cluster_coverage {
    uint64_t runs, programs, turns, dropped, truncated, preemptions, affinity_hits, affinity_breaks, idle_instances,
        length_limited, hits, closed_loops, graphs, joins, first_turns, retained, pins_forced, stores, loads,
        prefetches, raises, loaded_deep, held, moved, kv_blocks_sent, kv_blocks_taken;
    struct digest decisions; /* of the last run: what policies and tiers did at each instance */
    uint64_t events;         /* of the last run */
};

/* Runs it on the engine that its options name, checks that nothing is lost, invented or out of order, and returns the
 * digest of all turns. */
struct digest random_cluster_run(const struct random_cluster *cluster, struct cluster_coverage *coverage);

/* The cluster of a configuration of it, with its policies, that has not run. Fails where there is none. */
struct cluster;
struct diag;
struct cluster *random_cluster_create(const struct random_cluster *cluster, const asim_config *config,
                                      struct diag *diag);

/* The canonical summary through the public interface; freed with free(). */
char *random_cluster_summary(const struct random_cluster *cluster);

/* The options as a resolved configuration. */
asim_config *random_cluster_config(const struct random_cluster *cluster);

#endif
