/* Cores and NUMA nodes that this process may use, and threads bound to them (hwloc).
 *
 * A place is a set of processing units that a thread is bound to. Places are in hwloc's logical order, so neighbours
 * share caches and a NUMA node.
 */
#ifndef ASIM_PDES_TOPOLOGY_H
#define ASIM_PDES_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

struct topology;

/* Processing units that the calling thread may run on; cheap, without hwloc. At least 1. */
uint32_t topology_usable_units(void);

/* NULL when hwloc cannot read this machine. */
struct topology *topology_create(void);
void topology_destroy(struct topology *topology);

/* Lays n threads out: each on a core of its own, or on a unit of its own where cores do not suffice, or, `by_node`, on
 * the NUMA node of such a core. False when there are more threads than units and not `by_node`. */
bool topology_place(struct topology *topology, uint32_t n_threads, bool by_node);

/* Binds the calling thread to the place of thread i; lets it run again where the creator of the topology could. Both
 * are false when the system refuses. */
bool topology_bind(const struct topology *topology, uint32_t thread);
bool topology_unbind(const struct topology *topology);

#endif
