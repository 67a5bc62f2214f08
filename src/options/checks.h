/* Checks of options against each other. Those that need the model, the accelerator or the workload (fit in memory,
 * vLLM's defaults by accelerator) belong to the simulator. */
#ifndef ASIM_OPTIONS_CHECKS_H
#define ASIM_OPTIONS_CHECKS_H

#include "options/resolve.h"

/* Reports every violation. */
void checks_run(const struct resolved *resolved, struct diag *diag);

#endif
