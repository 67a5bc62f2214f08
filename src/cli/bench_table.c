#include "cli/bench_table.h"

#include "cli/cell.h"
#include "cli/grid.h"
#include "cli/human.h"

#include <jansson.h>
#include <string.h>

/* A column: where its value is in a row, "wall.mean_s", and what it is headed by. */
struct column {
    const char *path;
    const char *heading;
    enum unit unit;
};

static const struct column costs[] = {
    {"threads", "threads", UNIT_NONE},           {"wall.mean_s", "wall mean", UNIT_SECONDS},
    {"wall.least_s", "least", UNIT_SECONDS},     {"wall.spread_fraction", "spread", UNIT_FRACTION},
    {"setup_s", "setup", UNIT_SECONDS},          {"cpu_s", "CPU", UNIT_SECONDS},
    {"peak_bytes", "peak", UNIT_BYTES},          {"programs_per_s", "programs", UNIT_PER_SECOND},
    {"turns_per_s", "turns", UNIT_PER_SECOND},   {"steps_per_s", "steps", UNIT_PER_SECOND},
    {"events_per_s", "events", UNIT_PER_SECOND},
};

static const struct column gains[] = {
    {"threads", "threads", UNIT_NONE},
    {"speed_up.least", "speed-up", UNIT_NONE},
    {"efficiency.least", "efficiency", UNIT_FRACTION},
    {"speed_up.mean", "by mean", UNIT_NONE},
    {"efficiency.mean", "efficiency", UNIT_FRACTION},
    {"speed_up_bound", "bound", UNIT_NONE},
};

static const struct column controls[] = {
    {"threads", "threads", UNIT_NONE},
    {"control.wall.mean_s", "side by side", UNIT_SECONDS},
    {"control.wall.least_s", "least", UNIT_SECONDS},
    {"control.wall.spread_fraction", "spread", UNIT_FRACTION},
    {"control.machine_gives.least", "machine gives", UNIT_NONE},
    {"control.speed_up.least", "speed-up", UNIT_NONE},
    {"control.machine_gives.mean", "by mean", UNIT_NONE},
    {"control.speed_up.mean", "speed-up", UNIT_NONE},
};

static const json_t *member(const json_t *object, const char *path)
{
    while (object && *path) {
        char key[32];
        const size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        object = json_object_get(object, key);
        path += n + (path[n] == '.');
    }
    return object;
}

/* The rows from `first` on; the first of all is of one thread. */
static void print_rows(FILE *out, const json_t *rows, size_t first, const struct column *columns, size_t n_columns)
{
    struct grid grid;
    grid_init(&grid, n_columns);
    for (size_t i = 0; i < n_columns; i++) {
        grid_add(&grid, columns[i].heading);
        grid.right_aligned[i] = true;
    }
    for (size_t i = first; i < json_array_size(rows); i++) {
        for (size_t k = 0; k < n_columns; k++) {
            char cell[CELL_BYTES];
            grid_add(&grid, cell_text(member(json_array_get(rows, i), columns[k].path), columns[k].unit, cell));
        }
    }
    grid_print(out, &grid, 2, HUMAN_COLUMNS);
    grid_fini(&grid);
}

static void print_size(FILE *out, const json_t *size, bool control)
{
    static const struct column work[] = {
        {"programs", "programs", UNIT_COUNT}, {"turns", "turns", UNIT_COUNT}, {"steps", "steps", UNIT_COUNT}};
    const struct human_style style = human_style(out);
    char cell[CELL_BYTES];
    fprintf(out, "\n%s", style.bold);
    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++) {
        fprintf(out, "%s %s, ", cell_text(member(size, work[i].path), work[i].unit, cell), work[i].heading);
    }
    fprintf(out, "%s simulated%s; digest %s\n", cell_text(member(size, "sim_time_s"), UNIT_SECONDS, cell), style.plain,
            json_string_value(member(size, "digest")));
    const json_t *rows = member(size, "runs");
    print_rows(out, rows, 0, costs, sizeof costs / sizeof costs[0]);
    if (json_array_size(rows) > 1) {
        fputs("\n  against 1 thread\n", out);
        print_rows(out, rows, 1, gains, sizeof gains / sizeof gains[0]);
    }
    if (control && json_array_size(rows) > 1) {
        fputs("\n  against as many one-thread simulations side by side\n", out);
        print_rows(out, rows, 1, controls, sizeof controls / sizeof controls[0]);
    }
}

static void print_head(FILE *out, const json_t *root)
{
    char counts[3][HUMAN_BYTES];
    const json_t *workload = member(root, "workload");
    const char *name = json_string_value(json_is_string(workload) ? workload : member(root, "generate"));
    fprintf(out, "workload  %s, seed %lld\n", name ? name : "-", (long long)json_integer_value(member(root, "seed")));
    fprintf(out, "cluster   %s instances of %s on %s\n",
            human_count(json_integer_value(member(root, "instances")), counts[0]),
            json_string_value(member(root, "model")), json_string_value(member(root, "hardware")));
    fprintf(out, "measured  engine %s, %s timed runs of each, %s usable cores\n",
            json_string_value(member(root, "engine")),
            human_count(json_integer_value(member(root, "repeats")), counts[1]),
            human_count(json_integer_value(member(root, "usable_cores")), counts[2]));
}

int bench_table_print(FILE *out, const char *document)
{
    json_t *root = json_loads(document, 0, NULL);
    const char *schema = json_string_value(member(root, "schema"));
    const bool known = schema && strcmp(schema, "asim.bench") == 0 && json_integer_value(member(root, "version")) == 1;
    if (known) {
        print_head(out, root);
        size_t i;
        const json_t *size;
        json_array_foreach((json_t *)member(root, "sizes"), i, size)
        {
            print_size(out, size, json_is_true(member(root, "control")));
        }
    }
    json_decref(root);
    return known ? 0 : -1;
}
