/* Transfers over shared links: PCIe up and down, NVLink, NIC, CXL, host DRAM, NVMe.
 *
 * A link has a bandwidth and a start latency; the two directions of a duplex wire are two links, a shared medium (host
 * DRAM) is one. A **flow** moves bytes along a path of links as a fluid. It begins when the latencies of its path,
 * summed, have passed, and then has the max-min fair rate among the flows on its links; the rates change only when a
 * flow begins, ends or is cancelled, and only those of the flows that share links with it, directly or through others.
 *
 * A **lane** is a FIFO before the network, such as the copy engine of a GPU in one direction: its flows go one after
 * the other, each paying its latencies when it comes to the head.
 *
 * Everything is exact. Rates are whole bytes a second: links are filled by the smallest share floor(left / flows),
 * ties by the lower link, so that less than one byte a second for each flow of a bottleneck stays unused. What is left
 * of a flow is an integer of bytes times picoseconds per second, so progress needs no rounding, whenever it is looked
 * at; a flow ends in the first whole picosecond at which nothing is left. So results depend neither on how often the
 * clock is advanced nor, but for lanes, on the order of starts at one instant.
 *
 * The clock goes forward by the caller: `network_next` is the next instant at which something happens, and everything
 * up to an instant must be taken (`network_advance`) before something is started or cancelled there. Whoever starts a
 * flow because another ended goes from one such instant to the next.
 */
#ifndef ASIM_HW_LINK_NETWORK_H
#define ASIM_HW_LINK_NETWORK_H

#include "base/simtime.h"

#include <stddef.h>
#include <stdint.h>

enum {
    NETWORK_MAX_PATH = 6,
    NETWORK_MIN_BANDWIDTH = 1000000,          /* bytes/s */
    NETWORK_MAX_FLOWS = NETWORK_MIN_BANDWIDTH /* at a time: a share is never less than one byte a second */
};
#define NETWORK_NO_LANE UINT32_MAX

struct network;

struct network_link {
    uint64_t bandwidth; /* bytes/s, from NETWORK_MIN_BANDWIDTH to INT64_MAX */
    simtime latency;    /* from 0 */
};

struct network_transfer {
    const uint32_t *path; /* 1 to NETWORK_MAX_PATH different links; copied */
    uint32_t n_path;
    uint32_t lane;  /* or NETWORK_NO_LANE: begins at once */
    uint64_t bytes; /* 0: ends when it would begin */
    uint64_t tag;   /* the caller's; orders what ends at one instant */
};

struct network_end {
    simtime time;
    uint64_t tag;
    uint64_t start; /* flows started before it */
    uint64_t bytes;
    uint32_t flow; /* its number, free again */
};

struct network_counters {
    uint64_t bytes; /* moved up to the network's clock, whole bytes of each flow */
    simtime busy;   /* time with at least one flow */
    uint32_t flows; /* now */
};

struct network *network_create(const struct network_link *links, uint32_t n_links, uint32_t n_lanes);
void network_destroy(struct network *network);

/* Number of the new flow, valid until it has ended or is cancelled; numbers are reused. */
uint32_t network_start(struct network *network, simtime now, const struct network_transfer *transfer);

/* Bytes it had moved. Its lane goes on. */
uint64_t network_cancel(struct network *network, simtime now, uint32_t flow);

/* The next instant at which a flow begins or ends, SIMTIME_NEVER when there is none. No flow ends earlier, whatever is
 * in the network now. */
simtime network_next(struct network *network);

/* Moves the clock to `now`, not before it. Returns how many flows ended, and those in the order of (time, tag, start),
 * valid until the next network_advance. */
size_t network_advance(struct network *network, simtime now, const struct network_end **ends);

/* Bytes a second from the network's clock on; 0 in the queue of a lane and before it begins. */
uint64_t network_flow_rate(struct network *network, uint32_t flow);
/* Whole bytes moved up to the network's clock. */
uint64_t network_flow_moved(const struct network *network, uint32_t flow);
/* The same up to `time`, between the network's clock and network_next; the clock stays. */
uint64_t network_flow_moved_by(struct network *network, simtime time, uint32_t flow);

struct network_counters network_link_counters(const struct network *network, uint32_t link);

#endif
