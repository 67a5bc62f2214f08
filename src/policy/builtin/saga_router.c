#include "policy/builtin/builtin.h"

enum { LOAD_LIMIT };

static const struct asim_parameter parameters[] = {
    [LOAD_LIMIT] = {.name = "load_limit",
                    .help = "KV use from which a program leaves its instance; fraction",
                    .kind = ASIM_NUMBER,
                    .value = 0.8,
                    .min = 0.0,
                    .max = 1.0},
};

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    const uint32_t home = request->home;
    if (home != ASIM_NONE && routing->overlap[home] > 0) {
        const struct asim_instance_view *view = &routing->instances[home];
        if (view->used_blocks < routing->parameters[LOAD_LIMIT] * view->usable_blocks) {
            return home;
        }
    }
    return routing->least_loaded;
}

const struct asim_policy policy_saga_router = {
    POLICY_HEAD,
    .name = "saga-router",
    .summary = "home while its KV is there and the instance is not loaded, else the least loaded",
    .source = "SAGA (arXiv 2605.00528), session affinity",
    .assumed =
        "load is KV use in the last snapshot; KV is there if the router's record has it; no work stealing: a turn "
        "that was sent stays where it is",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_OVERLAP,
    .route = route,
};
