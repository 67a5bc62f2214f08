/* Reader of profile tables: CSV with a header line, optionally a column `layer`, integer key columns, and `time_us`.
 *
 * Strict: every column is known and present, every cell is a number where one is due, no row repeats the keys of
 * another. All errors of a file are reported with line and column. Blank lines are allowed; quoting is not: the
 * profiler writes none.
 */
#ifndef ASIM_HW_PROFILE_PROFILE_CSV_H
#define ASIM_HW_PROFILE_PROFILE_CSV_H

#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

enum { PROFILE_CSV_MAX_KEYS = 4 };

/* No kernel takes longer than 1000 s; sums and extrapolations of legal times then stay finite. */
#define PROFILE_CSV_MAX_US 1e9

struct profile_csv_format {
    const char *const *layers; /* values the column `layer` may have, NULL-terminated; NULL: there is no such column */
    const char *const *keys;   /* names of the integer columns, NULL-terminated, at most PROFILE_CSV_MAX_KEYS */
};

struct profile_csv_row {
    uint32_t line;
    uint32_t layer; /* index in format->layers, 0 without */
    uint32_t key[PROFILE_CSV_MAX_KEYS];
    double time_us; /* 0 to PROFILE_CSV_MAX_US */
};

/* Rows ordered by (layer, keys); at least one. */
struct profile_csv {
    size_t n_rows;
    struct profile_csv_row *rows;
};

/* `file` is only named in errors. On failure *out is empty and diag has at least one error. */
asim_status profile_csv_parse(const char *file, const char *text, size_t bytes, const struct profile_csv_format *format,
                              struct profile_csv *out, struct diag *diag);
asim_status profile_csv_read(const char *path, const struct profile_csv_format *format, struct profile_csv *out,
                             struct diag *diag);
void profile_csv_fini(struct profile_csv *csv);

#endif
