#include "hw/profile/layer_table.h"

#define LAYER_NAME(id, name) name,
static const char *const dense_names[] = {DENSE_LAYERS(LAYER_NAME) NULL};
static const char *const sequence_names[] = {SEQUENCE_LAYERS(LAYER_NAME) NULL};
#undef LAYER_NAME
static const char *const dense_keys[] = {"tokens", NULL};
static const char *const sequence_keys[] = {"sequences", NULL};

const struct profile_csv_format dense_csv_format = {.layers = dense_names, .keys = dense_keys};
const struct profile_csv_format sequence_csv_format = {.layers = sequence_names, .keys = sequence_keys};

void layer_table_build(const struct profile_csv *csv, struct arena *arena, struct curve curves[])
{
    double *x = arena_alloc(arena, csv->n_rows * sizeof *x);
    double *y = arena_alloc(arena, csv->n_rows * sizeof *y);
    for (size_t i = 0; i < csv->n_rows; i++) { /* rows are ordered by layer, then by key */
        struct curve *curve = &curves[csv->rows[i].layer];
        x[i] = csv->rows[i].key[0];
        y[i] = csv->rows[i].time_us;
        if (i == 0 || csv->rows[i].layer != csv->rows[i - 1].layer) {
            *curve = (struct curve){.x = &x[i], .y = &y[i]};
        }
        curve->n++;
    }
}
