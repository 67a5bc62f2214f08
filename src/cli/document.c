#include "cli/document.h"

#include "cli/grid.h"
#include "cli/human.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES = 4096 };

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text);
    const size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

enum unit { UNIT_NONE, UNIT_SECONDS, UNIT_BYTES, UNIT_PER_SECOND, UNIT_BYTES_PER_SECOND, UNIT_FRACTION, UNIT_COUNT };

/* What a key says about its number; UNIT_NONE: ask the key above. */
static enum unit unit_of(const char *key)
{
    static const struct {
        const char *end;
        enum unit unit;
    } ends[] = {
        {"_bytes_per_s", UNIT_BYTES_PER_SECOND},
        {"bytes", UNIT_BYTES},
        {"_per_s", UNIT_PER_SECOND},
        {"request_rate", UNIT_PER_SECOND},
        {"_s", UNIT_SECONDS},
        {"_rate", UNIT_FRACTION},
        {"fraction", UNIT_FRACTION},
        {"share", UNIT_FRACTION},
        {"error", UNIT_FRACTION},
        {"utilization", UNIT_FRACTION},
        {"_use", UNIT_FRACTION},
        {"_toks", UNIT_COUNT},
        {"tokens", UNIT_COUNT},
        {"blocks", UNIT_COUNT},
        {"count", UNIT_COUNT},
    };
    if (strcmp(key, "n") == 0) {
        return UNIT_COUNT;
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends_with(key, ends[i].end)) {
            return ends[i].unit;
        }
    }
    return UNIT_NONE;
}

static enum unit inherit(const char *key, enum unit above)
{
    const enum unit own = unit_of(key);
    return own == UNIT_NONE ? above : own;
}

/* The key without its unit, underscores as spaces. */
static const char *label(const char *key, char out[128])
{
    static const char *const endings[] = {"_bytes_per_s", "_bytes", "_per_s", "_s"};
    size_t n = strlen(key);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (ends_with(key, endings[i])) {
            n -= strlen(endings[i]);
            break;
        }
    }
    snprintf(out, 128, "%.*s", (int)(n < 127 ? n : 127), key);
    for (char *c = out; *c; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return out;
}

static const char *number(const json_t *value, enum unit unit, char out[CELL_BYTES])
{
    char text[HUMAN_BYTES];
    const double x = json_number_value(value);
    switch (unit) {
    case UNIT_SECONDS:
        return strcpy(out, human_duration(x, text));
    case UNIT_BYTES:
        return strcpy(out, human_size(x, text));
    case UNIT_FRACTION:
        return strcpy(out, human_percent(x, text));
    case UNIT_PER_SECOND:
        snprintf(out, CELL_BYTES, "%s/s", human_magnitude(x, text));
        return out;
    case UNIT_BYTES_PER_SECOND: /* bandwidths are decimal */
        snprintf(out, CELL_BYTES, "%s%sB/s", human_magnitude(x, text), x >= 1e4 ? "" : " ");
        return out;
    case UNIT_COUNT:
    case UNIT_NONE:
        break;
    }
    if (json_is_integer(value)) {
        return strcpy(out, human_count(json_integer_value(value), text));
    }
    if (x >= 1000 || x <= -1000) {
        return strcpy(out, human_count(llround(x), text));
    }
    snprintf(out, CELL_BYTES, "%.4g", x);
    return out;
}

static bool is_scalar(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

static const char *scalar(const json_t *value, enum unit unit, char out[CELL_BYTES])
{
    if (!value || json_is_null(value)) {
        return strcpy(out, "-");
    }
    if (json_is_boolean(value)) {
        return strcpy(out, json_is_true(value) ? "yes" : "no");
    }
    if (json_is_string(value)) {
        snprintf(out, CELL_BYTES, "%s", json_string_value(value));
        return out;
    }
    return number(value, unit, out);
}

/* What one cell of a table can hold: a scalar, or an array of them. */
static bool is_cell(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (!is_scalar(item)) {
            return false;
        }
    }
    return !json_is_object(value);
}

static bool has_only_cells(const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!is_cell(value)) {
            return false;
        }
    }
    return json_is_object(object) && json_object_size(object) > 0;
}

static bool same_keys(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)a, key, value)
    {
        if (!json_object_get(b, key)) {
            return false;
        }
    }
    return json_object_size(a) == json_object_size(b);
}

/* Objects of cells with equal keys: rows of a table. */
static bool is_table(const json_t *object)
{
    const json_t *first = NULL;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!has_only_cells(value) || (first && !same_keys(first, value))) {
            return false;
        }
        first = first ? first : value;
    }
    return first && json_object_size(object) > 1;
}

static bool is_table_array(const json_t *array)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)array, i, value)
    {
        if (!has_only_cells(value)) {
            return false;
        }
    }
    return json_array_size(array) > 0;
}

/* Rows of a name and one object each, {"name": "bash", "gap_s": {...}}: the key of the objects, NULL for anything else.
 */
static const char *named_objects(const json_t *array)
{
    const char *shared = NULL;
    const json_t *first = NULL;
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)array, i, row)
    {
        if (json_object_size(row) != 2 || !json_is_string(json_object_get(row, "name"))) {
            return NULL;
        }
        const char *key;
        json_t *value;
        json_object_foreach(row, key, value)
        {
            if (strcmp(key, "name") == 0) {
                continue;
            }
            if (!has_only_cells(value) || (first && (strcmp(key, shared) != 0 || !same_keys(first, value)))) {
                return NULL;
            }
            shared = key;
            first = first ? first : value;
        }
    }
    return shared;
}

/* All keys of the rows, in order of first appearance. */
static json_t *all_keys(const json_t *array)
{
    json_t *keys = json_object();
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)array, i, row)
    {
        json_object_update_missing(keys, row);
    }
    return keys;
}

/* An array of scalars as one text; of anything else as JSON. */
static char *joined(const json_t *array, enum unit unit)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)array, i, value)
    {
        char cell[CELL_BYTES];
        fputs(i ? ", " : "", out);
        if (is_scalar(value)) {
            fputs(scalar(value, unit, cell), out);
        } else {
            json_dumpf(value, out, JSON_REAL_PRECISION(6));
        }
    }
    fputs(i ? "" : "none", out);
    fclose(out);
    return text;
}

static void finish_grid(FILE *out, struct grid *grid, size_t indent)
{
    size_t last = 0;
    for (size_t i = grid->n_columns - 1; i < grid->n_cells; i += grid->n_columns) {
        const size_t width = human_width(grid->cells[i]);
        last = width > last ? width : last;
    }
    const size_t others = indent + grid_width(grid) - last;
    const size_t room = grid->right_aligned[grid->n_columns - 1] || last < 40 ? last : 40;
    if (others + room <= HUMAN_COLUMNS) {
        grid_print(out, grid, indent, HUMAN_COLUMNS);
    } else {
        grid_print_paragraphs(out, grid, indent, HUMAN_COLUMNS);
    }
    grid_fini(grid);
}

static void add_heading(struct grid *grid, size_t column, const json_t *sample, const char *key)
{
    char text[128];
    grid_add(grid, label(key, text));
    grid->right_aligned[column] = json_is_number(sample) || json_is_null(sample);
}

static void add_cells(struct grid *grid, const json_t *columns, const json_t *row, enum unit unit)
{
    char text[CELL_BYTES];
    const char *key;
    json_t *sample;
    json_object_foreach((json_t *)columns, key, sample)
    {
        const json_t *value = json_object_get(row, key);
        if (json_is_array(value)) {
            char *list = joined(value, inherit(key, unit));
            grid_add(grid, list);
            free(list);
        } else {
            grid_add(grid, scalar(value, inherit(key, unit), text));
        }
    }
}

static void print_table(FILE *out, const json_t *object, size_t indent, enum unit unit)
{
    const json_t *columns = json_object_iter_value(json_object_iter((json_t *)object));
    struct grid grid;
    grid_init(&grid, 1 + json_object_size(columns));
    grid_add(&grid, "");
    size_t column = 1;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)columns, key, value)
    {
        add_heading(&grid, column++, value, key);
    }
    json_object_foreach((json_t *)object, key, value)
    {
        char text[128];
        grid_add(&grid, label(key, text));
        add_cells(&grid, columns, value, inherit(key, unit));
    }
    finish_grid(out, &grid, indent);
}

/* The table of rows that named_objects accepts. */
static void print_named_objects(FILE *out, const json_t *array, const char *shared, size_t indent, enum unit unit)
{
    const json_t *columns = json_object_get(json_array_get(array, 0), shared);
    struct grid grid;
    grid_init(&grid, 1 + json_object_size(columns));
    char text[128];
    grid_add(&grid, label(shared, text));
    size_t column = 1;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)columns, key, value)
    {
        add_heading(&grid, column++, value, key);
    }
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)array, i, row)
    {
        grid_add(&grid, json_string_value(json_object_get(row, "name")));
        add_cells(&grid, columns, json_object_get(row, shared), inherit(shared, unit));
    }
    finish_grid(out, &grid, indent);
}

static void print_table_array(FILE *out, const json_t *array, size_t indent, enum unit unit)
{
    json_t *columns = all_keys(array);
    struct grid grid;
    grid_init(&grid, json_object_size(columns));
    size_t column = 0;
    const char *key;
    json_t *value;
    json_object_foreach(columns, key, value)
    {
        add_heading(&grid, column++, value, key);
    }
    size_t i;
    json_array_foreach((json_t *)array, i, value)
    {
        add_cells(&grid, columns, value, unit);
    }
    finish_grid(out, &grid, indent);
    json_decref(columns);
}

/* A member that fits beside its label, rather than below it. */
static bool is_inline(const json_t *value)
{
    return is_scalar(value) || (json_is_array(value) && !is_table_array(value) && !named_objects(value)) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* For programs, not for people. */
static bool is_hidden(const char *key, size_t indent)
{
    return indent == 0 && (strcmp(key, "schema") == 0 || strcmp(key, "version") == 0);
}

static size_t label_width(const json_t *object, size_t indent)
{
    size_t width = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        char text[128];
        const size_t own = is_inline(value) && !is_hidden(key, indent) ? human_width(label(key, text)) : 0;
        width = own > width ? own : width;
    }
    return width;
}

static void print_inline(FILE *out, const char *key, const json_t *value, size_t indent, size_t width, enum unit unit)
{
    char text[128];
    char cell[CELL_BYTES];
    label(key, text);
    fprintf(out, "%*s%s%*s", (int)indent, "", text, (int)(width - human_width(text) + 2), "");
    const size_t at = indent + width + 2;
    if (json_is_array(value)) {
        char *list = joined(value, inherit(key, unit));
        human_wrap(out, list, at, at, HUMAN_COLUMNS);
        free(list);
    } else {
        human_wrap(out, json_is_object(value) ? "none" : scalar(value, inherit(key, unit), cell), at, at,
                   HUMAN_COLUMNS);
    }
}

/* The members from `iter` on that are objects of cells with equal keys; empty when these are fewer than two. */
static json_t *run_of_rows(json_t *object, void *iter)
{
    json_t *rows = json_object();
    const json_t *first = json_object_iter_value(iter);
    for (; iter; iter = json_object_iter_next(object, iter)) {
        json_t *value = json_object_iter_value(iter);
        if (!has_only_cells(value) || !same_keys(first, value)) {
            break;
        }
        json_object_set(rows, json_object_iter_key(iter), value);
    }
    if (json_object_size(rows) < 2) {
        json_object_clear(rows);
    }
    return rows;
}

static void print_object(FILE *out, const json_t *object, size_t indent, enum unit unit);

static void print_section(FILE *out, const char *key, const json_t *value, size_t indent, enum unit unit)
{
    const struct human_style style = human_style(out);
    const enum unit own = inherit(key, unit);
    const char *shared = json_is_array(value) ? named_objects(value) : NULL;
    char text[128];
    fprintf(out, "%*s%s%s%s\n", (int)indent, "", style.bold, label(key, text), style.plain);
    if (shared) {
        print_named_objects(out, value, shared, indent + 2, own);
    } else if (json_is_array(value)) {
        print_table_array(out, value, indent + 2, own);
    } else if (is_table(value)) {
        print_table(out, value, indent + 2, own);
    } else {
        print_object(out, value, indent + 2, own);
    }
}

/* What fits beside a label first, then the rest as sections and tables. */
static void print_object(FILE *out, const json_t *object, size_t indent, enum unit unit)
{
    const size_t width = label_width(object, indent);
    bool first = true;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (is_inline(value) && !is_hidden(key, indent)) {
            print_inline(out, key, value, indent, width, unit);
            first = false;
        }
    }
    json_t *members = (json_t *)object;
    void *iter = json_object_iter(members);
    while (iter) {
        value = json_object_iter_value(iter);
        if (is_inline(value)) {
            iter = json_object_iter_next(members, iter);
            continue;
        }
        fputs(first ? "" : "\n", out);
        first = false;
        json_t *rows = run_of_rows(members, iter);
        if (json_object_size(rows)) {
            print_table(out, rows, indent, unit);
        } else {
            print_section(out, json_object_iter_key(iter), value, indent, unit);
        }
        for (size_t n = json_object_size(rows) ? json_object_size(rows) : 1; n; n--) {
            iter = json_object_iter_next(members, iter);
        }
        json_decref(rows);
    }
}

void document_print(FILE *out, const char *json)
{
    json_t *root = json_loads(json, JSON_DECODE_ANY, NULL);
    const char *kind = json_string_value(json_object_get(root, "kind"));
    if (kind && json_is_array(json_object_get(root, "items"))) {
        print_section(out, kind, json_object_get(root, "items"), 0, UNIT_NONE);
    } else if (json_is_object(root)) {
        print_object(out, root, 0, UNIT_NONE);
    } else if (is_table_array(root)) {
        print_table_array(out, root, 0, UNIT_NONE);
    } else {
        fprintf(out, "%s\n", json);
    }
    json_decref(root);
}
