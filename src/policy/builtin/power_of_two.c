#include "policy/builtin/builtin.h"
#include "policy/builtin/routing_draw.h"

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    (void)request;
    if (routing->n_instances == 1) {
        return 0;
    }
    const uint32_t first = draw_below((uint32_t)(routing->random >> 32), routing->n_instances);
    const uint32_t other = draw_below((uint32_t)routing->random, routing->n_instances - 1);
    const uint32_t second = other + (other >= first);
    return routing->instances[second].outstanding < routing->instances[first].outstanding ? second : first;
}

const struct asim_policy policy_power_of_two = {
    POLICY_HEAD,
    .name = "power-of-two",
    .summary = "of two instances drawn at random the one with fewer outstanding turns",
    .source = "the power of two choices (Mitzenmacher)",
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_RANDOM,
    .route = route,
};
