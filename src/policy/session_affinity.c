#include "policy/routing.h"

/* A handful of turns is never pressure. */
enum { HANDFUL = 4 };

/* A home is under pressure when its KV is nearly all held by running turns, */
static bool open_home(const struct routing_parameters *parameters, const struct instance_view *home)
{
    const double kv_use = (double)home->used_blocks / (double)home->usable_blocks;
    return !(kv_use > parameters->pressure_limit);
}

/* or when it has clearly more than its share of turns. */
static uint32_t most_turns(const struct routing_parameters *parameters, uint64_t outstanding, uint32_t n_instances)
{
    const double mean = (double)outstanding / (double)n_instances;
    const double most = parameters->load_limit * mean;
    return most < HANDFUL ? HANDFUL : most < (double)UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

const struct routing_homing session_affinity_homing = {.open = open_home, .most = most_turns};

uint32_t route_session_affinity(const struct routing_parameters *parameters, const struct routing_view *view,
                                const struct routing_request *request, uint64_t *state)
{
    (void)state;
    if (request->home != NO_INSTANCE) {
        const struct instance_view *home = &view->instances[request->home];
        if (open_home(parameters, home) &&
            home->outstanding <= most_turns(parameters, view->outstanding, view->n_instances)) {
            return request->home;
        }
    }
    return view->least_loaded;
}
