/* Options from environment variables: ASIM_MAX_NUM_SEQS, ASIM_ROUTER_TELEMETRY_PERIOD. */
#ifndef ASIM_OPTIONS_ENVIRONMENT_SOURCE_H
#define ASIM_OPTIONS_ENVIRONMENT_SOURCE_H

#include "options/sources.h"

/* `environment` is a NULL-terminated list of NAME=VALUE. An ASIM_ variable that is no option is an error, unless it is
 * one that the tests read (ASIM_DATA_DIR). */
asim_status environment_source_read(struct option_sources *sources, const char *const *environment, struct diag *diag);

#endif
