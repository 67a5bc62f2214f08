#include "options/environment_source.h"

#include "base/mem.h"
#include "options/option_lookup.h"
#include "options/option_value.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "ASIM_";

/* Not an option, but ours: where tests find recorded data. */
static const char test_variable[] = "ASIM_DATA_DIR";

static asim_status read_one(struct option_sources *sources, const char *name, const char *value, struct diag *diag)
{
    const size_t row = option_find(name, NAMING_ENVIRONMENT);
    if (row == option_count()) {
        char shown[OPTION_SHOWN_BYTES];
        char nearest[OPTION_NAME_BYTES];
        option_shown(name, shown);
        if (option_nearest(name, NAMING_ENVIRONMENT, nearest)) {
            return diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                              "unknown environment variable '%s'; did you mean '%s'?", shown, nearest);
        }
        return diag_error(diag, ASIM_USAGE, (struct diag_where){0}, "unknown environment variable '%s'", shown);
    }
    char origin[OPTION_NAME_BYTES + 16];
    snprintf(origin, sizeof origin, "environment %s", name);
    const struct option_source from = {.rank = RANK_ENVIRONMENT, .name = name, .origin = origin};
    return option_sources_add(sources, row, value, &from, diag);
}

asim_status environment_source_read(struct option_sources *sources, const char *const *environment, struct diag *diag)
{
    asim_status status = ASIM_OK;
    for (; *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || strncmp(*environment, prefix, strlen(prefix)) != 0) {
            continue;
        }
        char *name = mem_strdup(*environment);
        name[equals - *environment] = '\0';
        if (strcmp(name, test_variable) != 0) {
            const asim_status one = read_one(sources, name, equals + 1, diag);
            status = status == ASIM_OK ? one : status;
        }
        mem_free(name);
    }
    return status;
}
