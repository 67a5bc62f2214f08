/* The serial engine: one thread, one order of events, no windows. The oracle of every other engine. */
#ifndef ASIM_SIM_RUN_SERIAL_H
#define ASIM_SIM_RUN_SERIAL_H

#include "sim/ring.h"

/* Runs to the last completion. False when the pulse or an error (reported to `diag`) ended it. */
bool run_serial(struct cluster *cluster, run_pulse pulse, void *user, struct diag *diag);

#endif
