/* Rows of cells, printed as aligned columns; the first row is the heading. */
#ifndef ASIM_CLI_GRID_H
#define ASIM_CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct grid {
    size_t n_columns;
    size_t n_cells;
    size_t capacity;
    char **cells;        /* row by row */
    bool *right_aligned; /* by column */
};

void grid_init(struct grid *grid, size_t n_columns);
void grid_fini(struct grid *grid);

/* Appends the next cell, from left to right; the text is copied. */
void grid_add(struct grid *grid, const char *text);

/* Columns that the widest line takes, two between columns. */
size_t grid_width(const struct grid *grid);

/* Prints the rows, each after `indent` spaces. Text of the last column is wrapped when it would pass `columns`. */
void grid_print(FILE *out, const struct grid *grid, size_t indent, size_t columns);

/* Prints each row as a paragraph of `heading value` lines, for rows that are too wide for columns. */
void grid_print_paragraphs(FILE *out, const struct grid *grid, size_t indent, size_t columns);

#endif
