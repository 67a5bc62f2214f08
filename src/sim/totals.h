/* What the instances of a cluster did, summed up over them and over the ranks. */
#ifndef ASIM_SIM_TOTALS_H
#define ASIM_SIM_TOTALS_H

#include "instance/residency/residency_counters.h"
#include "pdes/transport.h"
#include "sim/cluster.h"

struct cluster_totals {
    uint64_t steps;
    uint64_t fast_forwarded;
    uint64_t turns_inside; /* waiting, running, on their way */
    uint64_t evicted_blocks;
    uint64_t kv_blocks_sent, kv_blocks_taken, kv_blocks_refused; /* with turns that were moved */
    uint64_t events;
    uint64_t deciding;                   /* instances in which policies decide */
    uint64_t nodes;                      /* groups of instances that share tiers */
    uint32_t peak_used_blocks;           /* of one instance */
    simtime longest_busy;                /* step time of one instance */
    unsigned __int128 part[STEP_BOUNDS]; /* ps */
    struct residency_counters decisions;
    struct belady_counts belady; /* zeros, where that is not asked for */
    uint64_t largest_ratio;      /* misses over the optimal ones of one instance, in parts of a billion */
    struct node_links links;
};

struct cluster_totals cluster_totals(const struct cluster *cluster, struct transport *transport);

#endif
