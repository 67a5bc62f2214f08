#include "policy/builtin/builtin.h"

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    (void)request;
    return routing->least_loaded;
}

const struct asim_policy policy_least_loaded = {
    POLICY_HEAD,
    .name = "least-loaded",
    .summary = "fewest outstanding turns, by telemetry and what was sent since; ties by KV use",
    .source = "common practice",
    .flags = ASIM_POLICY_READS_VIEW,
    .route = route,
};
