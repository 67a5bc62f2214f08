/* Findings about input: errors and warnings with file, line and column, collected so that all errors of a file are
 * reported at once. A function that fails on input adds at least one error and returns its status.
 */
#ifndef ASIM_BASE_DIAG_H
#define ASIM_BASE_DIAG_H

#include "asim/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag_entry {
    bool is_warning;
    char *text; /* "file:line:column: message", whole and ready to print */
};

struct diag {
    asim_status status; /* of the first error; ASIM_OK while there is none */
    size_t n_errors;    /* all of them, also those beyond the kept ones */
    size_t n_warnings;
    size_t n_entries; /* kept: at most DIAG_MAX_ENTRIES */
    struct diag_entry *entries;
};

#define DIAG_MAX_ENTRIES 64

/* Where in an input: file may be NULL (command line, environment); line and column 0 mean unknown. */
struct diag_where {
    const char *file;
    uint32_t line;
    uint32_t column;
};

void diag_init(struct diag *diag);
void diag_fini(struct diag *diag);

/* Adds an error and returns `status`, so that callers can `return diag_error(...)`. */
asim_status diag_error(struct diag *diag, asim_status status, struct diag_where where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void diag_warning(struct diag *diag, struct diag_where where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds all that `from` kept; its errors with its status. */
void diag_pass(struct diag *into, const struct diag *from);

/* The one of `n` names that begins with `given`, else the nearest by edit distance, or NULL when none is near enough to
 * suggest. */
const char *diag_nearest(const char *given, const char *const *names, size_t n);

#endif
