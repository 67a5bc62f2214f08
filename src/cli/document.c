#include "cli/document.h"

#include "cli/cell.h"
#include "cli/grid.h"
#include "cli/human.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What one cell of a table can hold: a scalar, or an array of them. */
static bool is_cell(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (!cell_is_scalar(item)) {
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

static bool has_keys_of(const json_t *object, const json_t *other)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)other, key, value)
    {
        if (!json_object_get(object, key)) {
            return false;
        }
    }
    return true;
}

static bool same_keys(const json_t *a, const json_t *b)
{
    return has_keys_of(b, a) && json_object_size(a) == json_object_size(b);
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
        if (cell_is_scalar(value)) {
            fputs(cell_text(value, unit, cell), out);
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
    char text[CELL_LABEL_BYTES];
    grid_add(grid, cell_label(key, text));
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
            char *list = joined(value, cell_unit(key, unit));
            grid_add(grid, list);
            free(list);
        } else {
            grid_add(grid, cell_text(value, cell_unit(key, unit), text));
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
        char text[CELL_LABEL_BYTES];
        grid_add(&grid, cell_label(key, text));
        add_cells(&grid, columns, value, cell_unit(key, unit));
    }
    finish_grid(out, &grid, indent);
}

/* The table of rows that named_objects accepts. */
static void print_named_objects(FILE *out, const json_t *array, const char *shared, size_t indent, enum unit unit)
{
    const json_t *columns = json_object_get(json_array_get(array, 0), shared);
    struct grid grid;
    grid_init(&grid, 1 + json_object_size(columns));
    char text[CELL_LABEL_BYTES];
    grid_add(&grid, cell_label(shared, text));
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
        add_cells(&grid, columns, json_object_get(row, shared), cell_unit(shared, unit));
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
    return cell_is_scalar(value) || (json_is_array(value) && !is_table_array(value) && !named_objects(value)) ||
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
        char text[CELL_LABEL_BYTES];
        const size_t own = is_inline(value) && !is_hidden(key, indent) ? human_width(cell_label(key, text)) : 0;
        width = own > width ? own : width;
    }
    return width;
}

static void print_inline(FILE *out, const char *key, const json_t *value, size_t indent, size_t width, enum unit unit)
{
    char text[CELL_LABEL_BYTES];
    char cell[CELL_BYTES];
    cell_label(key, text);
    fprintf(out, "%*s%s%*s", (int)indent, "", text, (int)(width - human_width(text) + 2), "");
    const size_t at = indent + width + 2;
    if (json_is_array(value)) {
        char *list = joined(value, cell_unit(key, unit));
        human_wrap(out, list, at, at, HUMAN_COLUMNS);
        free(list);
    } else {
        human_wrap(out, json_is_object(value) ? "none" : cell_text(value, cell_unit(key, unit), cell), at, at,
                   HUMAN_COLUMNS);
    }
}

/* The members from `iter` on that are objects of cells with the keys of the first, or some of them; empty when these
 * are fewer than two. */
static json_t *run_of_rows(json_t *object, void *iter)
{
    json_t *rows = json_object();
    const json_t *first = json_object_iter_value(iter);
    for (; iter; iter = json_object_iter_next(object, iter)) {
        json_t *value = json_object_iter_value(iter);
        if (!has_only_cells(value) || !has_keys_of(first, value)) {
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
    const enum unit own = cell_unit(key, unit);
    const char *shared = json_is_array(value) ? named_objects(value) : NULL;
    char text[CELL_LABEL_BYTES];
    fprintf(out, "%*s%s%s%s\n", (int)indent, "", style.bold, cell_label(key, text), style.plain);
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
