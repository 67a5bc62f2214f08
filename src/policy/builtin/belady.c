#include "policy/builtin/retention.h"

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    return turn->is_last ? retention_keep() : retention_hold(0.0);
}

/* The farthest return goes first. */
static double evict_order(const struct asim_context *context, const struct asim_resident *resident)
{
    (void)context;
    return -(double)resident->true_return;
}

const struct asim_policy policy_belady = {
    POLICY_HEAD,
    .name = "belady",
    .summary = "under pressure the KV goes whose program returns last",
    .source = "Belady (1966), by programs",
    .assumed = "contexts are given up whole; what a program leaves for good is not held",
    .flags = ASIM_POLICY_ORACLE,
    .on_turn_complete = on_turn_complete,
    .evict_order = evict_order,
};
