#include "router/router_internal.h"

#include "base/mem.h"
#include "base/rng.h"
#include "policy/policy_call.h"

#include <assert.h>
#include <inttypes.h>

static bool looks(const struct router *router)
{
    return router->gateway || (router_policy(router)->flags & (ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_OVERLAP));
}

bool router_wants_prompt(const struct router *router)
{
    return policy_reads_prompt(router_policy(router));
}

static void start_policy(struct router *router)
{
    const struct asim_policy *policy = router_policy(router);
    router->policy_state = mem_zalloc(policy->state_size);
    if (policy->start) {
        policy_enter(router->options.policy, "start");
        policy->start(&(struct asim_context){
            .state = router->policy_state, .parameters = router->options.policy->parameters, .instance = ASIM_NONE});
        policy_leave(router->options.policy);
    }
}

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
    router->homing = routing_homing(options->policy);
    if (router->homing) {
        router->most_blocks = router->homing->most_blocks(options->policy->parameters, options->usable_blocks);
    }
    router->next_snapshot = options->view == ROUTER_VIEW_EXACT ? 0 : options->telemetry_period; /* all is idle at 0 */
    if (router_policy(router)->flags & ASIM_POLICY_READS_OVERLAP) {
        router->record = sent_record_create(options->n_instances, options->usable_blocks, options->block_size);
    }
    start_policy(router);
    router->gateway = gateway_create(router);
    return router;
}

void router_destroy(struct router *router)
{
    if (router) {
        load_index_fini(&router->loads);
        mem_free(router->views);
        mem_free(router->sent);
        mem_free(router->policy_state);
        sent_record_destroy(router->record);
        gateway_destroy(router->gateway);
        mem_free(router);
    }
}

simtime router_wants_snapshot(const struct router *router, simtime now)
{
    if (!looks(router) || now < router->next_snapshot) {
        return -1;
    }
    return router->options.view == ROUTER_VIEW_EXACT ? now : now - now % router->options.telemetry_period;
}

simtime router_next_snapshot(const struct router *router)
{
    return looks(router) ? router->next_snapshot : SIMTIME_NEVER;
}

enum { LOAD_SHIFT = 32 };

static uint64_t load_of(const struct asim_instance_view *view)
{
    return (uint64_t)view->outstanding << LOAD_SHIFT | view->used_blocks;
}

static void observe(struct router *router, uint32_t instance, const struct load_snapshot *snapshot)
{
    assert(router->sent[instance] >= snapshot->received);
    const uint32_t on_the_way = (uint32_t)(router->sent[instance] - snapshot->received);
    struct asim_instance_view *view = &router->views[instance];
    view->outstanding = snapshot->running + snapshot->waiting + on_the_way;
    view->running = snapshot->running;
    view->waiting = snapshot->waiting;
    view->used_blocks = snapshot->used_blocks;
    router->loads.loads[instance] = load_of(view);
}

void router_observe(struct router *router, uint32_t instance, const struct load_snapshot *snapshot)
{
    observe(router, instance, snapshot);
    if (router->record) {
        const struct asim_instance_view *view = &router->views[instance];
        sent_record_observe(router->record, instance, view->outstanding, view->outstanding - view->running);
    }
}

void router_update(struct router *router, uint32_t instance, const struct load_snapshot *snapshot)
{
    const uint32_t before = router->views[instance].outstanding;
    router_observe(router, instance, snapshot);
    router->outstanding += (uint64_t)router->views[instance].outstanding - before;
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
    const uint64_t *loads = router->loads.loads;
    uint64_t outstanding = 0;
    for (uint32_t i = 0; i < router->options.n_instances; i++) {
        outstanding += loads[i] >> LOAD_SHIFT;
    }
    router->outstanding = outstanding;
    expect_snapshot_after(router, instant);
}

static bool is_block(const struct router *router, uint32_t n)
{
    return n >= 2 && (n & (n - 1)) == 0 && n <= router->loads.leaves;
}

struct block_load router_observe_block(struct router *router, uint32_t first, uint32_t n, uint32_t size,
                                       const struct load_snapshot *snapshots)
{
    assert(!router->record);
    struct block_load load = {0};
    uint32_t most_used = 0;
    for (uint32_t i = 0; i < n; i++) {
        observe(router, first + i, &snapshots[i]);
        const uint32_t outstanding = router->views[first + i].outstanding;
        load.outstanding += outstanding;
        load.most = outstanding > load.most ? outstanding : load.most;
        most_used = snapshots[i].used_blocks > most_used ? snapshots[i].used_blocks : most_used;
    }
    load.full = most_used > router->most_blocks;
    if (is_block(router, size)) {
        load_index_rebuild_block(&router->loads, first, size);
    }
    return load;
}

void router_blocks_observed(struct router *router, uint32_t size, uint64_t outstanding, simtime instant)
{
    if (is_block(router, size)) {
        load_index_rebuild_above(&router->loads, size);
    } else {
        load_index_rebuild(&router->loads);
    }
    router->outstanding = outstanding;
    expect_snapshot_after(router, instant);
}

/* ---- turns that surely go home ---- */

bool router_knows_homes(const struct router *router)
{
    return router->homing && router->options.view == ROUTER_VIEW_TELEMETRY;
}

bool router_home_is_open(const struct router *router, uint32_t instance)
{
    return router->views[instance].used_blocks <= router->most_blocks;
}

uint32_t router_home_most(const struct router *router, uint64_t more)
{
    return router->homing->most_turns(router->options.policy->parameters, router->outstanding + more,
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

static bool draws(const struct router *router)
{
    return (router_policy(router)->flags & ASIM_POLICY_READS_RANDOM) != 0;
}

static uint64_t draw(const struct router *router, uint64_t program, uint32_t turn, enum rng_purpose purpose)
{
    return rng_u64((struct rng_key){.seed = router->options.seed, .program = program, .turn = turn, .purpose = purpose},
                   0);
}

void router_show_prompt(struct router *router, struct content prompt)
{
    router->prompt = prompt;
}

struct asim_routing router_routing(const struct router *router, simtime now)
{
    return (struct asim_routing){.state = router->policy_state,
                                 .parameters = router->options.policy->parameters,
                                 .now = now,
                                 .instances = router->views,
                                 .n_instances = router->options.n_instances,
                                 .block_size = router->options.block_size,
                                 .outstanding = router->outstanding,
                                 .least_loaded = load_index_least(&router->loads)};
}

uint64_t router_draw_of_tick(const struct router *router, uint64_t number)
{
    return draws(router) ? draw(router, number, 0, RNG_TICK) : 0;
}

static void count(struct router *router, const struct asim_request *request, uint32_t chosen)
{
    if (request->home == ASIM_NONE) {
        router->counters.cold++;
    } else if (request->home == chosen) {
        router->counters.affinity_hits++;
    } else {
        router->counters.affinity_breaks++;
    }
}

static void tell_of_submission(struct router *router, const struct asim_request *request, uint32_t chosen,
                               enum sent_as as, simtime now)
{
    const struct policy_use *use = router->options.policy;
    const struct asim_context context = {.state = router->policy_state,
                                         .parameters = use->parameters,
                                         .now = now,
                                         .instance = ASIM_NONE,
                                         .block_size = router->options.block_size};
    const struct asim_submission submission = {.program = request->program,
                                               .turn = request->turn,
                                               .instance = chosen,
                                               .home = request->home,
                                               .prompt_toks = request->prompt_toks,
                                               .was_held = as == SENT_RELEASED,
                                               .was_moved = as == SENT_MOVED};
    policy_enter(use, "on_submit");
    use->policy->on_submit(&context, &submission);
    policy_leave(use);
}

/* The record has looked the prompt up. */
static void sent(struct router *router, const struct asim_request *request, uint32_t chosen)
{
    router->sent[chosen]++;
    router->views[chosen].outstanding++;
    router->outstanding++;
    if (router->record) {
        sent_record_enter(router->record, chosen, router->prompt, request->prompt_toks);
        router->views[chosen].index_blocks = sent_record_blocks(router->record, chosen);
    }
    load_index_set(&router->loads, chosen, load_of(&router->views[chosen]));
}

uint32_t router_route(struct router *router, const struct asim_request *request, simtime now)
{
    const struct asim_policy *policy = router_policy(router);
    struct sent_record *record = router->record;
    struct asim_routing routing = router_routing(router, now);
    routing.overlap = record ? sent_record_overlap(record, router->prompt, request->prompt_toks) : NULL;
    routing.pending = record ? sent_record_pending(record) : NULL;
    routing.random = draws(router) ? draw(router, request->program, request->turn, RNG_ROUTE) : 0;
    policy_enter(router->options.policy, "route");
    const uint32_t chosen = policy->route(&routing, request);
    policy_leave(router->options.policy);
    if (chosen == ASIM_HELD && policy->route_tick) {
        router->counters.held++;
        return ASIM_HELD;
    }
    if (chosen >= router->options.n_instances) {
        policy_fault_set(&router->fault, policy, "route",
                         "instance %" PRIu32 " for turn %" PRIu32 " of program %" PRIu64 "; allowed: 0 to %" PRIu32,
                         chosen, request->turn, request->program, router->options.n_instances - 1);
        return ASIM_NONE;
    }
    count(router, request, chosen);
    sent(router, request, chosen);
    if (policy->on_submit) {
        tell_of_submission(router, request, chosen, SENT_ROUTED, now);
    }
    return chosen;
}

void router_send(struct router *router, const struct asim_request *request, uint32_t chosen, enum sent_as as,
                 simtime now)
{
    if (router->record) {
        sent_record_overlap(router->record, router->prompt, request->prompt_toks);
    }
    if (as == SENT_MOVED) {
        router->counters.moved++;
    } else {
        count(router, request, chosen);
    }
    sent(router, request, chosen);
    if (router_policy(router)->on_submit) {
        tell_of_submission(router, request, chosen, as, now);
    }
}

struct gateway *router_gateway(const struct router *router)
{
    return router->gateway;
}

const struct policy_fault *router_fault(const struct router *router)
{
    return &router->fault;
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
enum { SECTION_VERSION = 4 };

void router_save(const struct router *router, struct store_writer *writer)
{
    store_begin(writer, SECTION, SECTION_VERSION);
    store_put_u32(writer, router->options.n_instances);
    store_put_i64(writer, router->next_snapshot);
    store_put_u64(writer, router_policy(router)->state_size);
    store_put_bytes(writer, router->policy_state, router_policy(router)->state_size);
    store_put_u64(writer, router->counters.affinity_hits);
    store_put_u64(writer, router->counters.affinity_breaks);
    store_put_u64(writer, router->counters.cold);
    store_put_u64(writer, router->counters.held);
    store_put_u64(writer, router->counters.moved);
    for (uint32_t i = 0; i < router->options.n_instances; i++) {
        store_put_u64(writer, router->sent[i]);
        store_put_u32(writer, router->views[i].outstanding);
        store_put_u32(writer, router->views[i].running);
        store_put_u32(writer, router->views[i].waiting);
        store_put_u32(writer, router->views[i].used_blocks);
    }
    if (router->record) {
        sent_record_save(router->record, writer);
    }
    store_end(writer);
}

static void load_view(struct router *router, uint32_t instance, struct store_reader *reader)
{
    struct asim_instance_view *view = &router->views[instance];
    router->sent[instance] = store_get_u64(reader);
    view->outstanding = store_get_u32(reader);
    view->running = store_get_u32(reader);
    view->waiting = store_get_u32(reader);
    view->used_blocks = store_get_u32(reader);
    if (view->outstanding > router->sent[instance] || (uint64_t)view->running + view->waiting > view->outstanding ||
        view->used_blocks > view->usable_blocks) {
        store_refuse(reader,
                     "%" PRIu32 " turns of %" PRIu64 " and %" PRIu32 " blocks of %" PRIu32 " at instance %" PRIu32,
                     view->outstanding, router->sent[instance], view->used_blocks, view->usable_blocks, instance);
    }
    router->outstanding += view->outstanding;
    router->loads.loads[instance] = load_of(view);
}

static void load_policy_state(struct router *router, struct store_reader *reader)
{
    const size_t size = router_policy(router)->state_size;
    const uint64_t saved = store_get_u64(reader);
    if (saved != size) {
        store_refuse(reader, "%" PRIu64 " bytes of policy state; policy %s has %zu", saved, router_policy(router)->name,
                     size);
        return;
    }
    store_get_bytes(reader, router->policy_state, size);
}

static void load_record(struct router *router, struct store_reader *reader)
{
    for (uint32_t i = 0; router->record && i < router->options.n_instances && !store_failed(reader); i++) {
        struct asim_instance_view *view = &router->views[i];
        if (sent_record_load(router->record, i, view->outstanding, view->outstanding - view->running, reader)) {
            view->index_blocks = sent_record_blocks(router->record, i);
        }
    }
}

bool router_load(struct router *router, struct store_reader *reader)
{
    if (!store_enter(reader, SECTION, SECTION_VERSION)) {
        return false;
    }
    const uint32_t n = store_get_u32(reader);
    router->next_snapshot = store_get_i64(reader);
    load_policy_state(router, reader);
    router->counters.affinity_hits = store_get_u64(reader);
    router->counters.affinity_breaks = store_get_u64(reader);
    router->counters.cold = store_get_u64(reader);
    router->counters.held = store_get_u64(reader);
    router->counters.moved = store_get_u64(reader);
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
    load_record(router, reader);
    return store_leave(reader);
}
