/* Options that were given and that nothing looks at, since they belong to a mode that is not chosen. */
#ifndef ASIM_OPTIONS_UNUSED_H
#define ASIM_OPTIONS_UNUSED_H

#include "options/resolve.h"

/* Warns of each whose value is not the built-in one. */
void unused_warn(const struct resolved *resolved, struct diag *diag);

#endif
