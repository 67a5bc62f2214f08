#include "policy/builtin/builtin.h"

/* The state is the number of turns routed. */
static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    (void)request;
    uint64_t *routed = routing->state;
    return (uint32_t)((*routed)++ % routing->n_instances);
}

const struct asim_policy policy_round_robin = {
    POLICY_HEAD,
    .name = "round-robin",
    .summary = "instances in turn, one LLM call each; sees nothing",
    .source = "common practice",
    .state_size = sizeof(uint64_t),
    .route = route,
};
