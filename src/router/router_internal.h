/* The inside of the router, shared with its gateway. */
#ifndef ASIM_ROUTER_ROUTER_INTERNAL_H
#define ASIM_ROUTER_ROUTER_INTERNAL_H

#include "policy/homing.h"
#include "router/gateway.h"
#include "router/load_index.h"
#include "router/router.h"
#include "router/sent_record.h"

struct router {
    struct router_options options;
    struct asim_instance_view *views;
    struct load_index loads;    /* outstanding turns, then KV use */
    uint64_t *sent;             /* turns sent to each instance, ever */
    uint64_t outstanding;       /* sum over the views */
    simtime next_snapshot;      /* the first decision at or after this instant needs new snapshots */
    void *policy_state;         /* state_size bytes */
    struct sent_record *record; /* NULL: the policy does not look at it */
    struct content prompt;      /* of the turn that is routed next */
    struct policy_fault fault;
    const struct routing_homing *homing; /* NULL: the policy has none */
    uint32_t most_blocks;                /* of an open home */
    struct router_counters counters;
    struct gateway *gateway; /* NULL: the policy hears of no ends and never ticks */
};

static inline const struct asim_policy *router_policy(const struct router *router)
{
    return router->options.policy->policy;
}

/* What policies see, but for prompts and draws. */
struct asim_routing router_routing(const struct router *router, simtime now);

/* What the policy draws in a tick; 0 unless it draws. */
uint64_t router_draw_of_tick(const struct router *router, uint64_t number);

/* NULL where the policy needs none. */
struct gateway *gateway_create(struct router *router);
void gateway_destroy(struct gateway *gateway);

#endif
