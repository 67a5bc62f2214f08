/* Measured kernels: reading their tables and judging predictions against them. */
#ifndef ASIM_TESTS_HW_MEASURED_H
#define ASIM_TESTS_HW_MEASURED_H

#include "support/support.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* A CSV file, plain or gzip, read row by row; fields are addressed by column name. Lines that start with '#' before the
 * header are skipped. */
struct measured {
    gzFile file;
    char header[1024], line[1024];
    const char *names[32], *fields[32];
    int n_columns;
};

static inline int measured_split(char *line, const char **fields)
{
    int n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && n < 32;) {
        fields[n++] = at;
        at = strchr(at, ',');
        if (at) {
            *at++ = '\0';
        }
    }
    return n;
}

static inline bool measured_open(struct measured *table, const char *path)
{
    table->file = gzopen(path, "rb");
    if (!table->file) {
        return false;
    }
    do {
        if (!gzgets(table->file, table->header, sizeof table->header)) {
            return false;
        }
    } while (table->header[0] == '#');
    table->n_columns = measured_split(table->header, table->names);
    return true;
}

static inline bool measured_next(struct measured *table)
{
    return gzgets(table->file, table->line, sizeof table->line) &&
           measured_split(table->line, table->fields) == table->n_columns;
}

static inline void measured_close(struct measured *table)
{
    gzclose(table->file);
}

/* The field of a column, or NULL when the file lacks it. */
static inline const char *measured_text(const struct measured *table, const char *name)
{
    for (int i = 0; i < table->n_columns; i++) {
        if (strcmp(table->names[i], name) == 0) {
            return table->fields[i];
        }
    }
    return NULL;
}

static inline bool measured_is(const struct measured *table, const char *name, const char *wanted)
{
    const char *text = measured_text(table, name);
    return !text || strcmp(text, wanted) == 0;
}

static inline double measured_number(const struct measured *table, const char *name)
{
    const char *text = measured_text(table, name);
    return text ? strtod(text, NULL) : 0.0;
}

/* Errors |predicted/measured - 1| of a set. */
struct accuracy {
    double *errors;
    size_t n, capacity;
    double signed_sum;
};

static inline void accuracy_add(struct accuracy *set, double predicted, double measured_us)
{
    set->errors = mem_grow(set->errors, &set->capacity, set->n + 1, sizeof *set->errors);
    set->errors[set->n++] = fabs(predicted / measured_us - 1.0);
    set->signed_sum += predicted / measured_us - 1.0;
}

static inline int accuracy_compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints the set, requires at least `least` points and a mean error of at most `limit`, and empties it. */
static inline void accuracy_check(struct accuracy *set, const char *what, size_t least, double limit)
{
    assert_true(set->n >= least);
    double sum = 0.0;
    for (size_t i = 0; i < set->n; i++) {
        sum += set->errors[i];
    }
    qsort(set->errors, set->n, sizeof *set->errors, accuracy_compare);
    const double n = (double)set->n;
    const double mean = sum / n;
    print_message("%-44s %6zu points, mean %4.1f %%, p50 %4.1f, p90 %4.1f, bias %+5.1f (limit %.1f)\n", what, set->n,
                  100 * mean, 100 * set->errors[set->n / 2], 100 * set->errors[set->n * 9 / 10],
                  100 * set->signed_sum / n, 100 * limit);
    assert_true(mean <= limit);
    mem_free(set->errors);
    *set = (struct accuracy){0};
}

#endif
