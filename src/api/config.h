/* What the rest of the API reads of a configuration. */
#ifndef ASIM_API_CONFIG_H
#define ASIM_API_CONFIG_H

#include "asim/asim.h"
#include "base/diag.h"
#include "options/settings.h"

/* NULL unless the last asim_config_resolve succeeded and nothing was given since. Valid as long. */
const struct settings *config_settings(const asim_config *config);

/* Of a resolved one: warns of options that were given and that a run has no use for. */
void config_warn_unused(const asim_config *config, struct diag *diag);

/* A new configuration with what was given to another; not resolved, and without its messages. */
asim_config *config_copy(const asim_config *from);

struct diag *config_diag(asim_config *config);

#endif
