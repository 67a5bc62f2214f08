#include "policy/routing.h"

/* A handful of turns is never pressure. */
enum { HANDFUL = 4 };

/* A home is under pressure when its KV is nearly all held by running turns, */
static bool is_full(const struct routing_parameters *parameters, uint32_t used_blocks, uint32_t usable_blocks)
{
    return (double)used_blocks / (double)usable_blocks > parameters->pressure_limit;
}

/* or when it has clearly more than its share of turns. */
static uint32_t most_turns(const struct routing_parameters *parameters, uint64_t outstanding, uint32_t n_instances)
{
    const double mean = (double)outstanding / (double)n_instances;
    const double most = parameters->load_limit * mean;
    return most < HANDFUL ? HANDFUL : most < (double)UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

static uint32_t most_blocks(const struct routing_parameters *parameters, uint32_t usable_blocks)
{
    uint32_t most = 0;
    for (uint32_t bit = UINT32_C(1) << 31; bit; bit /= 2) {
        if (!is_full(parameters, most + bit, usable_blocks)) {
            most += bit;
        }
    }
    return most;
}

const struct routing_homing session_affinity_homing = {.most_blocks = most_blocks, .most_turns = most_turns};

uint32_t route_session_affinity(const struct routing_parameters *parameters, const struct routing_view *view,
                                const struct routing_request *request, uint64_t *state)
{
    (void)state;
    if (request->home != NO_INSTANCE) {
        const struct instance_view *home = &view->instances[request->home];
        if (!is_full(parameters, home->used_blocks, home->usable_blocks) &&
            home->outstanding <= most_turns(parameters, view->outstanding, view->n_instances)) {
            return request->home;
        }
    }
    return view->least_loaded;
}
