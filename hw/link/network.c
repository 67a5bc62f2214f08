#include "hw/link/network_internal.h"

#include "base/mem.h"

#include <assert.h>

struct network *network_create(const struct network_link *links, uint32_t n_links, uint32_t n_lanes)
{
    struct network *network = mem_zalloc(sizeof *network);
    network->n_links = n_links;
    network->n_lanes = n_lanes;
    network->links = mem_zalloc(n_links * sizeof *network->links);
    network->lanes = mem_alloc(n_lanes * sizeof *network->lanes);
    network->dirty = mem_alloc(n_links * sizeof *network->dirty);
    network->component_links = mem_alloc(n_links * sizeof *network->component_links);
    network->free = NETWORK_NONE;
    for (uint32_t l = 0; l < n_links; l++) {
        assert(links[l].bandwidth >= NETWORK_MIN_BANDWIDTH && links[l].bandwidth <= INT64_MAX && links[l].latency >= 0);
        network->links[l].bandwidth = links[l].bandwidth;
        network->links[l].latency = links[l].latency;
        network->links[l].first = NETWORK_NONE;
    }
    for (uint32_t i = 0; i < n_lanes; i++) {
        network->lanes[i] = (struct lane){NETWORK_NONE, NETWORK_NONE};
    }
    heap_init(&network->shares);
    return network;
}

void network_destroy(struct network *network)
{
    heap_fini(&network->shares);
    flow_heap_fini(&network->events);
    mem_free(network->links);
    mem_free(network->lanes);
    mem_free(network->flows);
    mem_free(network->dirty);
    mem_free(network->component_links);
    mem_free(network->component_flows);
    mem_free(network->ends);
    mem_free(network);
}

void network_reserve(struct network *network, size_t n)
{
    network->flows = mem_grow(network->flows, &network->capacity, n, sizeof *network->flows);
    network->component_flows =
        mem_grow(network->component_flows, &network->component_capacity, n, sizeof *network->component_flows);
    flow_heap_reserve(&network->events, n);
}

static uint32_t take_slot(struct network *network)
{
    assert(network->n_flows < NETWORK_MAX_FLOWS);
    network->n_flows++;
    const uint32_t f = network->free;
    if (f != NETWORK_NONE) {
        network->free = network->flows[f].lane_next;
        return f;
    }
    network_reserve(network, network->n_slots + 1);
    return network->n_slots++;
}

static void free_slot(struct network *network, uint32_t f)
{
    network->flows[f].state = FLOW_FREE;
    network->flows[f].lane_next = network->free;
    network->free = f;
    network->n_flows--;
}

static void move(struct network *network, uint32_t f)
{
    struct flow *flow = &network->flows[f];
    flow->state = FLOW_MOVING;
    flow->left = (flow_work)flow->bytes * SIMTIME_S;
    flow->since = network->now;
    flow->rate = 0;
    network_join(network, f);
}

/* The flow is next: its latencies pass. */
static void begin(struct network *network, uint32_t f)
{
    struct flow *flow = &network->flows[f];
    simtime latency = 0;
    for (uint32_t i = 0; i < flow->n_path; i++) {
        latency += network->links[flow->path[i]].latency;
    }
    if (latency == 0 && flow->bytes) {
        move(network, f);
        return;
    }
    flow->state = FLOW_WAITING;
    flow_heap_set(&network->events, (struct flow_event){network->now + latency, flow->tag, flow->start, f});
}

/* Puts the flow at the end of its lane; whether nothing is before it. */
static bool enter_lane(struct network *network, uint32_t f)
{
    struct flow *flow = &network->flows[f];
    if (flow->lane == NETWORK_NO_LANE) {
        return true;
    }
    struct lane *lane = &network->lanes[flow->lane];
    flow->lane_next = NETWORK_NONE;
    flow->lane_prev = lane->last;
    if (lane->last == NETWORK_NONE) {
        lane->first = f;
    } else {
        network->flows[lane->last].lane_next = f;
    }
    lane->last = f;
    return lane->first == f;
}

/* Takes the flow out of its lane, whose next one begins if it was the first. */
static void leave_lane(struct network *network, uint32_t f)
{
    const struct flow *flow = &network->flows[f];
    if (flow->lane == NETWORK_NO_LANE) {
        return;
    }
    struct lane *lane = &network->lanes[flow->lane];
    const uint32_t next = flow->lane_next;
    const uint32_t prev = flow->lane_prev;
    if (next == NETWORK_NONE) {
        lane->last = prev;
    } else {
        network->flows[next].lane_prev = prev;
    }
    if (prev != NETWORK_NONE) {
        network->flows[prev].lane_next = next;
        return;
    }
    lane->first = next;
    if (next != NETWORK_NONE) {
        begin(network, next);
    }
}

/* To an instant up to which everything has been taken. */
static void move_clock(struct network *network, simtime now)
{
    assert(now >= network->now);
    if (now > network->now) {
        network_settle(network);
        assert(flow_heap_time(&network->events) > now);
        network->now = now;
    }
}

uint32_t network_start(struct network *network, simtime now, const struct network_transfer *transfer)
{
    assert(transfer->n_path >= 1 && transfer->n_path <= NETWORK_MAX_PATH);
    assert(transfer->lane == NETWORK_NO_LANE || transfer->lane < network->n_lanes);
    move_clock(network, now);
    const uint32_t f = take_slot(network);
    struct flow *flow = &network->flows[f];
    *flow = (struct flow){.bytes = transfer->bytes,
                          .tag = transfer->tag,
                          .start = network->starts++,
                          .lane = transfer->lane,
                          .state = FLOW_QUEUED,
                          .n_path = (uint8_t)transfer->n_path};
    for (uint32_t i = 0; i < transfer->n_path; i++) {
        assert(transfer->path[i] < network->n_links);
        flow->path[i] = transfer->path[i];
    }
    if (enter_lane(network, f)) {
        begin(network, f);
    }
    return f;
}

static uint64_t moved_by(const struct network *network, simtime time, uint32_t f)
{
    const struct flow *flow = &network->flows[f];
    assert(f < network->n_slots && flow->state != FLOW_FREE);
    if (flow->state != FLOW_MOVING) {
        return 0;
    }
    return flow->bytes - (uint64_t)((flow_left(flow, time) + SIMTIME_S - 1) / SIMTIME_S);
}

uint64_t network_flow_moved(const struct network *network, uint32_t f)
{
    return moved_by(network, network->now, f);
}

uint64_t network_flow_moved_by(struct network *network, simtime time, uint32_t f)
{
    const simtime next = network_next(network); /* the rates from the clock on are known now */
    assert(time >= network->now && time <= next);
    (void)next;
    return moved_by(network, time, f);
}

/* Ends a flow that has moved so much. */
static void finish(struct network *network, uint32_t f, uint64_t moved)
{
    const struct flow *flow = &network->flows[f];
    if (flow->state == FLOW_MOVING) {
        network_leave(network, f);
        for (uint32_t i = 0; i < flow->n_path; i++) {
            network->links[flow->path[i]].bytes += moved;
        }
    }
    leave_lane(network, f);
    free_slot(network, f);
}

uint64_t network_cancel(struct network *network, simtime now, uint32_t f)
{
    move_clock(network, now);
    const uint64_t moved = network_flow_moved(network, f);
    flow_heap_remove(&network->events, f);
    finish(network, f, moved);
    return moved;
}

simtime network_next(struct network *network)
{
    network_settle(network);
    return flow_heap_time(&network->events);
}

static bool ends_after(const struct network_end *a, const struct network_end *b)
{
    return a->time == b->time && (a->tag != b->tag ? a->tag > b->tag : a->start > b->start);
}

/* Without bytes, a flow that begins at the instant because others ended may belong before them. */
static void report(struct network *network, uint32_t f)
{
    const struct flow *flow = &network->flows[f];
    const struct network_end end = {network->now, flow->tag, flow->start, flow->bytes, f};
    network->ends = mem_grow(network->ends, &network->ends_capacity, network->n_ends + 1, sizeof *network->ends);
    size_t i = network->n_ends++;
    for (; i > 0 && ends_after(&network->ends[i - 1], &end); i--) {
        network->ends[i] = network->ends[i - 1];
    }
    network->ends[i] = end;
}

size_t network_advance(struct network *network, simtime now, const struct network_end **ends)
{
    assert(now >= network->now);
    network->n_ends = 0;
    for (simtime next = network_next(network); next <= now && next != SIMTIME_NEVER; next = network_next(network)) {
        network->now = next;
        while (flow_heap_time(&network->events) == next) {
            const uint32_t f = network->events.events[0].flow;
            flow_heap_remove(&network->events, f);
            if (network->flows[f].state == FLOW_WAITING && network->flows[f].bytes) {
                move(network, f);
            } else {
                report(network, f);
                finish(network, f, network->flows[f].bytes);
            }
        }
    }
    network->now = now;
    *ends = network->ends;
    return network->n_ends;
}

uint64_t network_flow_rate(struct network *network, uint32_t f)
{
    assert(f < network->n_slots && network->flows[f].state != FLOW_FREE);
    network_settle(network);
    return network->flows[f].state == FLOW_MOVING ? network->flows[f].rate : 0;
}

struct network_counters network_link_counters(const struct network *network, uint32_t l)
{
    assert(l < network->n_links);
    const struct link *link = &network->links[l];
    struct network_counters counters = {.bytes = link->bytes, .busy = link->busy, .flows = link->n_flows};
    if (link->n_flows) {
        counters.busy += network->now - link->busy_since;
    }
    uint32_t hop = link->first;
    while (hop != NETWORK_NONE) {
        counters.bytes += network_flow_moved(network, hop >> HOP_SHIFT);
        hop = network->flows[hop >> HOP_SHIFT].next[hop & HOP_MASK];
    }
    return counters;
}
