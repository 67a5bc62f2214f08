#include "hw/link/plain_network.h"

#include "base/mem.h"

#include <string.h>

void plain_init(struct plain_network *network, const struct network_link *links, uint32_t n_links)
{
    *network = (struct plain_network){.links = links, .n_links = n_links};
}

void plain_fini(struct plain_network *network)
{
    mem_free(network->flows);
    mem_free(network->ends);
}

static void solve(struct plain_network *network)
{
    for (size_t f = 0; f < network->n; f++) {
        network->flows[f].rate = 0;
    }
    for (;;) {
        uint32_t least = UINT32_MAX;
        uint64_t least_share = UINT64_MAX;
        for (uint32_t l = 0; l < network->n_links; l++) {
            uint64_t left = network->links[l].bandwidth;
            uint64_t open = 0;
            for (size_t f = 0; f < network->n; f++) {
                const struct plain_flow *flow = &network->flows[f];
                for (uint32_t i = 0; flow->state == PLAIN_MOVING && i < flow->n_path; i++) {
                    open += flow->path[i] == l && flow->rate == 0;
                    left -= flow->path[i] == l ? flow->rate : 0;
                }
            }
            if (open && left / open < least_share) {
                least = l;
                least_share = left / open;
            }
        }
        if (least == UINT32_MAX) {
            return;
        }
        for (size_t f = 0; f < network->n; f++) {
            struct plain_flow *flow = &network->flows[f];
            for (uint32_t i = 0; flow->state == PLAIN_MOVING && flow->rate == 0 && i < flow->n_path; i++) {
                flow->rate = flow->path[i] == least ? least_share : 0;
            }
        }
    }
}

static bool is_first(const struct plain_network *network, size_t f)
{
    const struct plain_flow *flow = &network->flows[f];
    for (size_t other = 0; flow->lane != NETWORK_NO_LANE && other < f; other++) {
        if (network->flows[other].lane == flow->lane && network->flows[other].state != PLAIN_GONE) {
            return false;
        }
    }
    return true;
}

static void report(struct plain_network *network, size_t f)
{
    struct plain_flow *flow = &network->flows[f];
    flow->state = PLAIN_GONE;
    network->ends = mem_grow(network->ends, &network->ends_capacity, network->n_ends + 1, sizeof *network->ends);
    size_t i = network->n_ends++;
    for (; i > network->advanced && network->ends[i - 1].time == network->now &&
           (network->ends[i - 1].tag > flow->tag ||
            (network->ends[i - 1].tag == flow->tag && network->ends[i - 1].start > f));
         i--) {
        network->ends[i] = network->ends[i - 1];
    }
    network->ends[i] = (struct network_end){network->now, flow->tag, f, flow->bytes, 0};
}

/* Everything that happens at the clock's instant, again and again until nothing does. With `reports`, flows end. */
static void happen(struct plain_network *network, bool reports)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t f = 0; f < network->n; f++) {
            struct plain_flow *flow = &network->flows[f];
            if (flow->state == PLAIN_QUEUED && is_first(network, f)) {
                flow->state = PLAIN_WAITING;
                flow->begin = network->now;
                for (uint32_t i = 0; i < flow->n_path; i++) {
                    flow->begin += network->links[flow->path[i]].latency;
                }
            }
            if (flow->state == PLAIN_WAITING && flow->begin <= network->now && flow->bytes) {
                flow->state = PLAIN_MOVING;
                flow->left = (unsigned __int128)flow->bytes * SIMTIME_S;
                changed = true;
            } else if (reports && ((flow->state == PLAIN_WAITING && flow->begin <= network->now) ||
                                   (flow->state == PLAIN_MOVING && flow->left == 0))) {
                report(network, f);
                changed = true;
            }
        }
    }
    solve(network);
}

size_t plain_start(struct plain_network *network, const struct network_transfer *transfer)
{
    network->flows = mem_grow(network->flows, &network->capacity, network->n + 1, sizeof *network->flows);
    struct plain_flow *flow = &network->flows[network->n++];
    *flow = (struct plain_flow){
        .n_path = transfer->n_path, .lane = transfer->lane, .bytes = transfer->bytes, .tag = transfer->tag};
    memcpy(flow->path, transfer->path, transfer->n_path * sizeof *flow->path);
    happen(network, false);
    return network->n - 1;
}

uint64_t plain_moved(const struct plain_network *network, size_t f)
{
    const struct plain_flow *flow = &network->flows[f];
    return flow->state == PLAIN_MOVING ? flow->bytes - (uint64_t)((flow->left + SIMTIME_S - 1) / SIMTIME_S) : 0;
}

uint64_t plain_cancel(struct plain_network *network, size_t f)
{
    const uint64_t moved = plain_moved(network, f);
    network->flows[f].state = PLAIN_GONE;
    happen(network, false);
    return moved;
}

/* The next begin or end after the clock. */
static simtime next_event(const struct plain_network *network)
{
    simtime next = SIMTIME_NEVER;
    for (size_t f = 0; f < network->n; f++) {
        const struct plain_flow *flow = &network->flows[f];
        simtime time = SIMTIME_NEVER;
        if (flow->state == PLAIN_WAITING) {
            time = flow->begin;
        } else if (flow->state == PLAIN_MOVING) {
            time = network->now + (simtime)((flow->left + flow->rate - 1) / flow->rate);
        }
        next = time < next ? time : next;
    }
    return next;
}

static void flow_on(struct plain_network *network, simtime time)
{
    for (size_t f = 0; f < network->n; f++) {
        struct plain_flow *flow = &network->flows[f];
        if (flow->state == PLAIN_MOVING) {
            const unsigned __int128 done = (unsigned __int128)flow->rate * (uint64_t)(time - network->now);
            flow->left = done < flow->left ? flow->left - done : 0;
        }
    }
    network->now = time;
}

void plain_advance(struct plain_network *network, simtime now)
{
    network->advanced = network->n_ends;
    for (simtime next = next_event(network); next <= now && next != SIMTIME_NEVER; next = next_event(network)) {
        flow_on(network, next);
        happen(network, true);
    }
    flow_on(network, now);
}
