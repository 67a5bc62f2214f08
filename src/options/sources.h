/* Values as the sources gave them: every reader (YAML, environment, command line) checks a value against the table and
 * appends it here; resolve.c then applies precedence.
 */
#ifndef ASIM_OPTIONS_SOURCES_H
#define ASIM_OPTIONS_SOURCES_H

#include "base/diag.h"
#include "options/option_table.h"

/* Precedence, lowest first. Files count up from RANK_FILE in the order they were loaded. */
enum option_rank {
    RANK_BUILT_IN,
    RANK_SCENARIO,
    RANK_PRESET,
    RANK_FILE,
    RANK_ENVIRONMENT = 0x7FFFFFFE,
    RANK_EXPLICIT = 0x7FFFFFFF,
};

struct option_given {
    size_t row;
    uint32_t rank;
    char *text;   /* NULL: a bad value, reported when it was read */
    char *origin; /* "my.yaml:3", "environment ASIM_SEED", "--seed" */
};

struct option_sources {
    struct option_given *items;
    size_t n, capacity;
    uint32_t n_files;
};

void option_sources_init(struct option_sources *sources);
void option_sources_fini(struct option_sources *sources);

/* Where a value comes from: its place in a file, the name to put before its errors, and its origin for --print-config.
 */
struct option_source {
    uint32_t rank;
    struct diag_where where;
    const char *name;
    const char *origin;
};

/* Checks a value and appends it; a bad one is reported, and appended without its text so that it raises no follow-on
 * errors. */
asim_status option_sources_add(struct option_sources *sources, size_t row, const char *text,
                               const struct option_source *from, struct diag *diag);

#endif
