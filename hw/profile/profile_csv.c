#include "hw/profile/profile_csv.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = PROFILE_CSV_MAX_KEYS + 2, MAX_CELL = 63, NO_COLUMN = -1 };

/* A column of the file: which part of a row it fills. */
enum { FILLS_LAYER = PROFILE_CSV_MAX_KEYS, FILLS_TIME };

struct cell {
    char text[MAX_CELL + 1];
    uint32_t column; /* of its first character, from 1 */
};

struct parser {
    const char *file;
    const struct profile_csv_format *format;
    struct diag *diag;
    uint32_t line;
    uint32_t n_columns;
    int fills[MAX_COLUMNS]; /* by position in the file */
    struct profile_csv csv;
    size_t capacity;
};

static struct diag_where at(const struct parser *parser, uint32_t column)
{
    return (struct diag_where){.file = parser->file, .line = parser->line, .column = column};
}

static size_t count_names(const char *const *names)
{
    size_t n = 0;
    while (names && names[n]) {
        n++;
    }
    return n;
}

static int find_name(const char *const *names, const char *name)
{
    for (int i = 0; names && names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return NO_COLUMN;
}

/* Splits [line, end) at commas; returns the number of cells (cells beyond MAX_COLUMNS are counted, not kept). A cell
 * too long for any number or name is cut and ends in `...`: no number and no name. */
static uint32_t split(const char *line, const char *end, struct cell cells[MAX_COLUMNS])
{
    uint32_t n = 0;
    const char *from = line;
    for (;;) {
        const char *comma = memchr(from, ',', (size_t)(end - from));
        const char *stop = comma ? comma : end;
        if (n < MAX_COLUMNS) {
            const size_t length = (size_t)(stop - from);
            const size_t kept = length < MAX_CELL ? length : MAX_CELL;
            memcpy(cells[n].text, from, kept);
            strcpy(cells[n].text + (kept < length ? kept - 3 : kept), kept < length ? "..." : "");
            cells[n].column = (uint32_t)(from - line) + 1;
        }
        n++;
        if (!comma) {
            return n;
        }
        from = comma + 1;
    }
}

static const char *column_name(const struct parser *parser, int fills)
{
    return fills == FILLS_LAYER ? "layer" : fills == FILLS_TIME ? "time_us" : parser->format->keys[fills];
}

static void expected_columns(const struct parser *parser, char *out, size_t bytes)
{
    size_t used = (size_t)snprintf(out, bytes, "%s", parser->format->layers ? "layer, " : "");
    for (size_t i = 0; parser->format->keys[i]; i++) {
        used += (size_t)snprintf(out + used, bytes - used, "%s, ", parser->format->keys[i]);
    }
    snprintf(out + used, bytes - used, "time_us");
}

static bool parse_header(struct parser *parser, const char *line, const char *end)
{
    char expected[160];
    expected_columns(parser, expected, sizeof expected);
    struct cell cells[MAX_COLUMNS];
    const uint32_t n = split(line, end, cells);
    const size_t errors = parser->diag->n_errors;
    bool found[FILLS_TIME + 1] = {false};
    for (uint32_t i = 0; i < n && i < MAX_COLUMNS; i++) {
        const char *name = cells[i].text;
        int fills = find_name(parser->format->keys, name);
        if (strcmp(name, "time_us") == 0) {
            fills = FILLS_TIME;
        } else if (parser->format->layers && strcmp(name, "layer") == 0) {
            fills = FILLS_LAYER;
        }
        if (fills == NO_COLUMN || found[fills]) {
            diag_error(parser->diag, ASIM_INPUT, at(parser, cells[i].column), "%s column `%s`; the columns are %s",
                       fills == NO_COLUMN ? "unknown" : "repeated", name, expected);
            continue;
        }
        found[fills] = true;
        parser->fills[i] = fills;
    }
    const size_t n_keys = count_names(parser->format->keys);
    for (int fills = 0; fills <= FILLS_TIME; fills++) {
        const bool wanted =
            fills == FILLS_TIME || (fills == FILLS_LAYER ? parser->format->layers != NULL : (size_t)fills < n_keys);
        if (wanted && !found[fills]) {
            diag_error(parser->diag, ASIM_INPUT, at(parser, 0), "column `%s` is missing; the columns are %s",
                       column_name(parser, fills), expected);
        }
    }
    if (n > MAX_COLUMNS && parser->diag->n_errors == errors) {
        diag_error(parser->diag, ASIM_INPUT, at(parser, 0), "%u columns; the columns are %s", n, expected);
    }
    parser->n_columns = n;
    return parser->diag->n_errors == errors;
}

static bool parse_key(struct parser *parser, const struct cell *cell, const char *name, uint32_t *out)
{
    const size_t digits = strspn(cell->text, "0123456789");
    const uint64_t value =
        digits >= 1 && digits <= 10 && !cell->text[digits] ? strtoull(cell->text, NULL, 10) : UINT64_MAX;
    if (value > INT32_MAX) {
        diag_error(parser->diag, ASIM_INPUT, at(parser, cell->column),
                   "`%s` is `%s`; it must be a whole number from 0 to %d", name, cell->text, INT32_MAX);
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool parse_time(struct parser *parser, const struct cell *cell, double *out)
{
    char *end;
    const size_t allowed = strspn(cell->text, "0123456789.eE+-"); /* neither hexadecimal, nan nor inf */
    const double value = strtod(cell->text, &end);
    if (end == cell->text || *end || cell->text[allowed] || !(value >= 0.0 && value <= PROFILE_CSV_MAX_US)) {
        diag_error(parser->diag, ASIM_INPUT, at(parser, cell->column),
                   "`time_us` is `%s`; it must be a number of microseconds from 0 to %g", cell->text,
                   PROFILE_CSV_MAX_US);
        return false;
    }
    *out = value;
    return true;
}

static bool parse_layer(struct parser *parser, const struct cell *cell, uint32_t *out)
{
    const char *const *layers = parser->format->layers;
    const int layer = find_name(layers, cell->text);
    if (layer == NO_COLUMN) {
        const char *near = diag_nearest(cell->text, layers, count_names(layers));
        diag_error(parser->diag, ASIM_INPUT, at(parser, cell->column), "unknown layer `%s`%s%s%s", cell->text,
                   near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
        return false;
    }
    *out = (uint32_t)layer;
    return true;
}

static void parse_row(struct parser *parser, const char *line, const char *end)
{
    struct cell cells[MAX_COLUMNS];
    const uint32_t n = split(line, end, cells);
    if (n != parser->n_columns) {
        diag_error(parser->diag, ASIM_INPUT, at(parser, 0), "%u cells, but the header has %u columns", n,
                   parser->n_columns);
        return;
    }
    struct profile_csv_row row = {.line = parser->line};
    bool ok = true;
    for (uint32_t i = 0; i < n; i++) {
        const int fills = parser->fills[i];
        if (fills == FILLS_LAYER) {
            ok &= parse_layer(parser, &cells[i], &row.layer);
        } else if (fills == FILLS_TIME) {
            ok &= parse_time(parser, &cells[i], &row.time_us);
        } else {
            ok &= parse_key(parser, &cells[i], parser->format->keys[fills], &row.key[fills]);
        }
    }
    if (ok) {
        struct profile_csv *csv = &parser->csv;
        csv->rows = mem_grow(csv->rows, &parser->capacity, csv->n_rows + 1, sizeof *csv->rows);
        csv->rows[csv->n_rows++] = row;
    }
}

/* By layer and keys; the line of the file breaks ties, so that a repeated row is reported at its second place. */
static int compare_rows(const void *left, const void *right)
{
    const struct profile_csv_row *a = left, *b = right;
    if (a->layer != b->layer) {
        return a->layer < b->layer ? -1 : 1;
    }
    for (int i = 0; i < PROFILE_CSV_MAX_KEYS; i++) {
        if (a->key[i] != b->key[i]) {
            return a->key[i] < b->key[i] ? -1 : 1;
        }
    }
    return (a->line > b->line) - (a->line < b->line);
}

static void check_repeats(struct parser *parser)
{
    const struct profile_csv *csv = &parser->csv;
    for (size_t i = 1; i < csv->n_rows; i++) {
        const struct profile_csv_row *a = &csv->rows[i - 1], *b = &csv->rows[i];
        if (a->layer == b->layer && memcmp(a->key, b->key, sizeof a->key) == 0) {
            parser->line = b->line;
            diag_error(parser->diag, ASIM_INPUT, at(parser, 0), "repeats the point of line %u", a->line);
        }
    }
}

asim_status profile_csv_parse(const char *file, const char *text, size_t bytes, const struct profile_csv_format *format,
                              struct profile_csv *out, struct diag *diag)
{
    struct parser parser = {.file = file, .format = format, .diag = diag};
    const size_t errors = diag->n_errors;
    bool have_header = false;
    const char *const stop = text + bytes;
    for (const char *line = text; line < stop;) {
        const char *newline = memchr(line, '\n', (size_t)(stop - line));
        const char *end = newline ? newline : stop;
        const char *next = newline ? newline + 1 : stop;
        parser.line++;
        if (end > line && end[-1] == '\r') {
            end--;
        }
        if (end > line && have_header) {
            parse_row(&parser, line, end);
        } else if (end > line) {
            have_header = true;
            if (!parse_header(&parser, line, end)) {
                break;
            }
        }
        line = next;
    }
    if (parser.csv.n_rows > 0) {
        qsort(parser.csv.rows, parser.csv.n_rows, sizeof *parser.csv.rows, compare_rows);
        check_repeats(&parser);
    } else if (diag->n_errors == errors) {
        diag_error(diag, ASIM_INPUT, (struct diag_where){.file = file}, "the table is empty");
    }
    if (diag->n_errors != errors) {
        profile_csv_fini(&parser.csv);
    }
    *out = parser.csv;
    return diag->n_errors == errors ? ASIM_OK : ASIM_INPUT;
}

/* Whole file in memory, or NULL with errno set. */
static char *read_all(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    char *text = NULL;
    size_t capacity = 0, got;
    *bytes = 0;
    do {
        text = mem_grow(text, &capacity, *bytes + 65536, 1);
        got = fread(text + *bytes, 1, 65536, file);
        *bytes += got;
    } while (got > 0);
    const int error = ferror(file) ? errno : 0;
    fclose(file);
    if (error) {
        mem_free(text);
        errno = error;
        return NULL;
    }
    return text;
}

asim_status profile_csv_read(const char *path, const struct profile_csv_format *format, struct profile_csv *out,
                             struct diag *diag)
{
    *out = (struct profile_csv){0};
    size_t bytes;
    char *text = read_all(path, &bytes);
    if (!text) {
        return diag_error(diag, ASIM_INPUT, (struct diag_where){.file = path}, "cannot be read: %s", strerror(errno));
    }
    const asim_status status = profile_csv_parse(path, text, bytes, format, out, diag);
    mem_free(text);
    return status;
}

void profile_csv_fini(struct profile_csv *csv)
{
    mem_free(csv->rows);
    *csv = (struct profile_csv){0};
}
