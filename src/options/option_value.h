/* Values of options: read from text under the rules of a row of the option table, kept in struct settings, and written
 * back as text that reads to the same value.
 */
#ifndef ASIM_OPTIONS_OPTION_VALUE_H
#define ASIM_OPTIONS_OPTION_VALUE_H

#include "options/option_table.h"

struct option_value {
    enum option_type type;
    union {
        const char *text; /* for text types: the text that was read, not a copy */
        uint64_t count;
        uint32_t choice;
        simtime duration;
        double number;
        bool on;
    };
};

enum { OPTION_MESSAGE_BYTES = 1024 };

/* Reads `text`; on failure returns false and writes what was given and what is allowed. */
bool option_value_parse(const struct option_row *row, const char *text, struct option_value *out,
                        char message[OPTION_MESSAGE_BYTES]);

/* Puts a value, or "unset", into the row's field. */
void option_value_store(const struct option_row *row, const struct option_value *value, struct settings *settings);
void option_value_unset(const struct option_row *row, struct settings *settings);

/* The field as text, owned by the caller; NULL when unset. */
char *option_value_format(const struct option_row *row, const struct settings *settings);

/* A given text made fit for a message: valid UTF-8, no control characters, shortened. */
enum { OPTION_SHOWN_BYTES = 96 };
const char *option_shown(const char *text, char out[OPTION_SHOWN_BYTES]);

#endif
