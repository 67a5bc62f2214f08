#include "hw/link/network_store.h"

#include "hw/link/network_internal.h"

#include <string.h>

static void save_links(const struct network *network, struct store_writer *writer)
{
    store_put_u32(writer, network->n_links);
    for (uint32_t l = 0; l < network->n_links; l++) {
        const struct link *link = &network->links[l];
        store_put_u64(writer, link->bandwidth);
        store_put_i64(writer, link->latency);
        store_put_u64(writer, link->bytes);
        store_put_i64(writer, link->busy + (link->n_flows ? network->now - link->busy_since : 0));
    }
}

static simtime event_time(const struct network *network, uint32_t f)
{
    return network->events.events[network->events.places[f]].time;
}

static void save_flow(const struct network *network, uint32_t f, struct store_writer *writer)
{
    const struct flow *flow = &network->flows[f];
    store_put_u8(writer, flow->state);
    if (flow->state == FLOW_FREE) {
        return;
    }
    store_put_u64(writer, flow->bytes);
    store_put_u64(writer, flow->tag);
    store_put_u64(writer, flow->start);
    store_put_u32(writer, flow->lane);
    store_put_u8(writer, flow->n_path);
    for (uint32_t i = 0; i < flow->n_path; i++) {
        store_put_u32(writer, flow->path[i]);
    }
    if (flow->state == FLOW_WAITING) {
        store_put_i64(writer, event_time(network, f));
    } else if (flow->state == FLOW_MOVING) {
        store_put_u128(writer, flow_left(flow, network->now));
    }
}

/* Flows from `first` on, in order. */
static void save_chain(const struct network *network, uint32_t first, struct store_writer *writer)
{
    for (uint32_t f = first; f != NETWORK_NONE; f = network->flows[f].lane_next) {
        store_put_u32(writer, f);
    }
    store_put_u32(writer, NETWORK_NONE);
}

void network_save(const struct network *network, struct store_writer *writer)
{
    store_put_i64(writer, network->now);
    store_put_u64(writer, network->starts);
    save_links(network, writer);
    store_put_u64(writer, network->n_slots);
    for (uint32_t f = 0; f < network->n_slots; f++) {
        save_flow(network, f, writer);
    }
    store_put_u32(writer, network->n_lanes);
    for (uint32_t i = 0; i < network->n_lanes; i++) {
        save_chain(network, network->lanes[i].first, writer);
    }
    save_chain(network, network->free, writer);
}

static bool load_links(struct network *network, struct store_reader *reader)
{
    const uint32_t n = store_get_u32(reader);
    if (n != network->n_links) {
        store_refuse(reader, "a network of %u links; the configuration gives %u", n, network->n_links);
        return false;
    }
    for (uint32_t l = 0; l < n; l++) {
        struct link *link = &network->links[l];
        const uint64_t bandwidth = store_get_u64(reader);
        const simtime latency = store_get_i64(reader);
        if (bandwidth != link->bandwidth || latency != link->latency) {
            store_refuse(reader, "link %u of a network has other figures than the configuration's", l);
            return false;
        }
        link->bytes = store_get_u64(reader);
        link->busy = store_get_i64(reader);
        if (link->busy < 0 || link->busy > network->now) {
            store_refuse(reader, "link %u of a network was busy for longer than there was time", l);
            return false;
        }
    }
    return !store_failed(reader);
}

static bool path_fits(const struct network *network, const struct flow *flow)
{
    for (uint32_t i = 0; i < flow->n_path; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (flow->path[k] == flow->path[i]) {
                return false;
            }
        }
        if (flow->path[i] >= network->n_links) {
            return false;
        }
    }
    return true;
}

/* The part of a flow that is in a state other than FLOW_FREE; whether it makes sense by itself. */
static bool load_flow(struct network *network, uint32_t f, struct store_reader *reader)
{
    struct flow *flow = &network->flows[f];
    flow->bytes = store_get_u64(reader);
    flow->tag = store_get_u64(reader);
    flow->start = store_get_u64(reader);
    flow->lane = store_get_u32(reader);
    flow->n_path = store_get_u8(reader);
    if (flow->n_path < 1 || flow->n_path > NETWORK_MAX_PATH) {
        return false;
    }
    for (uint32_t i = 0; i < flow->n_path; i++) {
        flow->path[i] = store_get_u32(reader);
    }
    if (!path_fits(network, flow) || (flow->lane != NETWORK_NO_LANE && flow->lane >= network->n_lanes) ||
        flow->start >= network->starts) {
        return false;
    }
    if (flow->state == FLOW_WAITING) {
        const simtime time = store_get_i64(reader);
        flow_heap_set(&network->events, (struct flow_event){time, flow->tag, flow->start, f});
        return time >= network->now;
    }
    if (flow->state == FLOW_MOVING) {
        flow->left = store_get_u128(reader);
        flow->since = network->now;
        network_join(network, f);
        return flow->left > 0 && flow->left <= (flow_work)flow->bytes * SIMTIME_S;
    }
    return flow->lane != NETWORK_NO_LANE;
}

static bool load_flows(struct network *network, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, 1);
    if (n > NETWORK_MAX_FLOWS) {
        store_refuse(reader, "a network of %llu flows", (unsigned long long)n);
        return false;
    }
    network_reserve(network, (size_t)n);
    for (uint32_t f = 0; f < n; f++) {
        network->n_slots = f + 1;
        network->flows[f] = (struct flow){.state = store_get_u8(reader), .lane = NETWORK_NO_LANE};
        if (network->flows[f].state == FLOW_FREE) {
            continue;
        }
        network->n_flows++;
        if (store_failed(reader) || network->flows[f].state > FLOW_MOVING || !load_flow(network, f, reader)) {
            store_refuse(reader, "flow %u of a network makes no sense", f);
            return false;
        }
    }
    return !store_failed(reader);
}

/* Links the flows of one lane, or with `lane` NETWORK_NO_LANE the free slots, in the order of the file. Each flow is in
 * one place only: `mark` tells. */
static bool load_chain(struct network *network, uint32_t lane, struct lane *chain, uint32_t *linked,
                       struct store_reader *reader)
{
    *chain = (struct lane){NETWORK_NONE, NETWORK_NONE};
    for (uint32_t f = store_get_u32(reader); f != NETWORK_NONE; f = store_get_u32(reader)) {
        struct flow *flow = f < network->n_slots ? &network->flows[f] : NULL;
        if (store_failed(reader) || !flow || flow->mark || flow->lane != lane ||
            (flow->state == FLOW_FREE) != (lane == NETWORK_NO_LANE) ||
            (lane != NETWORK_NO_LANE && (flow->state == FLOW_QUEUED) == (chain->first == NETWORK_NONE))) {
            store_refuse(reader, "flows of a network stand in the wrong order");
            return false;
        }
        flow->mark = 1;
        flow->lane_next = NETWORK_NONE;
        flow->lane_prev = chain->last;
        if (chain->last == NETWORK_NONE) {
            chain->first = f;
        } else {
            network->flows[chain->last].lane_next = f;
        }
        chain->last = f;
        ++*linked;
    }
    return true;
}

static bool load_chains(struct network *network, struct store_reader *reader)
{
    const uint32_t n = store_get_u32(reader);
    if (n != network->n_lanes) {
        store_refuse(reader, "a network of %u lanes; the configuration gives %u", n, network->n_lanes);
        return false;
    }
    uint32_t expected = 0;
    for (uint32_t f = 0; f < network->n_slots; f++) {
        expected += network->flows[f].state == FLOW_FREE || network->flows[f].lane != NETWORK_NO_LANE;
    }
    uint32_t linked = 0;
    struct lane free_slots;
    for (uint32_t i = 0; i < n; i++) {
        if (!load_chain(network, i, &network->lanes[i], &linked, reader)) {
            return false;
        }
    }
    if (!load_chain(network, NETWORK_NO_LANE, &free_slots, &linked, reader)) {
        return false;
    }
    network->free = free_slots.first;
    network->mark = 1;
    if (linked != expected) {
        store_refuse(reader, "a network of %u flows in lanes and free, of which %u are found there", expected, linked);
        return false;
    }
    return !store_failed(reader);
}

bool network_load(struct network *network, struct store_reader *reader)
{
    network->now = store_get_i64(reader);
    network->starts = store_get_u64(reader);
    if (network->now < 0) {
        store_refuse(reader, "a network before the beginning of time");
        return false;
    }
    return load_links(network, reader) && load_flows(network, reader) && load_chains(network, reader);
}

/* ---- numbers kept elsewhere ---- */

uint32_t network_flows(const struct network *network)
{
    return network->n_flows;
}

bool network_flow_is(const struct network *network, uint32_t flow, const struct network_transfer *transfer)
{
    if (flow >= network->n_slots || network->flows[flow].state == FLOW_FREE) {
        return false;
    }
    const struct flow *is = &network->flows[flow];
    return is->tag == transfer->tag && is->bytes == transfer->bytes && is->lane == transfer->lane &&
           is->n_path == transfer->n_path && memcmp(is->path, transfer->path, is->n_path * sizeof is->path[0]) == 0;
}

simtime network_clock(const struct network *network)
{
    return network->now;
}
