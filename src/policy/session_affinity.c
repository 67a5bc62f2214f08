#include "policy/routing.h"

#include <stdbool.h>

/* A home is under pressure when its KV is nearly all held by running turns, or when it has clearly more than its share
 * of turns; a handful of turns is never pressure. */
static bool under_pressure(const struct routing_parameters *parameters, const struct routing_view *view,
                           const struct instance_view *home)
{
    enum { HANDFUL = 4 };
    const double kv_use = (double)home->used_blocks / (double)home->usable_blocks;
    const double mean = (double)view->outstanding / (double)view->n_instances;
    return kv_use > parameters->pressure_limit ||
           (home->outstanding > HANDFUL && (double)home->outstanding > parameters->load_limit * mean);
}

uint32_t route_session_affinity(const struct routing_parameters *parameters, const struct routing_view *view,
                                const struct routing_request *request, uint64_t *state)
{
    (void)state;
    if (request->home != NO_INSTANCE && !under_pressure(parameters, view, &view->instances[request->home])) {
        return request->home;
    }
    return view->least_loaded;
}
