/* The resolved configuration as YAML that yaml_source reads back to the same settings. */
#ifndef ASIM_OPTIONS_CONFIG_TEXT_H
#define ASIM_OPTIONS_CONFIG_TEXT_H

#include "options/resolve.h"

/* With `origin`, each line says where its value came from, and options that are unset are listed as comments. Owned by
 * the caller. */
char *config_text(const struct resolved *resolved, bool origin);

#endif
