#include "hw/profile/attention_table.h"

#include "base/mem.h"
#include "hw/profile/curve.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum axis { CHUNK, HISTORY, N_DECODE, KV_DECODE, AXES };

/* Cells a tensor may have: a profile of 20 values per axis has 0.16 M. */
enum { MAX_CELLS = 1 << 22 };

static const char *const attention_keys[] = {"prefill_chunk", "kv_prefill", "n_decode", "kv_decode", NULL};
const struct profile_csv_format attention_csv_format = {.layers = NULL, .keys = attention_keys};

struct attention_table {
    struct arena arena;
    uint32_t n_curves; /* decode only */
    double *curve_n;
    struct curve *curves;
    struct curve *knots; /* by lower curve of a bracket: x = contexts where either curve bends, from 0 on */
    double *axis[AXES];  /* mixed */
    uint32_t n[AXES];
    uint32_t stride[AXES];
    double *cells;
};

/* ---- decode-only part ---- */

/* The x of both curves merged, with 0 before them. */
static struct curve merge_knots(struct arena *arena, const struct curve *a, const struct curve *b)
{
    double *x = arena_alloc(arena, (a->n + b->n + 1) * sizeof *x);
    uint32_t n = 1, i = 0, j = 0;
    x[0] = 0.0;
    while (i < a->n || j < b->n) {
        const bool take_a = j == b->n || (i < a->n && a->x[i] <= b->x[j]);
        const double value = take_a ? a->x[i++] : b->x[j++];
        if (value > x[n - 1]) {
            x[n++] = value;
        }
    }
    return (struct curve){.n = n, .x = x};
}

/* The first `n_rows` rows are those without prefill, ordered by n_decode and kv_decode. */
static void build_curves(struct attention_table *table, const struct profile_csv_row *rows, size_t n_rows)
{
    struct arena *arena = &table->arena;
    double *x = arena_alloc(arena, n_rows * sizeof *x);
    double *y = arena_alloc(arena, n_rows * sizeof *y);
    table->curve_n = arena_alloc(arena, n_rows * sizeof *table->curve_n);
    table->curves = arena_alloc(arena, n_rows * sizeof *table->curves);
    for (size_t i = 0; i < n_rows; i++) {
        x[i] = rows[i].key[KV_DECODE];
        y[i] = rows[i].time_us;
        if (i == 0 || rows[i].key[N_DECODE] != rows[i - 1].key[N_DECODE]) {
            table->curve_n[table->n_curves] = rows[i].key[N_DECODE];
            table->curves[table->n_curves++] = (struct curve){.x = &x[i], .y = &y[i]};
        }
        table->curves[table->n_curves - 1].n++;
    }
    table->knots = arena_alloc(arena, table->n_curves * sizeof *table->knots);
    for (uint32_t i = 0; i < table->n_curves; i++) {
        const uint32_t upper = i + 1 < table->n_curves ? i + 1 : i;
        table->knots[i] = merge_knots(arena, &table->curves[i], &table->curves[upper]);
    }
}

double attention_decode_us(const struct attention_table *table, double n, double kv)
{
    const struct bracket b = bracket_find(table->curve_n, table->n_curves, n);
    const double low = curve_at(&table->curves[b.low], kv);
    if (b.weight == 0.0) {
        return low;
    }
    const double us = low * (1.0 - b.weight) + curve_at(&table->curves[b.low + 1], kv) * b.weight;
    return us > 0.0 ? us : 0.0;
}

uint32_t attention_decode_knots(const struct attention_table *table, double n, const double **knots)
{
    const struct curve *list = &table->knots[bracket_find(table->curve_n, table->n_curves, n).low];
    *knots = list->x;
    return list->n;
}

/* ---- mixed part ---- */

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The values that occur on one axis; kv_decode only where there are decodes. */
static void build_axis(struct attention_table *table, enum axis axis, const struct profile_csv_row *rows, size_t n_rows)
{
    double *values = mem_alloc((n_rows + 1) * sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        if (axis != KV_DECODE || rows[i].key[N_DECODE] > 0) {
            values[n++] = rows[i].key[axis];
        }
    }
    if (n == 0) {
        values[n++] = 0.0; /* no row with decodes: one cell stands for every kv_decode */
    }
    qsort(values, n, sizeof *values, compare_doubles);
    uint32_t distinct = 1;
    for (size_t i = 1; i < n; i++) {
        if (values[i] != values[distinct - 1]) {
            values[distinct++] = values[i];
        }
    }
    table->n[axis] = distinct;
    table->axis[axis] = arena_alloc(&table->arena, distinct * sizeof *values);
    memcpy(table->axis[axis], values, distinct * sizeof *values);
    mem_free(values);
}

struct filling {
    struct attention_table *table;
    size_t n_cells;
    bool *known;   /* by cell */
    double *x, *y; /* room for the known cells of one line */
};

/* Fills the missing cells of one line along `axis` from its known ones: those between two known cells, or with `edges`
 * those outside. Cells filled here count as known from the next axis on. */
static void fill_line(struct filling *filling, enum axis axis, size_t first, bool edges)
{
    struct attention_table *table = filling->table;
    const uint32_t n = table->n[axis];
    const size_t stride = table->stride[axis];
    struct curve curve = {.n = 0, .x = filling->x, .y = filling->y};
    for (uint32_t i = 0; i < n; i++) {
        if (filling->known[first + i * stride]) {
            filling->x[curve.n] = table->axis[axis][i];
            filling->y[curve.n++] = table->cells[first + i * stride];
        }
    }
    if (curve.n == 0 || curve.n == n) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const size_t cell = first + i * stride;
        const double value = table->axis[axis][i];
        if (!filling->known[cell] && (edges || (value > curve.x[0] && value < curve.x[curve.n - 1]))) {
            table->cells[cell] = curve_at(&curve, value);
            filling->known[cell] = true;
        }
    }
}

static void fill_missing(struct filling *filling)
{
    static const enum axis order[AXES] = {KV_DECODE, HISTORY, N_DECODE, CHUNK};
    const struct attention_table *table = filling->table;
    uint32_t longest = 0;
    for (int axis = 0; axis < AXES; axis++) {
        longest = table->n[axis] > longest ? table->n[axis] : longest;
    }
    filling->x = mem_alloc(longest * sizeof *filling->x);
    filling->y = mem_alloc(longest * sizeof *filling->y);
    for (int pass = 0; pass < 2 * AXES; pass++) {
        const enum axis axis = order[pass % AXES];
        const size_t stride = table->stride[axis];
        for (size_t block = 0; block < filling->n_cells; block += stride * table->n[axis]) {
            for (size_t i = 0; i < stride; i++) {
                fill_line(filling, axis, block + i, pass >= AXES);
            }
        }
    }
    mem_free(filling->x);
    mem_free(filling->y);
}

static uint32_t axis_index(const struct attention_table *table, enum axis axis, double value)
{
    const struct bracket b = bracket_find(table->axis[axis], table->n[axis], value);
    const uint32_t index = b.weight == 1.0 ? b.low + 1 : b.low;
    assert(table->axis[axis][index] == value);
    return index;
}

static void place_rows(struct filling *filling, const struct profile_csv_row *rows, size_t n_rows)
{
    struct attention_table *table = filling->table;
    for (size_t i = 0; i < n_rows; i++) {
        size_t cell = 0;
        for (int axis = CHUNK; axis <= N_DECODE; axis++) {
            cell += (size_t)axis_index(table, axis, rows[i].key[axis]) * table->stride[axis];
        }
        const bool alone = rows[i].key[N_DECODE] == 0;
        const uint32_t from = alone ? 0 : axis_index(table, KV_DECODE, rows[i].key[KV_DECODE]);
        const uint32_t to = alone ? table->n[KV_DECODE] : from + 1;
        for (uint32_t kv = from; kv < to; kv++) {
            table->cells[cell + kv] = rows[i].time_us;
            filling->known[cell + kv] = true;
        }
    }
}

static bool build_tensor(struct attention_table *table, const char *file, const struct profile_csv_row *rows,
                         size_t n_rows, struct diag *diag)
{
    size_t n_cells = 1;
    for (int axis = AXES - 1; axis >= 0; axis--) {
        build_axis(table, axis, rows, n_rows);
        table->stride[axis] = (uint32_t)n_cells;
        n_cells *= table->n[axis];
        if (n_cells > MAX_CELLS) {
            diag_error(diag, ASIM_INPUT, (struct diag_where){.file = file},
                       "the points of all axes make a grid of more than %d cells; measure on grids with common values",
                       MAX_CELLS);
            return false;
        }
    }
    table->cells = arena_alloc(&table->arena, n_cells * sizeof *table->cells);
    struct filling filling = {.table = table, .n_cells = n_cells, .known = mem_zalloc(n_cells * sizeof(bool))};
    place_rows(&filling, rows, n_rows);
    fill_missing(&filling);
    mem_free(filling.known);
    return true;
}

double attention_mixed_us(const struct attention_table *table, double tokens, double history, double n, double kv)
{
    const double value[AXES] = {tokens, history, n, kv};
    const double *cell = table->cells;
    double weight[AXES];
    uint32_t step[AXES]; /* to the upper neighbour; 0 where it has no weight and may not exist */
    for (int axis = 0; axis < AXES; axis++) {
        const struct bracket b = bracket_find(table->axis[axis], table->n[axis], value[axis]);
        cell += (size_t)b.low * table->stride[axis];
        weight[axis] = b.weight;
        step[axis] = b.weight == 0.0 ? 0 : table->stride[axis];
    }
    double by_chunk[2];
    for (int i = 0; i < 2; i++) {
        double by_history[2];
        for (int j = 0; j < 2; j++) {
            const double *low = cell + (i ? step[CHUNK] : 0) + (j ? step[HISTORY] : 0);
            const double *high = low + step[N_DECODE];
            const double w = weight[KV_DECODE];
            const double few = low[0] * (1.0 - w) + low[step[KV_DECODE]] * w;
            const double many = high[0] * (1.0 - w) + high[step[KV_DECODE]] * w;
            by_history[j] = few * (1.0 - weight[N_DECODE]) + many * weight[N_DECODE];
        }
        by_chunk[i] = by_history[0] * (1.0 - weight[HISTORY]) + by_history[1] * weight[HISTORY];
    }
    const double us = by_chunk[0] * (1.0 - weight[CHUNK]) + by_chunk[1] * weight[CHUNK];
    return us > 0.0 ? us : 0.0;
}

double attention_launch_us(const struct attention_table *table)
{
    return attention_mixed_us(table, 0, 0, 0, 0);
}

/* ---- both ---- */

static bool check_rows(const char *file, const struct profile_csv *csv, struct diag *diag)
{
    const size_t errors = diag->n_errors;
    for (size_t i = 0; i < csv->n_rows; i++) {
        const struct profile_csv_row *row = &csv->rows[i];
        const struct diag_where where = {.file = file, .line = row->line};
        if (row->key[CHUNK] == 0 && row->key[N_DECODE] == 0) {
            diag_error(diag, ASIM_INPUT, where, "prefill_chunk and n_decode are both 0: an empty batch");
        } else if (row->key[CHUNK] == 0 && row->key[HISTORY] > 0) {
            diag_error(diag, ASIM_INPUT, where, "kv_prefill is %u without a prefill chunk; it must be 0",
                       row->key[HISTORY]);
        } else if ((row->key[N_DECODE] == 0) != (row->key[KV_DECODE] == 0)) {
            diag_error(diag, ASIM_INPUT, where, "n_decode is %u and kv_decode %u; they must be 0 together",
                       row->key[N_DECODE], row->key[KV_DECODE]);
        }
    }
    return diag->n_errors == errors;
}

struct attention_table *attention_table_create(const char *file, const struct profile_csv *csv, struct diag *diag)
{
    if (!check_rows(file, csv, diag)) {
        return NULL;
    }
    size_t n_decode_only = 0;
    while (n_decode_only < csv->n_rows && csv->rows[n_decode_only].key[CHUNK] == 0) {
        n_decode_only++;
    }
    if (n_decode_only == 0 || n_decode_only == csv->n_rows) {
        diag_error(diag, ASIM_INPUT, (struct diag_where){.file = file}, "no rows with prefill_chunk %s 0",
                   n_decode_only == 0 ? "=" : ">");
        return NULL;
    }
    struct attention_table *table = mem_zalloc(sizeof *table);
    arena_init(&table->arena);
    build_curves(table, csv->rows, n_decode_only);
    if (!build_tensor(table, file, csv->rows + n_decode_only, csv->n_rows - n_decode_only, diag)) {
        attention_table_destroy(table);
        return NULL;
    }
    return table;
}

void attention_table_destroy(struct attention_table *table)
{
    if (table) {
        arena_fini(&table->arena);
        mem_free(table);
    }
}
