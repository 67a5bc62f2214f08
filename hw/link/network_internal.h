/* How a network lies in memory; for network*.c and tests.
 *
 * Flows are slots of one array. The flows on a link are a doubly linked list of hops: hop 8 f + i is the i-th link of
 * flow f. The order in the lists is that of history; nothing depends on it.
 */
#ifndef ASIM_HW_LINK_NETWORK_INTERNAL_H
#define ASIM_HW_LINK_NETWORK_INTERNAL_H

#include "base/heap.h"
#include "hw/link/flow_heap.h"
#include "hw/link/network.h"

#include <stdbool.h>

enum { HOP_SHIFT = 3, HOP_MASK = (1 << HOP_SHIFT) - 1 };
#define NETWORK_NONE UINT32_MAX

/* Bytes times picoseconds per second: what a byte is at a rate in bytes/s and a time in ps. */
typedef unsigned __int128 flow_work;

enum flow_state {
    FLOW_FREE,
    FLOW_QUEUED,  /* in its lane, behind others */
    FLOW_WAITING, /* its latencies pass */
    FLOW_MOVING   /* on its links */
};

struct flow {
    flow_work left; /* at `since` */
    simtime since;
    uint64_t rate;
    uint64_t solved; /* its rate in the solution that is being made, 0: not yet known */
    uint64_t mark;   /* of the last solution that it was part of */
    uint64_t bytes, tag;
    uint64_t start; /* number of its start: orders equal tags */
    uint32_t lane;
    uint32_t lane_next, lane_prev; /* lane_next of a free slot: the next free one */
    uint8_t state;                 /* enum flow_state */
    uint8_t n_path;
    uint32_t path[NETWORK_MAX_PATH];
    uint32_t next[NETWORK_MAX_PATH], prev[NETWORK_MAX_PATH]; /* hops on the same link */
};

struct link {
    uint64_t bandwidth;
    simtime latency;
    uint32_t first; /* hop */
    uint32_t n_flows;
    uint64_t bytes; /* of flows that are gone */
    simtime busy;   /* without the time since busy_since, when there are flows */
    simtime busy_since;
    uint64_t mark;     /* of the last solution that it was part of */
    uint64_t residual; /* while solving: bandwidth not given away */
    uint32_t open;     /* while solving: flows whose rate is not known */
    bool dirty;
};

struct lane {
    uint32_t first, last;
};

struct network {
    simtime now;
    struct link *links;
    struct lane *lanes;
    uint32_t n_links, n_lanes;
    struct flow *flows;
    size_t capacity;
    uint32_t n_slots, n_flows;
    uint32_t free; /* first free slot */
    uint64_t starts;
    struct flow_heap events; /* begins and ends */
    uint32_t *dirty;         /* links whose flows have changed since rates were solved */
    uint32_t n_dirty;
    uint64_t mark;
    uint32_t *component_links;
    uint32_t *component_flows;
    size_t component_capacity;
    struct heap shares;
    struct network_end *ends;
    size_t n_ends, ends_capacity;
};

/* Work of a moving flow still to do at `now`, at most its end. */
static inline flow_work flow_left(const struct flow *flow, simtime now)
{
    const flow_work done = (flow_work)flow->rate * (uint64_t)(now - flow->since);
    return done < flow->left ? flow->left - done : 0;
}

/* Puts flow `f`, in state FLOW_MOVING, on its links and takes it off; rates are solved later. */
void network_join(struct network *network, uint32_t f);
void network_leave(struct network *network, uint32_t f);

/* Solves the rates that are out of date, at network->now. */
void network_settle(struct network *network);

/* Makes room for `n` slots. */
void network_reserve(struct network *network, size_t n);

#endif
