#include "cli/study_table.h"

#include "cli/cell.h"
#include "cli/grid.h"
#include "cli/human.h"
#include "cli/lines.h"

#include <jansson.h>
#include <string.h>

enum { WIDE = 400 }; /* tables of many figures are not folded */

/* The unit that the keys of a path name. */
static enum unit unit_of(const char *path)
{
    enum unit unit = UNIT_NONE;
    while (*path) {
        char key[64];
        const size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        unit = cell_unit(key, unit);
        path += n + (path[n] == '.');
    }
    return unit;
}

static void print_points(FILE *out, const json_t *root)
{
    const json_t *metrics = json_object_get(root, "metrics");
    const size_t n_metrics = json_array_size(metrics);
    struct grid grid;
    grid_init(&grid, 1 + n_metrics);
    grid_add(&grid, "case");
    for (size_t i = 0; i < n_metrics; i++) {
        grid_add(&grid, text_of(json_array_get(metrics, i), "label"));
        grid.right_aligned[1 + i] = true;
    }
    size_t index;
    const json_t *point;
    json_array_foreach((json_t *)json_object_get(root, "points"), index, point)
    {
        grid_add(&grid, text_of(point, "name"));
        for (size_t i = 0; i < n_metrics; i++) {
            const char *path = text_of(json_array_get(metrics, i), "path");
            char cell[CELL_BYTES];
            grid_add(&grid, cell_text(json_object_get(json_object_get(point, "metrics"), path), unit_of(path), cell));
        }
    }
    grid_print(out, &grid, 0, WIDE);
    grid_fini(&grid);
}

static const char *ratio_text(const json_t *value, char out[32])
{
    if (json_is_array(value)) {
        snprintf(out, 32, "%.3g to %.3g", json_number_value(json_array_get(value, 0)),
                 json_number_value(json_array_get(value, 1)));
    } else if (json_is_number(value)) {
        snprintf(out, 32, "%.3g", json_number_value(value));
    } else {
        snprintf(out, 32, "-");
    }
    return out;
}

static void print_compare(FILE *out, const json_t *root)
{
    static const char *const headings[] = {"comparison", "ratio", "published", "simulated",
                                           "factor",     "gate",  "verdict"};
    enum { COLUMNS = sizeof headings / sizeof headings[0] };
    struct grid grid;
    grid_init(&grid, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        grid_add(&grid, headings[i]);
        grid.right_aligned[i] = i >= 2 && i <= 4;
    }
    size_t index;
    const json_t *row;
    json_array_foreach((json_t *)json_object_get(root, "compare"), index, row)
    {
        static const char *const figures[] = {"published", "simulated", "factor"};
        const json_t *ratio = json_object_get(row, "ratio");
        char text[256];
        grid_add(&grid, text_of(row, "what"));
        snprintf(text, sizeof text, "%s : %s", json_string_value(json_array_get(ratio, 0)),
                 json_string_value(json_array_get(ratio, 1)));
        grid_add(&grid, text);
        for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
            char figure[32];
            grid_add(&grid, ratio_text(json_object_get(row, figures[i]), figure));
        }
        grid_add(&grid, text_of(row, "gate"));
        snprintf(text, sizeof text, "%s%s (%s)", json_is_true(json_object_get(row, "failed")) ? "FAILS: " : "",
                 text_of(row, "verdict"), text_of(row, "expect"));
        grid_add(&grid, text);
    }
    fputc('\n', out);
    grid_print(out, &grid, 0, WIDE);
    grid_fini(&grid);
}

static void print_texts(FILE *out, const char *heading, const json_t *texts)
{
    const struct human_style style = human_style(out);
    for (size_t i = 0; i < json_array_size(texts); i++) {
        if (i == 0) {
            fprintf(out, "\n%s%s%s\n", style.bold, heading, style.plain);
        }
        fputs("  ", out);
        human_wrap(out, json_string_value(json_array_get(texts, i)), 2, 4, HUMAN_COLUMNS);
    }
}

/* Reasons of the comparisons that do not agree. */
static void print_reasons(FILE *out, const json_t *rows)
{
    json_t *reasons = json_array();
    size_t index;
    const json_t *row;
    json_array_foreach((json_t *)rows, index, row)
    {
        if (json_is_string(json_object_get(row, "reason")) && strcmp(text_of(row, "verdict"), "agrees") != 0) {
            json_array_append_new(reasons, json_sprintf("%s: %s", text_of(row, "what"), text_of(row, "reason")));
        }
    }
    print_texts(out, "why", reasons);
    json_decref(reasons);
}

int study_table_print(FILE *out, const char *document)
{
    json_t *root = json_loads(document, 0, NULL);
    if (strcmp(text_of(root, "schema"), "asim.study") != 0 || count_of(root, "version") != 1) {
        json_decref(root);
        return -1;
    }
    const struct human_style style = human_style(out);
    fprintf(out, "%s%s%s\n%s; seed %lld\n\n", style.bold, text_of(root, "title"), style.plain, text_of(root, "source"),
            (long long)count_of(root, "seed"));
    print_points(out, root);
    const json_t *rows = json_object_get(root, "compare");
    if (json_array_size(rows)) {
        print_compare(out, root);
        print_reasons(out, rows);
    }
    print_texts(out, "published", json_object_get(root, "published"));
    print_texts(out, "assumed", json_object_get(root, "assumed"));
    const long long gating = count_of(root, "gating");
    if (gating) {
        fprintf(out, "\n%lld of %lld gating comparisons hold\n", gating - (long long)count_of(root, "failed"), gating);
    }
    json_decref(root);
    return 0;
}
