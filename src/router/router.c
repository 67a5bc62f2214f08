#include "router/router.h"

#include "base/mem.h"
#include "router/load_index.h"

#include <assert.h>
#include <inttypes.h>

struct router {
    struct router_options options;
    struct instance_view *views;
    struct load_index loads; /* outstanding turns, then KV use */
    uint64_t *sent;          /* turns sent to each instance, ever */
    uint64_t outstanding;    /* sum over the views */
    simtime next_snapshot;   /* the first decision at or after this instant needs new snapshots */
    uint64_t policy_state;
    uint32_t most_blocks; /* of an open home, where the policy has such */
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
    load_index_init(&router->loads, options->n_instances);
    if (options->policy->homing) {
        router->most_blocks = options->policy->homing->most_blocks(&options->parameters, options->usable_blocks);
    }
    router->next_snapshot = options->view == ROUTER_VIEW_EXACT ? 0 : options->telemetry_period; /* all is idle at 0 */
    return router;
}

void router_destroy(struct router *router)
{
    if (router) {
        load_index_fini(&router->loads);
        mem_free(router->views);
        mem_free(router->sent);
        mem_free(router);
    }
}

simtime router_wants_snapshot(const struct router *router, simtime now)
{
    if (router->options.policy->reads == READS_NOTHING || now < router->next_snapshot) {
        return -1;
    }
    return router->options.view == ROUTER_VIEW_EXACT ? now : now - now % router->options.telemetry_period;
}

simtime router_next_snapshot(const struct router *router)
{
    return router->options.policy->reads == READS_NOTHING ? SIMTIME_NEVER : router->next_snapshot;
}

static uint64_t load_of(const struct instance_view *view)
{
    return (uint64_t)view->outstanding << 32 | view->used_blocks;
}

static uint32_t observe(struct router *router, uint32_t instance, const struct load_snapshot *snapshot)
{
    struct instance_view *view = &router->views[instance];
    assert(router->sent[instance] >= snapshot->received);
    const uint32_t on_the_way = (uint32_t)(router->sent[instance] - snapshot->received);
    view->outstanding = snapshot->running + snapshot->waiting + on_the_way;
    view->used_blocks = snapshot->used_blocks;
    router->loads.loads[instance] = load_of(view);
    return view->outstanding;
}

void router_observe(struct router *router, uint32_t instance, const struct load_snapshot *snapshot)
{
    router->outstanding -= router->views[instance].outstanding;
    router->outstanding += observe(router, instance, snapshot);
}

void router_update(struct router *router, uint32_t instance, const struct load_snapshot *snapshot)
{
    router_observe(router, instance, snapshot);
    load_index_set(&router->loads, instance, router->loads.loads[instance]);
}

static void expect_snapshot_after(struct router *router, simtime instant)
{
    router->next_snapshot =
        router->options.view == ROUTER_VIEW_EXACT ? instant + 1 : instant + router->options.telemetry_period;
}

void router_snapshots_done(struct router *router, simtime instant)
{
    load_index_rebuild(&router->loads);
    expect_snapshot_after(router, instant);
}

static bool is_block(const struct router *router, uint32_t n)
{
    return n >= 2 && (n & (n - 1)) == 0 && n <= router->loads.leaves;
}

struct block_load router_observe_block(struct router *router, uint32_t first, uint32_t n, uint32_t size,
                                       const struct load_snapshot *snapshots)
{
    struct block_load load = {0};
    for (uint32_t i = first; i < first + n; i++) {
        const uint32_t outstanding = observe(router, i, &snapshots[i - first]);
        load.outstanding += outstanding;
        load.most = outstanding > load.most ? outstanding : load.most;
        load.full |= router->views[i].used_blocks > router->most_blocks;
    }
    if (is_block(router, size)) {
        load_index_rebuild_block(&router->loads, first, size);
    }
    return load;
}

void router_blocks_observed(struct router *router, uint32_t size, uint64_t outstanding, simtime instant)
{
    router->outstanding = outstanding;
    if (is_block(router, size)) {
        load_index_rebuild_above(&router->loads, size);
        expect_snapshot_after(router, instant);
    } else {
        router_snapshots_done(router, instant);
    }
}

/* ---- turns that surely go home ---- */

bool router_knows_homes(const struct router *router)
{
    return router->options.policy->homing && router->options.view == ROUTER_VIEW_TELEMETRY;
}

bool router_home_is_open(const struct router *router, uint32_t instance)
{
    return router->views[instance].used_blocks <= router->most_blocks;
}

uint32_t router_home_most(const struct router *router, uint64_t more)
{
    return router->options.policy->homing->most_turns(&router->options.parameters, router->outstanding + more,
                                                      router->options.n_instances);
}

uint32_t router_outstanding(const struct router *router, uint32_t instance)
{
    return router->views[instance].outstanding;
}

void router_sent_home_apart(struct router *router, uint32_t instance, uint32_t n)
{
    router->sent[instance] += n;
    router->views[instance].outstanding += n;
}

void router_sent_home(struct router *router, uint64_t n)
{
    router->outstanding += n;
    router->counters.affinity_hits += n;
}

uint32_t router_prefetch_least(const struct router *router)
{
    const uint32_t least = load_index_least(&router->loads);
    __builtin_prefetch(&router->views[least]);
    __builtin_prefetch(&router->sent[least]);
    return least;
}

uint32_t router_least_loaded(struct router *router, bool *current)
{
    const uint32_t least = load_index_least(&router->loads);
    const uint64_t load = load_of(&router->views[least]);
    *current = router->loads.loads[least] == load;
    if (!*current) {
        load_index_set(&router->loads, least, load);
    }
    return least;
}

uint32_t router_route(struct router *router, const struct routing_request *request)
{
    const struct routing_view view = {.instances = router->views,
                                      .n_instances = router->options.n_instances,
                                      .outstanding = router->outstanding,
                                      .least_loaded = load_index_least(&router->loads)};
    const uint32_t chosen =
        router->options.policy->route(&router->options.parameters, &view, request, &router->policy_state);
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
    load_index_set(&router->loads, chosen, load_of(&router->views[chosen]));
    return chosen;
}

const struct router_counters *router_counters(const struct router *router)
{
    return &router->counters;
}

uint64_t router_sent(const struct router *router, uint32_t instance)
{
    return router->sent[instance];
}

/* ---- saved states ---- */

#define SECTION "router"
enum { SECTION_VERSION = 1 };

void router_save(const struct router *router, struct store_writer *writer)
{
    store_begin(writer, SECTION, SECTION_VERSION);
    store_put_u32(writer, router->options.n_instances);
    store_put_i64(writer, router->next_snapshot);
    store_put_u64(writer, router->policy_state);
    store_put_u64(writer, router->counters.affinity_hits);
    store_put_u64(writer, router->counters.affinity_breaks);
    store_put_u64(writer, router->counters.cold);
    for (uint32_t i = 0; i < router->options.n_instances; i++) {
        store_put_u64(writer, router->sent[i]);
        store_put_u32(writer, router->views[i].outstanding);
        store_put_u32(writer, router->views[i].used_blocks);
    }
    store_end(writer);
}

static void load_view(struct router *router, uint32_t instance, struct store_reader *reader)
{
    struct instance_view *view = &router->views[instance];
    router->sent[instance] = store_get_u64(reader);
    view->outstanding = store_get_u32(reader);
    view->used_blocks = store_get_u32(reader);
    if (view->outstanding > router->sent[instance] || view->used_blocks > view->usable_blocks) {
        store_refuse(reader,
                     "%" PRIu32 " turns of %" PRIu64 " and %" PRIu32 " blocks of %" PRIu32 " at instance %" PRIu32,
                     view->outstanding, router->sent[instance], view->used_blocks, view->usable_blocks, instance);
    }
    router->outstanding += view->outstanding;
    router->loads.loads[instance] = load_of(view);
}

bool router_load(struct router *router, struct store_reader *reader)
{
    if (!store_enter(reader, SECTION, SECTION_VERSION)) {
        return false;
    }
    const uint32_t n = store_get_u32(reader);
    router->next_snapshot = store_get_i64(reader);
    router->policy_state = store_get_u64(reader);
    router->counters.affinity_hits = store_get_u64(reader);
    router->counters.affinity_breaks = store_get_u64(reader);
    router->counters.cold = store_get_u64(reader);
    const bool on_period =
        router->options.view == ROUTER_VIEW_EXACT || router->next_snapshot % router->options.telemetry_period == 0;
    if (n != router->options.n_instances) {
        store_refuse(reader, "%" PRIu32 " instances; expected %" PRIu32, n, router->options.n_instances);
    } else if (router->next_snapshot < 0 || router->next_snapshot == SIMTIME_NEVER || !on_period) {
        store_refuse(reader, "no snapshots are taken at %" PRId64 " ps", router->next_snapshot);
    }
    router->outstanding = 0;
    for (uint32_t i = 0; i < n && !store_failed(reader); i++) {
        load_view(router, i, reader);
    }
    load_index_rebuild(&router->loads);
    return store_leave(reader);
}
