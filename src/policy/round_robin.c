#include "policy/routing.h"

uint32_t route_round_robin(const struct routing_parameters *parameters, const struct routing_view *view,
                           const struct routing_request *request, uint64_t *state)
{
    (void)parameters;
    (void)request;
    return (uint32_t)((*state)++ % view->n_instances);
}
