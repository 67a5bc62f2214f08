#include "instance/tiers/transfers.h"

#include "base/mem.h"

#include <assert.h>

/* Links of the network: two for each place of a member (to the host, from it), then two for each pool of a tier
 * (written, read), which are one where the tier is not duplex. Lanes: the copy engines of each place, out and in. */
static uint32_t n_links(const struct tier_plan *plan)
{
    return 2 * plan->node_instances + 2 * tier_pools(plan);
}

struct node *node_create(const struct tier_plan *plan, uint32_t block_size)
{
    struct node *node = mem_zalloc(sizeof *node);
    node->plan = plan;
    node->block_size = block_size;
    struct network_link *links = mem_zalloc(n_links(plan) * sizeof *links);
    for (uint32_t i = 0; i < 2 * plan->node_instances; i++) {
        links[i] = (struct network_link){.bandwidth = i % 2 ? plan->in_bandwidth : plan->out_bandwidth,
                                         .latency = plan->link_latency};
    }
    node->pools = mem_zalloc((tier_pools(plan) + 1) * sizeof(struct kv_pool *));
    for (uint32_t pool = 0; pool < tier_pools(plan); pool++) {
        const struct tier_spec *spec = &plan->tiers[pool / tier_hosts(plan)];
        struct network_link *written = &links[2 * plan->node_instances + 2 * pool];
        written[0] = (struct network_link){.bandwidth = spec->write_bandwidth, .latency = spec->latency};
        written[1] = (struct network_link){.bandwidth = spec->read_bandwidth, .latency = spec->latency};
        if (tier_has_pool(plan, pool)) {
            node->pools[pool] = kv_pool_create(spec->n_blocks + 1, block_size, true);
            if (spec->has_arc) {
                kv_pool_use_arc(node->pools[pool]);
            }
        }
    }
    node->network = network_create(links, n_links(plan), 2 * plan->node_instances);
    mem_free(links);
    return node;
}

static void free_transfer(struct node *node, struct transfer *transfer)
{
    if (transfer->is_live) { /* the run ended early */
        kv_release(node_pool(node, transfer->member, transfer->from), &transfer->source);
        if (transfer->kind != TRANSFER_LOAD) {
            kv_release(node_pool(node, transfer->member, transfer->to), &transfer->target);
        }
    }
    kv_holder_fini(&transfer->source);
    kv_holder_fini(&transfer->target);
    extent_list_fini(&transfer->content);
    mem_free(transfer);
}

void node_end(struct node *node)
{
    for (size_t i = 0; i < node->n_transfers; i++) {
        free_transfer(node, node->transfers[i]);
    }
    node->n_transfers = 0;
}

void node_destroy(struct node *node)
{
    if (!node) {
        return;
    }
    node_end(node);
    for (uint32_t pool = 0; pool < tier_pools(node->plan); pool++) {
        if (node->pools[pool]) {
            kv_pool_destroy(node->pools[pool]);
        }
    }
    mem_free(node->pools);
    network_destroy(node->network);
    mem_free(node->members);
    mem_free(node->transfers);
    kv_holder_fini(&node->scratch);
    mem_free(node->free_tags);
    mem_free(node);
}

void node_add_links(const struct node *node, struct node_links *sums)
{
    const uint32_t places = 2 * node->plan->node_instances;
    for (uint32_t i = 0; i < n_links(node->plan); i++) {
        const struct network_counters counters = network_link_counters(node->network, i);
        const uint32_t tier = i < places ? 0 : (i - places) / 2 / tier_hosts(node->plan);
        const uint32_t kind = (i < places ? NODE_LINK_OUT : NODE_LINK_TIERS + 2 * tier) + i % 2;
        sums->bytes[kind] += counters.bytes;
        sums->busy_ps[kind] += (unsigned __int128)counters.busy;
    }
}

uint32_t node_join(struct node *node, struct instance *instance)
{
    assert(node->n_members < node->plan->node_instances);
    node->members = mem_grow(node->members, &node->member_capacity, node->n_members + 1, sizeof *node->members);
    node->members[node->n_members] = instance;
    return (uint32_t)node->n_members++;
}

struct instance *node_advance(struct node *node, struct event_key limit)
{
    for (;;) {
        struct event_key first = EVENT_NEVER;
        struct event_key second = EVENT_NEVER;
        struct instance *next = NULL;
        for (size_t i = 0; i < node->n_members; i++) {
            const struct event_key key = instance_next(node->members[i]);
            if (!next || event_before(key, first)) {
                second = next ? first : EVENT_NEVER;
                first = key;
                next = node->members[i];
            } else if (event_before(key, second)) {
                second = key;
            }
        }
        if (!next || !event_before(first, limit)) {
            for (size_t i = 0; i < node->n_members; i++) {
                engine_pass(node->members[i], limit.time);
            }
            return NULL;
        }
        /* At one instant the earlier member goes first, and all of its events of that phase at once. */
        const struct event_key past = {.time = first.time, .phase = first.phase + 1};
        const struct event_key until = event_min(limit, event_before(second, past) ? past : second);
        if (instance_advance(next, until)) {
            return next;
        }
    }
}
