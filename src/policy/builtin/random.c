#include "policy/builtin/builtin.h"
#include "policy/builtin/routing_draw.h"

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    (void)request;
    return draw_below((uint32_t)(routing->random >> 32), routing->n_instances);
}

const struct asim_policy policy_random = {
    POLICY_HEAD,
    .name = "random",
    .summary = "any instance, each with the same chance; sees nothing",
    .source = "common practice",
    .flags = ASIM_POLICY_READS_RANDOM,
    .route = route,
};
