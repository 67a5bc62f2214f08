/* Finding options by name, and the nearest name to a wrong one. */
#ifndef ASIM_OPTIONS_OPTION_LOOKUP_H
#define ASIM_OPTIONS_OPTION_LOOKUP_H

#include "options/option_table.h"

enum { OPTION_NAME_BYTES = 96 };

/* What one option is called in each kind of source. */
enum option_naming { NAMING_PATH, NAMING_FLAG, NAMING_ENVIRONMENT };

void option_name(size_t row, enum option_naming naming, char out[OPTION_NAME_BYTES]);

/* The row's index, or option_count() when there is none of that name. */
size_t option_find(const char *name, enum option_naming naming);

/* The one existing name that begins with `name`, else the nearest by spelling, in `out`; NULL when there is none. */
const char *option_nearest(const char *name, enum option_naming naming, char out[OPTION_NAME_BYTES]);

/* True when `path` is a group of options, such as "router". */
bool option_is_group(const char *path);

/* The options of the group that `path` would be in, "router.view, router.load_limit", owned by the caller; NULL when it
 * would be in none. */
char *option_group_list(const char *path);

#endif
