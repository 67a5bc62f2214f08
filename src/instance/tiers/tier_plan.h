/* What lies below HBM: tiers of KV blocks, the links to them, and how the engine uses them. */
#ifndef ASIM_INSTANCE_TIER_PLAN_H
#define ASIM_INSTANCE_TIER_PLAN_H

#include "base/simtime.h"

#include <stdbool.h>
#include <stdint.h>

enum { MAX_TIERS = 3 }; /* host DRAM, CXL, NVMe */

/* When an engine copies KV to the first tier by itself; it loads what it finds there when a turn is admitted. */
enum offload_engine {
    OFFLOAD_BY_POLICY,     /* when a policy asks for it */
    OFFLOAD_WRITE_THROUGH, /* all blocks, when the batch that fills them up has ended */
    OFFLOAD_PROMPTS,       /* the same of prompts; generated tokens are not stored */
    OFFLOAD_FIRST_HIT,     /* what a turn hits in HBM, when it is admitted */
    OFFLOAD_SECOND_HIT,    /* what was hit before it is hit again */
    OFFLOAD_WRITE_BACK,    /* nothing, until it must make room in HBM */
};

/* When what storage has of a waiting turn's prompt has not come up in time. */
enum raise_stop {
    RAISE_BEST_EFFORT, /* it is cut short when the turn could be admitted */
    RAISE_WAIT,        /* the turn waits for all of it */
    RAISE_TIMEOUT      /* the turn waits for a time */
};

struct tier_spec {
    const char *name;
    uint32_t n_blocks;
    uint64_t read_bandwidth, write_bandwidth; /* bytes/s */
    bool is_duplex;                           /* else reads and writes share the bandwidth */
    simtime latency;                          /* of the start of a transfer */
    bool has_arc;                             /* gives up blocks by ARC, else the one used longest ago */
    bool is_pooled;                           /* one for all hosts of the node, else one for each */
};

struct tier_plan {
    uint32_t n_tiers;
    struct tier_spec tiers[MAX_TIERS];
    uint64_t out_bandwidth, in_bandwidth; /* accelerators of an instance to the host and back, bytes/s */
    simtime link_latency;
    uint64_t block_bytes;
    enum offload_engine engine;
    uint32_t chunk_blocks;    /* stored and found in whole chunks of so many blocks */
    uint32_t least_load_toks; /* fewer are computed rather than loaded, */
    uint32_t most_load_toks;  /* and more too */
    bool loads_into_room;     /* a turn for whose load there is no room computes it too */
    /* A tier from which turns load nothing: what it has is raised to the first tier while they wait, and it is given
     * what is hit twice. n_tiers: none. */
    uint32_t storage;
    uint32_t least_raise_toks;
    enum raise_stop raise_stop;
    simtime raise_timeout, raise_timeout_per_ktok;
    bool between_steps;      /* copies run between batches, not beside them */
    uint32_t node_instances; /* instances that share some tier; 1: none do */
    uint32_t host_instances; /* of those, on one host: they share all tiers */
};

/* Pools of tiers are numbered within a node; of a pooled tier only that of the first host is there. */
static inline uint32_t tier_hosts(const struct tier_plan *plan)
{
    return (plan->node_instances + plan->host_instances - 1) / plan->host_instances;
}

static inline uint32_t tier_pools(const struct tier_plan *plan)
{
    return plan->n_tiers * tier_hosts(plan);
}

/* The pool of a tier for the member at `place`; and whether there is one with that number. */
static inline uint32_t tier_pool(const struct tier_plan *plan, uint32_t tier, uint32_t place)
{
    return tier * tier_hosts(plan) + (plan->tiers[tier].is_pooled ? 0 : place / plan->host_instances);
}

static inline bool tier_has_pool(const struct tier_plan *plan, uint32_t pool)
{
    return !plan->tiers[pool / tier_hosts(plan)].is_pooled || pool % tier_hosts(plan) == 0;
}

/* How many instances share the pool of a tier. */
static inline uint32_t tier_sharers(const struct tier_plan *plan, uint32_t tier)
{
    return plan->tiers[tier].is_pooled ? plan->node_instances : plan->host_instances;
}

/* Time of a load over idle links. */
static inline simtime tier_load_time(const struct tier_plan *plan, uint32_t tier, uint64_t blocks)
{
    const uint64_t read = plan->tiers[tier].read_bandwidth;
    const uint64_t bandwidth = read < plan->in_bandwidth ? read : plan->in_bandwidth;
    const unsigned __int128 bytes = (unsigned __int128)blocks * plan->block_bytes;
    return plan->link_latency + plan->tiers[tier].latency + (simtime)(bytes * SIMTIME_S / bandwidth);
}

#endif
