#include "policy/builtin/builtin.h"
#include "policy/homing.h"

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

/* A handful of turns is never pressure. */
enum { HANDFUL = 4 };

/* A home is under pressure when its KV is nearly all held by running turns, */
static bool is_full(const double *given, uint32_t used_blocks, uint32_t usable_blocks)
{
    return (double)used_blocks / (double)usable_blocks > given[PRESSURE_LIMIT];
}

/* or when it has clearly more than its share of turns. */
static uint32_t most_turns(const double *given, uint64_t outstanding, uint32_t n_instances)
{
    const double mean = (double)outstanding / (double)n_instances;
    const double most = given[LOAD_LIMIT] * mean;
    return most < HANDFUL ? HANDFUL : most < (double)UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

static uint32_t most_blocks(const double *given, uint32_t usable_blocks)
{
    uint32_t most = 0;
    for (uint32_t bit = UINT32_C(1) << 31; bit; bit /= 2) {
        if (!is_full(given, most + bit, usable_blocks)) {
            most += bit;
        }
    }
    return most;
}

const struct routing_homing session_affinity_homing = {.most_blocks = most_blocks, .most_turns = most_turns};

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    if (request->home != ASIM_NONE) {
        const struct asim_instance_view *home = &routing->instances[request->home];
        if (!is_full(routing->parameters, home->used_blocks, home->usable_blocks) &&
            home->outstanding <= most_turns(routing->parameters, routing->outstanding, routing->n_instances)) {
            return request->home;
        }
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
