/* The plain twin of hw/link/network.h: every flow's progress is brought forward at every event, and all rates are
 * solved anew by looking for the least share among all links. No lists, no heaps, no components. */
#ifndef ASIM_TESTS_HW_LINK_PLAIN_NETWORK_H
#define ASIM_TESTS_HW_LINK_PLAIN_NETWORK_H

#include "hw/link/network.h"

#include <stdbool.h>

enum plain_state { PLAIN_QUEUED, PLAIN_WAITING, PLAIN_MOVING, PLAIN_GONE };

struct plain_flow {
    enum plain_state state;
    uint32_t path[NETWORK_MAX_PATH];
    uint32_t n_path, lane;
    uint64_t bytes, tag, rate;
    simtime begin;
    unsigned __int128 left; /* bytes * ps/s */
};

/* Flows stay where they are, in the order of their starts. */
struct plain_network {
    const struct network_link *links;
    uint32_t n_links;
    struct plain_flow *flows;
    size_t n, capacity;
    simtime now;
    struct network_end *ends; /* all so far; `flow` is not told */
    size_t n_ends, ends_capacity;
    size_t advanced; /* ends before the last advance: what it reports is ordered apart */
};

void plain_init(struct plain_network *network, const struct network_link *links, uint32_t n_links);
void plain_fini(struct plain_network *network);
/* At the clock's instant. */
size_t plain_start(struct plain_network *network, const struct network_transfer *transfer);
uint64_t plain_cancel(struct plain_network *network, size_t flow);
uint64_t plain_moved(const struct plain_network *network, size_t flow);
void plain_advance(struct plain_network *network, simtime now);

#endif
