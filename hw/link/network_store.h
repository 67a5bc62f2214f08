/* A network in a store (base/store.h), as part of the caller's section.
 *
 * Flows are kept with what is left of them at the network's clock. Rates, lists and times of ends follow from that and
 * are made anew, so a loaded network goes on to the picosecond as the saved one, with the same numbers of flows. A file
 * may hold anything: network_load believes nothing; a network that it refuses may only be destroyed.
 */
#ifndef ASIM_HW_LINK_NETWORK_STORE_H
#define ASIM_HW_LINK_NETWORK_STORE_H

#include "base/store.h"
#include "hw/link/network.h"

#include <stdbool.h>

void network_save(const struct network *network, struct store_writer *writer);

/* Fills a fresh network, made with the same links and lanes as the saved one. False when that is refused; the reader
 * has the reason. */
bool network_load(struct network *network, struct store_reader *reader);

/* For whoever keeps numbers of flows beside the network: how many there are, whether `flow` is one that was started as
 * `transfer` says, and the network's clock. */
uint32_t network_flows(const struct network *network);
bool network_flow_is(const struct network *network, uint32_t flow, const struct network_transfer *transfer);
simtime network_clock(const struct network *network);

#endif
