/* Times of flows, ordered by (time, tag, start): a binary min-heap that knows where each flow is, so that a time can
 * change. */
#ifndef ASIM_HW_LINK_FLOW_HEAP_H
#define ASIM_HW_LINK_FLOW_HEAP_H

#include "base/simtime.h"

#include <stddef.h>
#include <stdint.h>

struct flow_event {
    simtime time;
    uint64_t tag, start;
    uint32_t flow;
};

struct flow_heap {
    struct flow_event *events;
    uint32_t *places; /* of each flow, FLOW_NOWHERE when it is not in the heap */
    size_t n, capacity, places_capacity, n_places;
};
#define FLOW_NOWHERE UINT32_MAX

void flow_heap_fini(struct flow_heap *heap);

/* Flows below `n` may be set from now on without an allocation. */
void flow_heap_reserve(struct flow_heap *heap, size_t n);

/* Gives the flow this time, whether it had one or not. */
void flow_heap_set(struct flow_heap *heap, struct flow_event event);

/* Forgets the flow's time, if it has one. */
void flow_heap_remove(struct flow_heap *heap, uint32_t flow);

static inline simtime flow_heap_time(const struct flow_heap *heap)
{
    return heap->n ? heap->events[0].time : SIMTIME_NEVER;
}

#endif
