/* The tiers below HBM that the settings and the hardware give. */
#ifndef ASIM_SIM_CLUSTER_TIERS_H
#define ASIM_SIM_CLUSTER_TIERS_H

#include "sim/cluster.h"

/* Fills plan->tiers; n_tiers 0: none. */
asim_status cluster_resolve_tiers(const struct settings *settings, struct cluster_plan *plan, struct diag *diag);

#endif
