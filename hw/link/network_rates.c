/* Max-min fair rates by progressive filling.
 *
 * The links with changed flows are followed to all flows and links that they are connected with. Then, again and again,
 * the link with the least share, floor(left / flows without a rate), gives this share to its flows. Shares only grow
 * while others are given away: left >= n s and k flows take s each leave left - k s >= (n - k) s. So a heap with shares
 * that may be out of date, always too low, is corrected at its top.
 */
#include "hw/link/network_internal.h"

#include <assert.h>

static void mark_dirty(struct network *network, uint32_t l)
{
    if (!network->links[l].dirty) {
        network->links[l].dirty = true;
        network->dirty[network->n_dirty++] = l;
    }
}

void network_join(struct network *network, uint32_t f)
{
    struct flow *flow = &network->flows[f];
    for (uint32_t i = 0; i < flow->n_path; i++) {
        struct link *link = &network->links[flow->path[i]];
        const uint32_t hop = f << HOP_SHIFT | i;
        flow->prev[i] = NETWORK_NONE;
        flow->next[i] = link->first;
        if (link->first != NETWORK_NONE) {
            network->flows[link->first >> HOP_SHIFT].prev[link->first & HOP_MASK] = hop;
        } else {
            link->busy_since = network->now;
        }
        link->first = hop;
        link->n_flows++;
        mark_dirty(network, flow->path[i]);
    }
}

void network_leave(struct network *network, uint32_t f)
{
    struct flow *flow = &network->flows[f];
    for (uint32_t i = 0; i < flow->n_path; i++) {
        struct link *link = &network->links[flow->path[i]];
        const uint32_t next = flow->next[i];
        const uint32_t prev = flow->prev[i];
        if (prev == NETWORK_NONE) {
            link->first = next;
        } else {
            network->flows[prev >> HOP_SHIFT].next[prev & HOP_MASK] = next;
        }
        if (next != NETWORK_NONE) {
            network->flows[next >> HOP_SHIFT].prev[next & HOP_MASK] = prev;
        }
        if (--link->n_flows == 0) {
            link->busy += network->now - link->busy_since;
        }
        mark_dirty(network, flow->path[i]);
    }
}

struct component {
    uint32_t n_links, n_flows;
};

static void add_link(struct network *network, struct component *component, uint32_t l)
{
    struct link *link = &network->links[l];
    if (link->mark != network->mark) {
        link->mark = network->mark;
        link->residual = link->bandwidth;
        link->open = link->n_flows;
        network->component_links[component->n_links++] = l;
    }
}

/* Everything that shares links, transitively, with what has changed. */
static struct component collect(struct network *network)
{
    struct component component = {0};
    network->mark++;
    for (uint32_t i = 0; i < network->n_dirty; i++) {
        network->links[network->dirty[i]].dirty = false;
        add_link(network, &component, network->dirty[i]);
    }
    network->n_dirty = 0;
    for (uint32_t i = 0; i < component.n_links; i++) {
        uint32_t hop = network->links[network->component_links[i]].first;
        while (hop != NETWORK_NONE) {
            struct flow *flow = &network->flows[hop >> HOP_SHIFT];
            if (flow->mark != network->mark) {
                flow->mark = network->mark;
                flow->solved = 0;
                network->component_flows[component.n_flows++] = hop >> HOP_SHIFT;
                for (uint32_t k = 0; k < flow->n_path; k++) {
                    add_link(network, &component, flow->path[k]);
                }
            }
            hop = flow->next[hop & HOP_MASK];
        }
    }
    return component;
}

/* Gives all flows of the link that have no rate yet this one. */
static void fill(struct network *network, const struct link *link, uint64_t share)
{
    uint32_t hop = link->first;
    while (link->open) {
        struct flow *flow = &network->flows[hop >> HOP_SHIFT];
        if (flow->solved == 0) {
            flow->solved = share;
            for (uint32_t k = 0; k < flow->n_path; k++) {
                network->links[flow->path[k]].residual -= share;
                network->links[flow->path[k]].open--;
            }
        }
        hop = flow->next[hop & HOP_MASK];
    }
}

static void solve(struct network *network, uint32_t n_links)
{
    struct heap *shares = &network->shares;
    for (uint32_t i = 0; i < n_links; i++) {
        const uint32_t l = network->component_links[i];
        const struct link *link = &network->links[l];
        if (link->open) {
            heap_push(shares, (struct heap_entry){.key = (int64_t)(link->residual / link->open), .tie = l});
        }
    }
    while (shares->n) {
        struct heap_entry least = *heap_top(shares);
        const struct link *link = &network->links[least.tie];
        const int64_t share = link->open ? (int64_t)(link->residual / link->open) : least.key;
        if (share > least.key) {
            least.key = share;
            heap_replace_top(shares, least);
        } else {
            assert(link->open == 0 || share > 0);
            fill(network, link, (uint64_t)share);
            heap_pop(shares);
        }
    }
}

/* The first picosecond at which nothing is left. */
static simtime end_of(const struct flow *flow)
{
    const flow_work duration = (flow->left + flow->rate - 1) / flow->rate;
    return duration < (flow_work)(SIMTIME_NEVER - flow->since) ? flow->since + (simtime)duration : SIMTIME_NEVER;
}

void network_settle(struct network *network)
{
    if (network->n_dirty == 0) {
        return;
    }
    const struct component component = collect(network);
    solve(network, component.n_links);
    for (uint32_t i = 0; i < component.n_flows; i++) {
        const uint32_t f = network->component_flows[i];
        struct flow *flow = &network->flows[f];
        if (flow->solved != flow->rate) {
            flow->left = flow_left(flow, network->now);
            flow->since = network->now;
            flow->rate = flow->solved;
            flow_heap_set(&network->events, (struct flow_event){end_of(flow), flow->tag, flow->start, f});
        }
    }
}
