/* The serial engine: one thread, one order of events, no windows. The oracle of every other engine. */
#ifndef ASIM_SIM_RUN_SERIAL_H
#define ASIM_SIM_RUN_SERIAL_H

#include "sim/cluster.h"

/* Called now and then between events; returning true ends the run early. NULL: never. */
typedef bool (*run_pulse)(void *user, const struct cluster *cluster);

/* Runs to the last completion. False when the pulse or an error (reported to the diag of the cluster) ended it. */
bool run_serial(struct cluster *cluster, run_pulse pulse, void *user);

#endif
