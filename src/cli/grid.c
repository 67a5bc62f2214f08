#include "cli/grid.h"

#include "cli/human.h"

#include <stdlib.h>
#include <string.h>

enum { GAP = 2 };

/* The command line ends where it cannot hold a line of text. */
static void *checked(void *pointer)
{
    if (!pointer) {
        abort();
    }
    return pointer;
}

void grid_init(struct grid *grid, size_t n_columns)
{
    *grid = (struct grid){.n_columns = n_columns, .right_aligned = checked(calloc(n_columns, sizeof(bool)))};
}

void grid_fini(struct grid *grid)
{
    for (size_t i = 0; i < grid->n_cells; i++) {
        free(grid->cells[i]);
    }
    free(grid->cells);
    free(grid->right_aligned);
    *grid = (struct grid){0};
}

void grid_add(struct grid *grid, const char *text)
{
    if (grid->n_cells == grid->capacity) {
        grid->capacity = grid->capacity ? 2 * grid->capacity : 64;
        grid->cells = checked(realloc(grid->cells, grid->capacity * sizeof *grid->cells));
    }
    grid->cells[grid->n_cells++] = checked(strdup(text));
}

static size_t column_width(const struct grid *grid, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < grid->n_cells; i += grid->n_columns) {
        const size_t cell = human_width(grid->cells[i]);
        width = cell > width ? cell : width;
    }
    return width;
}

size_t grid_width(const struct grid *grid)
{
    size_t width = 0;
    for (size_t column = 0; column < grid->n_columns; column++) {
        width += column_width(grid, column) + (column ? GAP : 0);
    }
    return width;
}

static void print_row(FILE *out, const struct grid *grid, size_t row, size_t indent, const size_t *widths,
                      size_t columns)
{
    fprintf(out, "%*s", (int)indent, "");
    size_t at = indent;
    for (size_t column = 0; column < grid->n_columns; column++) {
        const char *text = grid->cells[row * grid->n_columns + column];
        const size_t padding = widths[column] - human_width(text);
        if (column) {
            fprintf(out, "%*s", GAP, "");
            at += GAP;
        }
        if (grid->right_aligned[column]) {
            fprintf(out, "%*s%s", (int)padding, "", text);
        } else if (column + 1 < grid->n_columns) {
            fprintf(out, "%s%*s", text, (int)padding, "");
        } else {
            human_wrap(out, text, at, at, columns);
            return;
        }
        at += widths[column];
    }
    fputc('\n', out);
}

void grid_print(FILE *out, const struct grid *grid, size_t indent, size_t columns)
{
    size_t *widths = checked(malloc(grid->n_columns * sizeof *widths));
    for (size_t column = 0; column < grid->n_columns; column++) {
        widths[column] = column_width(grid, column);
    }
    const struct human_style style = human_style(out);
    for (size_t row = 0; (row + 1) * grid->n_columns <= grid->n_cells; row++) {
        fputs(row ? "" : style.bold, out);
        print_row(out, grid, row, indent, widths, columns);
        fputs(row ? "" : style.plain, out);
    }
    free(widths);
}

void grid_print_paragraphs(FILE *out, const struct grid *grid, size_t indent, size_t columns)
{
    size_t label = 0;
    for (size_t column = 0; column < grid->n_columns; column++) {
        const size_t width = human_width(grid->cells[column]);
        label = width > label ? width : label;
    }
    const struct human_style style = human_style(out);
    for (size_t i = grid->n_columns; i < grid->n_cells; i++) {
        const size_t column = i % grid->n_columns;
        if (column == 0) {
            fprintf(out, "%*s%s%s%s\n", (int)indent, "", style.bold, grid->cells[i], style.plain);
            continue;
        }
        const char *heading = grid->cells[column];
        const size_t at = indent + 2 + label + GAP;
        fprintf(out, "%*s%s%*s", (int)indent + 2, "", heading, (int)(label - human_width(heading) + GAP), "");
        human_wrap(out, grid->cells[i], at, at, columns);
    }
}
