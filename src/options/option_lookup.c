#include "options/option_lookup.h"

#include "base/diag.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void option_name(size_t row, enum option_naming naming, char out[OPTION_NAME_BYTES])
{
    const asim_option *option = &option_at(row)->doc;
    if (naming != NAMING_ENVIRONMENT) {
        snprintf(out, OPTION_NAME_BYTES, "%s", naming == NAMING_PATH ? option->path : option->flag);
        return;
    }
    snprintf(out, OPTION_NAME_BYTES, "ASIM_%s", option->path);
    for (char *c = out; *c; c++) {
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    }
}

size_t option_find(const char *name, enum option_naming naming)
{
    char candidate[OPTION_NAME_BYTES];
    size_t row = 0;
    for (; row < option_count(); row++) {
        option_name(row, naming, candidate);
        if (strcmp(candidate, name) == 0) {
            break;
        }
    }
    return row;
}

const char *option_nearest(const char *name, enum option_naming naming, char out[OPTION_NAME_BYTES])
{
    const size_t n = option_count();
    char(*names)[OPTION_NAME_BYTES] = mem_alloc(n * sizeof *names);
    const char **list = mem_alloc(n * sizeof *list);
    for (size_t row = 0; row < n; row++) {
        option_name(row, naming, names[row]);
        list[row] = names[row];
    }
    const char *nearest = diag_nearest(name, list, n);
    nearest = nearest ? strcpy(out, nearest) : NULL;
    mem_free(list);
    mem_free(names);
    return nearest;
}

/* Whether the option is in the group that the first bytes of `path` name. */
static bool is_in_group(size_t row, const char *path, size_t length)
{
    const char *candidate = option_at(row)->doc.path;
    return strncmp(candidate, path, length) == 0 && candidate[length] == '.';
}

bool option_is_group(const char *path)
{
    const size_t length = strlen(path);
    for (size_t row = 0; row < option_count(); row++) {
        if (is_in_group(row, path, length)) {
            return true;
        }
    }
    return false;
}

char *option_group_list(const char *path)
{
    const char *dot = strrchr(path, '.');
    char *list = NULL;
    size_t bytes = 0;
    for (size_t row = 0; dot && row < option_count(); row++) {
        if (is_in_group(row, path, (size_t)(dot - path))) {
            const char *name = option_at(row)->doc.path;
            list = mem_realloc(list, bytes + strlen(name) + sizeof ", ");
            bytes += (size_t)sprintf(list + bytes, "%s%s", bytes ? ", " : "", name);
        }
    }
    return list;
}
