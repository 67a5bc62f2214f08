#include "options/argv_source.h"

#include "base/mem.h"
#include "options/option_lookup.h"
#include "options/option_value.h"

#include <string.h>

static const struct diag_where nowhere = {0};

static asim_status unknown(const char *kind, const char *given, enum option_naming naming, struct diag *diag)
{
    char nearest[OPTION_NAME_BYTES];
    char shown[OPTION_SHOWN_BYTES];
    option_shown(given, shown);
    if (option_nearest(given, naming, nearest)) {
        return diag_error(diag, ASIM_USAGE, nowhere, "unknown %s '%s'; did you mean '%s'?", kind, shown, nearest);
    }
    return diag_error(diag, ASIM_USAGE, nowhere, "unknown %s '%s'", kind, shown);
}

asim_status argv_source_set(struct option_sources *sources, const char *path, const char *value, struct diag *diag)
{
    const size_t row = option_find(path, NAMING_PATH);
    if (row == option_count()) {
        return unknown("option", path, NAMING_PATH, diag);
    }
    const struct option_source from = {.rank = RANK_EXPLICIT, .name = path, .origin = "set"};
    return option_sources_add(sources, row, value, &from, diag);
}

/* The row of "--no-X" where X is a switch, else option_count(). */
static size_t find_negated(const char *flag)
{
    static const char no[] = "--no-";
    if (strncmp(flag, no, strlen(no)) != 0) {
        return option_count();
    }
    char positive[OPTION_NAME_BYTES] = "--";
    strncat(positive, flag + strlen(no), sizeof positive - 3);
    const size_t row = option_find(positive, NAMING_FLAG);
    return row < option_count() && option_at(row)->doc.is_switch ? row : option_count();
}

static asim_status set_flag(struct option_sources *sources, const char *flag, const char *value, struct diag *diag)
{
    const struct option_source from = {.rank = RANK_EXPLICIT, .name = flag, .origin = flag};
    const size_t negated = find_negated(flag);
    if (negated < option_count()) {
        return value ? diag_error(diag, ASIM_USAGE, nowhere, "%s: takes no value", flag)
                     : option_sources_add(sources, negated, "off", &from, diag);
    }
    const size_t row = option_find(flag, NAMING_FLAG);
    if (row == option_count()) {
        return unknown("flag", flag, NAMING_FLAG, diag);
    }
    if (!value && !option_at(row)->doc.is_switch) {
        return diag_error(diag, ASIM_USAGE, nowhere, "%s: needs a value (%s)", flag, option_at(row)->doc.type);
    }
    return option_sources_add(sources, row, value ? value : "on", &from, diag);
}

asim_status argv_source_flag(struct option_sources *sources, const char *flag, const char *value, struct diag *diag)
{
    const char *equals = strchr(flag, '=');
    if (!equals) {
        return set_flag(sources, flag, value, diag);
    }
    if (value) {
        return diag_error(diag, ASIM_USAGE, nowhere, "%s: a value is given twice: '%s'", flag, value);
    }
    char *name = mem_strdup(flag);
    name[equals - flag] = '\0';
    const asim_status status = set_flag(sources, name, equals + 1, diag);
    mem_free(name);
    return status;
}
