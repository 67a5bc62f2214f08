/* Options from a command line and from settings by path. */
#ifndef ASIM_OPTIONS_ARGV_SOURCE_H
#define ASIM_OPTIONS_ARGV_SOURCE_H

#include "options/sources.h"

/* `path` as in YAML: "router.telemetry_period". */
asim_status argv_source_set(struct option_sources *sources, const char *path, const char *value, struct diag *diag);

/* `flag` with its hyphens, "--block-size" or "--block-size=16". `value` NULL: none followed; a switch is then on, and
 * off when written "--no-...". */
asim_status argv_source_flag(struct option_sources *sources, const char *flag, const char *value, struct diag *diag);

#endif
