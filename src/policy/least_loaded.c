#include "policy/routing.h"

uint32_t least_loaded_instance(const struct routing_view *view)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < view->n_instances; i++) {
        const struct instance_view *candidate = &view->instances[i];
        const struct instance_view *current = &view->instances[best];
        if (candidate->outstanding < current->outstanding ||
            (candidate->outstanding == current->outstanding && candidate->used_blocks < current->used_blocks)) {
            best = i;
        }
    }
    return best;
}

uint32_t route_least_loaded(const struct routing_parameters *parameters, const struct routing_view *view,
                            const struct routing_request *request, uint64_t *state)
{
    (void)parameters;
    (void)request;
    (void)state;
    return least_loaded_instance(view);
}
