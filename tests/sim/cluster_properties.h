/* Properties of whole simulations, over random ones. */
#ifndef ASIM_TESTS_SIM_CLUSTER_PROPERTIES_H
#define ASIM_TESTS_SIM_CLUSTER_PROPERTIES_H

#include <stdint.h>

/* Seeds [first, last): each run in all modes of stepping, and with other telemetry where routing is blind. */
void check_cluster_properties(uint64_t first, uint64_t last);

#endif
