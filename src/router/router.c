#include "router/router.h"

#include "base/mem.h"

#include <assert.h>

struct router {
    struct router_options options;
    struct instance_view *views;
    uint64_t *sent;        /* turns sent to each instance, ever */
    uint64_t outstanding;  /* sum over the views */
    simtime next_snapshot; /* the first decision at or after this instant needs new snapshots */
    uint32_t *homes;       /* by slot */
    size_t n_homes;
    uint64_t policy_state;
    struct router_counters counters;
};

struct router *router_create(const struct router_options *options)
{
    struct router *router = mem_zalloc(sizeof *router);
    router->options = *options;
    router->views = mem_zalloc(options->n_instances * sizeof *router->views);
    router->sent = mem_zalloc(options->n_instances * sizeof *router->sent);
    for (uint32_t i = 0; i < options->n_instances; i++) {
        router->views[i].usable_blocks = options->usable_blocks;
    }
    return router;
}

void router_destroy(struct router *router)
{
    if (router) {
        mem_free(router->views);
        mem_free(router->sent);
        mem_free(router->homes);
        mem_free(router);
    }
}

simtime router_wants_snapshot(const struct router *router, simtime now)
{
    const simtime period = router->options.telemetry_period;
    return now >= router->next_snapshot ? now - now % period : -1;
}

void router_observe(struct router *router, uint32_t instance, const struct load_snapshot *snapshot)
{
    struct instance_view *view = &router->views[instance];
    assert(router->sent[instance] >= snapshot->received);
    const uint32_t on_the_way = (uint32_t)(router->sent[instance] - snapshot->received);
    router->outstanding -= view->outstanding;
    view->outstanding = snapshot->running + snapshot->waiting + on_the_way;
    view->used_blocks = snapshot->used_blocks;
    router->outstanding += view->outstanding;
}

void router_snapshots_done(struct router *router, simtime instant)
{
    router->next_snapshot = instant + router->options.telemetry_period;
}

uint32_t router_home(const struct router *router, uint32_t slot)
{
    return slot < router->n_homes ? router->homes[slot] : NO_INSTANCE;
}

static void set_home(struct router *router, uint32_t slot, uint32_t instance)
{
    const size_t known = router->n_homes;
    router->homes = mem_grow(router->homes, &router->n_homes, (size_t)slot + 1, sizeof *router->homes);
    for (size_t i = known; i < router->n_homes; i++) {
        router->homes[i] = NO_INSTANCE;
    }
    router->homes[slot] = instance;
}

uint32_t router_route(struct router *router, uint32_t slot, const struct routing_request *request)
{
    const struct routing_view view = {
        .instances = router->views, .n_instances = router->options.n_instances, .outstanding = router->outstanding};
    const uint32_t chosen = router->options.policy(&router->options.parameters, &view, request, &router->policy_state);
    assert(chosen < router->options.n_instances);
    if (request->home == NO_INSTANCE) {
        router->counters.cold++;
    } else if (request->home == chosen) {
        router->counters.affinity_hits++;
    } else {
        router->counters.affinity_breaks++;
    }
    router->sent[chosen]++;
    router->views[chosen].outstanding++;
    router->outstanding++;
    set_home(router, slot, chosen);
    return chosen;
}

void router_forget(struct router *router, uint32_t slot)
{
    if (slot < router->n_homes) {
        router->homes[slot] = NO_INSTANCE;
    }
}

const struct router_counters *router_counters(const struct router *router)
{
    return &router->counters;
}
