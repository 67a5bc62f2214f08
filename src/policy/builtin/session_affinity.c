#include "policy/builtin/builtin.h"

#include <math.h>

enum { PRESSURE_LIMIT, LOAD_LIMIT };

static const struct asim_parameter parameters[] = {
    [PRESSURE_LIMIT] = {.name = "pressure_limit",
                        .help = "KV use above which a program leaves its instance; fraction",
                        .kind = ASIM_NUMBER,
                        .value = 0.95,
                        .min = 0.0,
                        .max = 1.0},
    [LOAD_LIMIT] = {.name = "load_limit",
                    .help = "outstanding turns over the mean of all instances above which it leaves; factor",
                    .kind = ASIM_NUMBER,
                    .value = 2.0,
                    .min = 1.0,
                    .max = INFINITY},
};

/* A home is under pressure when its KV is nearly all held by running turns, or when it has clearly more than its share
 * of turns; a handful of turns is never pressure. */
static bool under_pressure(const struct asim_routing *routing, const struct asim_instance_view *home)
{
    enum { HANDFUL = 4 };
    const double kv_use = (double)home->used_blocks / (double)home->usable_blocks;
    const double mean = (double)routing->outstanding / (double)routing->n_instances;
    return kv_use > routing->parameters[PRESSURE_LIMIT] ||
           (home->outstanding > HANDFUL && (double)home->outstanding > routing->parameters[LOAD_LIMIT] * mean);
}

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    if (request->home != ASIM_NONE && !under_pressure(routing, &routing->instances[request->home])) {
        return request->home;
    }
    return routing->least_loaded;
}

const struct asim_policy policy_session_affinity = {
    POLICY_HEAD,
    .name = "session-affinity",
    .summary = "a program stays where its KV cache is until that instance is under pressure, then least-loaded",
    .source = "AgentServeSim (arXiv 2606.09613), session-aware router",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW,
    .route = route,
};
