/* Watching a simulation from the command line: progress on standard error, and Ctrl-C. */
#ifndef ASIM_CLI_WATCH_H
#define ASIM_CLI_WATCH_H

#include "cli/progress.h"

struct watch {
    struct progress progress;
    asim_callbacks callbacks; /* for the simulation; point into the watch, which must not move */
};

/* Starts to watch in the way that the configuration's `progress` says. */
void watch_begin(struct watch *watch, const asim_config *config);
void watch_end(struct watch *watch);

#endif
