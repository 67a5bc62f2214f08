/* The option table: one row per option. The command line, YAML, environment, validation, help, --print-config and
 * docs/options.md all come from it; an option is added by adding a row here and a field in settings.h.
 *
 * Names: the path of a row is its YAML path; its flag is "--" and the path with '.' and '_' replaced by '-'; its
 * environment variable is "ASIM_" and the path in capitals with '.' replaced by '_'. Rows of one group ("router.")
 * stand together, rows of one topic too.
 */
#ifndef ASIM_OPTIONS_OPTION_TABLE_H
#define ASIM_OPTIONS_OPTION_TABLE_H

#include "asim/asim.h"
#include "options/settings.h"

enum option_type {
    OPTION_TEXT,         /* const char *, any text but the empty one */
    OPTION_PATH,         /* the same: a file or folder */
    OPTION_CHOICE,       /* uint32_t, the index in `names` */
    OPTION_SWITCH,       /* bool */
    OPTION_COUNT,        /* uint64_t */
    OPTION_DURATION,     /* simtime */
    OPTION_RATE,         /* double, per second */
    OPTION_BANDWIDTH,    /* double, bytes per second */
    OPTION_BYTES,        /* double, whole */
    OPTION_FRACTION,     /* double */
    OPTION_NUMBER,       /* double */
    OPTION_DISTRIBUTION, /* const char *, checked by `check` */
};

/* Says whether a text is allowed; if not, writes what is wrong and what is allowed. */
typedef bool (*option_check_fn)(const char *text, char *message, size_t message_bytes);

struct option_row {
    asim_option doc;
    enum option_type type;
    size_t offset; /* of the field in struct settings */
    double min;    /* base units; with above_min the least value itself is not allowed */
    double max;
    bool above_min;
    bool power_of_two;
    const char *const *names; /* NULL-terminated */
    option_check_fn check;    /* NULL: none beyond the type */
};

struct option_topic {
    const char *name;
    const char *description;
};

size_t option_count(void);
const struct option_row *option_at(size_t index);

/* NULL past the end. */
const struct option_topic *option_topic_at(size_t index);

#endif
