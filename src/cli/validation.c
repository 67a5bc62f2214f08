#include "cli/validation.h"

#include "cli/grid.h"
#include "cli/human.h"
#include "cli/lines.h"

#include <stdbool.h>
#include <string.h>

enum { VALIDATION_VERSION_READ = 1, METRICS = 3, COLUMNS = 1 + 3 * METRICS };

static const struct {
    const char *key, *label;
} metrics[METRICS] = {{"ttft_s", "TTFT"}, {"tpot_s", "TPOT"}, {"e2e_s", "E2E"}};

static const char *error_text(double error, char out[HUMAN_BYTES])
{
    snprintf(out, HUMAN_BYTES, "%+.2f%%", 100 * error);
    return out;
}

static void add_headings(struct grid *grid)
{
    grid_add(grid, "");
    for (size_t i = 0; i < METRICS; i++) {
        grid_add(grid, metrics[i].label);
        grid_add(grid, "");
        grid_add(grid, "");
    }
    grid_add(grid, "");
    for (size_t i = 0; i < METRICS; i++) {
        grid_add(grid, "measured");
        grid_add(grid, "simulated");
        grid_add(grid, "error");
    }
    for (size_t i = 1; i < COLUMNS; i++) {
        grid->right_aligned[i] = true;
    }
}

static void add_comparison(struct grid *grid, const json_t *row)
{
    char text[HUMAN_BYTES];
    if (!json_is_object(row)) {
        grid_add(grid, "-"); /* a run of one-token outputs has no TPOT */
        grid_add(grid, "-");
        grid_add(grid, "-");
        return;
    }
    grid_add(grid, human_duration(real_of(row, "measured"), text));
    grid_add(grid, human_duration(real_of(row, "simulated"), text));
    grid_add(grid, error_text(real_of(row, "error"), text));
}

static void print_errors(FILE *out, const json_t *root)
{
    static const char *const statistics[] = {"mean", "p50", "p90", "p95", "p99"};
    struct grid grid;
    grid_init(&grid, COLUMNS);
    add_headings(&grid);
    for (size_t i = 0; i < sizeof statistics / sizeof statistics[0]; i++) {
        grid_add(&grid, statistics[i]);
        for (size_t metric = 0; metric < METRICS; metric++) {
            const json_t *rows = json_object_get(json_object_get(root, "metrics"), metrics[metric].key);
            add_comparison(&grid, json_object_get(rows, statistics[i]));
        }
    }
    fputc('\n', out);
    grid_print(out, &grid, 0, HUMAN_COLUMNS);
    grid_fini(&grid);
    fputc('\n', out);
}

static void print_laws(FILE *out, const json_t *laws)
{
    char a[HUMAN_BYTES], b[HUMAN_BYTES], c[HUMAN_BYTES];
    line(out, "host time", "%s a step, %s more without a CUDA graph, %s hidden behind the step before",
         human_duration(real_of(laws, "host_exposed_s"), a),
         human_duration(real_of(laws, "host_exposed_ungraphed_s"), b),
         human_duration(real_of(laws, "host_hideable_s"), c));
    if (json_is_number(json_object_get(laws, "allreduce_latency_s"))) {
        line(out, "all-reduce", "%s + bytes / %sB/s", human_duration(real_of(laws, "allreduce_latency_s"), a),
             human_magnitude(real_of(laws, "allreduce_bytes_per_s"), b));
    }
    line(out, "dispatch", "%s from readiness to the engine", human_duration(real_of(laws, "dispatch_latency_s"), a));
}

int validation_print(FILE *out, const char *document)
{
    json_t *root = json_loads(document, 0, NULL);
    if (strcmp(text_of(root, "schema"), "asim.validation") != 0 ||
        count_of(root, "version") != VALIDATION_VERSION_READ) {
        json_decref(root);
        return -1;
    }
    const json_t *summary = json_object_get(root, "summary");
    const json_t *simulated = json_object_get(summary, "simulated");
    char a[HUMAN_BYTES], b[HUMAN_BYTES], c[HUMAN_BYTES];
    line(out, "measured", "%s", text_of(root, "measured"));
    line(out, "workload", "%s; arrivals: %s", text_of(root, "workload"), text_of(simulated, "arrivals"));
    line(out, "model", "%s on %s; tensor parallel %s; step times: %s", text_of(simulated, "model"),
         text_of(simulated, "hardware"), human_count(count_of(simulated, "tensor_parallel_size"), a),
         text_of(simulated, "compute"));
    print_laws(out, json_object_get(root, "laws"));
    print_errors(out, root);
    snprintf(a, sizeof a, "%.2f%%", 100 * real_of(root, "mean_abs_error"));
    snprintf(b, sizeof b, "%.2f%%", 100 * real_of(root, "max_abs_error"));
    line(out, "error", "mean %s, worst %s of %s statistics", a, b, human_count(count_of(root, "statistics"), c));
    line(out, "digest", "%s", text_of(summary, "digest"));
    line(out, "wall time", "%s", human_duration(real_of(json_object_get(root, "execution"), "wall_s"), a));
    json_decref(root);
    return 0;
}
