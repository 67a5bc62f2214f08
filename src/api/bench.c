#include "api/bench_report.h"
#include "api/config.h"
#include "api/document.h"
#include "base/mem.h"
#include "pdes/topology.h"

#include <stdlib.h>

enum { DEFAULT_REPEATS = 3, MAX_THREADS = 1024, MAX_REPEATS = 1000 };

/* What is measured, and where the measuring stands. */
struct bench {
    struct settings settings;
    const asim_callbacks *callbacks;
    struct diag *diag;
    uint32_t *threads; /* ascending, from 1 */
    size_t n_threads;
    uint64_t *sizes;
    size_t n_sizes;
    uint32_t repeats;
    bool control;

    asim_progress before; /* sums over the runs that are over */
    uint64_t runs, runs_of_size;
    size_t size;
};

static int by_number(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* 1 and what is asked for, in ascending order, each once. */
static void take_threads(struct bench *bench, const asim_bench_options *options)
{
    const bool serial = bench->settings.synchronization == SYNCHRONIZATION_SERIAL;
    const uint32_t cores = serial ? 1 : topology_usable_units();
    const uint32_t most = cores > MAX_THREADS ? MAX_THREADS : cores;
    bench->threads = mem_alloc((options->n_threads + 34) * sizeof *bench->threads);
    size_t n = 0;
    bench->threads[n++] = 1;
    for (size_t i = 0; i < options->n_threads; i++) {
        bench->threads[n++] = options->threads[i];
    }
    for (uint32_t count = 2; !options->n_threads && count <= most; count *= 2) {
        bench->threads[n++] = count;
    }
    if (!options->n_threads) {
        bench->threads[n++] = (uint32_t)bench->settings.threads;
    }
    qsort(bench->threads, n, sizeof *bench->threads, by_number);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || bench->threads[i] != bench->threads[i - 1]) {
            bench->threads[bench->n_threads++] = bench->threads[i];
        }
    }
}

static asim_status check(const struct bench *bench, const asim_bench_options *options)
{
    const struct diag_where where = {0};
    for (size_t i = 0; i < options->n_threads; i++) {
        const uint32_t threads = options->threads[i];
        if (threads < 1 || threads > MAX_THREADS) {
            return diag_error(bench->diag, ASIM_USAGE, where, "%u threads; allowed: 1 to %d", threads, MAX_THREADS);
        }
        if (threads > 1 && bench->settings.synchronization == SYNCHRONIZATION_SERIAL) {
            return diag_error(bench->diag, ASIM_USAGE, where,
                              "%u threads, but the serial engine uses one; allowed: 1, or synchronization windows and "
                              "a dispatch_latency above 0",
                              threads);
        }
    }
    for (size_t i = 0; i < options->n_sizes; i++) {
        if (options->sizes[i] < 1 || options->sizes[i] >= SETTING_UNSET_COUNT) {
            return diag_error(bench->diag, ASIM_USAGE, where, "a size of 0 programs; allowed: at least 1");
        }
    }
    if (options->repeats > MAX_REPEATS) {
        return diag_error(bench->diag, ASIM_USAGE, where, "%u repetitions; allowed: 1 to %d", options->repeats,
                          MAX_REPEATS);
    }
    if (bench->settings.transport != TRANSPORT_NONE) {
        return diag_error(bench->diag, ASIM_USAGE, where, "bench measures one process; allowed: transport none");
    }
    return ASIM_OK;
}

/* ---- Progress: the programs of all runs together */

static void pass_progress(void *user, const asim_progress *now)
{
    struct bench *bench = user;
    if (!bench->callbacks || !bench->callbacks->progress) {
        return;
    }
    asim_progress all = {.programs_done = bench->before.programs_done + now->programs_done,
                         .turns_done = bench->before.turns_done + now->turns_done,
                         .steps = bench->before.steps + now->steps,
                         .sim_time_s = bench->before.sim_time_s + now->sim_time_s,
                         .wall_s = bench->before.wall_s + now->wall_s};
    for (size_t i = 0; i < bench->n_sizes; i++) {
        const bool known = i != bench->size && bench->sizes[i] != SETTING_UNSET_COUNT;
        all.programs_total += bench->runs_of_size * (known ? bench->sizes[i] : now->programs_total);
    }
    bench->callbacks->progress(bench->callbacks->user, &all);
}

static bool pass_cancelled(void *user)
{
    const struct bench *bench = user;
    return bench->callbacks && bench->callbacks->cancelled && bench->callbacks->cancelled(bench->callbacks->user);
}

static asim_callbacks callbacks_of(struct bench *bench)
{
    return (asim_callbacks){
        .struct_size = sizeof(asim_callbacks), .user = bench, .progress = pass_progress, .cancelled = pass_cancelled};
}

static void run_is_over(struct bench *bench, const struct bench_work *work, const struct bench_sample *sample)
{
    bench->before.programs_done += work->programs;
    bench->before.turns_done += work->turns;
    bench->before.steps += work->steps;
    bench->before.sim_time_s += work->sim_time_s;
    bench->before.wall_s += sample->wall_s + sample->setup_s;
    bench->runs++;
}

/* ---- Measuring */

/* A run of its own; `engine` as bench_run. */
static asim_status measure(struct bench *bench, struct bench_size *size, uint32_t threads, struct bench_sample *sample,
                           json_t **engine)
{
    struct settings settings = bench->settings;
    settings.programs = size->programs;
    settings.threads = threads;
    settings.engine_stats = engine != NULL;
    const asim_callbacks callbacks = callbacks_of(bench);
    struct bench_work work;
    asim_status status = bench_run(&settings, &callbacks, !size->work.digest[0], &work, sample, engine, bench->diag);
    if (status == ASIM_OK) {
        char how[64];
        snprintf(how, sizeof how, "a run on %u thread%s", threads, threads > 1 ? "s" : "");
        status = bench_same_work(&size->work, &work, how, bench->diag);
        run_is_over(bench, &work, sample);
    }
    return status;
}

static asim_status measure_control(struct bench *bench, struct bench_size *size, uint32_t threads,
                                   struct bench_sample *sample)
{
    struct settings settings = bench->settings;
    settings.programs = size->programs;
    const asim_callbacks callbacks = callbacks_of(bench);
    const asim_status status = bench_run_side_by_side(&settings, threads, &callbacks, &size->work, sample, bench->diag);
    if (status == ASIM_OK) {
        run_is_over(bench, &size->work, sample);
    }
    return status;
}

/* Rounds over the numbers of threads, so that what else the machine does falls on all of them alike. */
static asim_status measure_size(struct bench *bench, struct bench_size *size)
{
    struct bench_sample warm_up;
    asim_status status = measure(bench, size, bench->threads[bench->n_threads - 1], &warm_up, NULL);
    for (uint32_t round = 0; round < bench->repeats; round++) {
        for (size_t i = 0; i < bench->n_threads && status == ASIM_OK; i++) {
            struct bench_row *row = &size->rows[i];
            status = measure(bench, size, row->threads, &row->samples[round], NULL);
            if (status == ASIM_OK && row->control) {
                status = measure_control(bench, size, row->threads, &row->control[round]);
            }
        }
    }
    struct bench_sample marked;
    return status == ASIM_OK ? measure(bench, size, 1, &marked, &size->engine) : status;
}

static void size_init(const struct bench *bench, struct bench_size *size, uint64_t programs)
{
    *size = (struct bench_size){.programs = programs, .n_rows = bench->n_threads, .repeats = bench->repeats};
    size->rows = mem_zalloc(size->n_rows * sizeof *size->rows);
    for (size_t i = 0; i < size->n_rows; i++) {
        struct bench_row *row = &size->rows[i];
        row->threads = bench->threads[i];
        row->samples = mem_zalloc(bench->repeats * sizeof *row->samples);
        row->control = bench->control && row->threads > 1 ? mem_zalloc(bench->repeats * sizeof *row->control) : NULL;
    }
}

static void size_fini(struct bench_size *size)
{
    for (size_t i = 0; i < size->n_rows; i++) {
        mem_free(size->rows[i].samples);
        mem_free(size->rows[i].control);
    }
    mem_free(size->rows);
    json_decref(size->engine);
}

/* The sizes of the document; NULL with *status when a run failed. */
static json_t *measure_all(struct bench *bench, asim_status *status)
{
    json_t *sizes = json_array();
    for (; bench->size < bench->n_sizes && *status == ASIM_OK; bench->size++) {
        struct bench_size size;
        size_init(bench, &size, bench->sizes[bench->size]);
        *status = measure_size(bench, &size);
        if (*status == ASIM_OK) {
            json_array_append_new(sizes, bench_size_report(&size));
        }
        size_fini(&size);
    }
    if (*status != ASIM_OK) {
        json_decref(sizes);
        return NULL;
    }
    return sizes;
}

static void bench_init(struct bench *bench, const struct settings *settings, const asim_bench_options *options)
{
    bench->settings = *settings;
    bench->settings.turns_csv = false;
    bench->settings.decisions_log = false;
    bench->settings.belady_ratio = false;
    bench->settings.residency_at = NULL;
    bench->settings.residency_every = SETTING_UNSET_TIME;
    bench->repeats = options->repeats ? options->repeats : DEFAULT_REPEATS;
    bench->control = options->control;
    take_threads(bench, options);
    bench->n_sizes = options->n_sizes ? options->n_sizes : 1;
    bench->sizes = mem_alloc(bench->n_sizes * sizeof *bench->sizes);
    bench->sizes[0] = settings->programs;
    for (size_t i = 0; i < options->n_sizes; i++) {
        bench->sizes[i] = options->sizes[i];
    }
    const size_t n_controls = bench->control ? bench->n_threads - 1 : 0;
    bench->runs_of_size = 2 + bench->repeats * (bench->n_threads + n_controls);
}

static json_t *document_of(const struct bench *bench, json_t *sizes)
{
    const struct settings *settings = &bench->settings;
    return json_pack("{s:s, s:i, s:s?, s:s?, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:b, s:o}", "schema", "asim.bench",
                     "version", BENCH_VERSION, "workload", settings->workload, "generate",
                     settings->workload ? NULL : settings->generate, "model", settings->model, "hardware",
                     settings->hardware, "instances", (json_int_t)settings->instances, "seed",
                     (json_int_t)settings->seed, "engine",
                     settings->synchronization == SYNCHRONIZATION_SERIAL ? "serial" : "windows", "usable_cores",
                     (json_int_t)topology_usable_units(), "repeats", (json_int_t)bench->repeats, "control",
                     bench->control, "sizes", sizes);
}

asim_status asim_bench(asim_config *config, const asim_bench_options *options, const asim_callbacks *callbacks,
                       char **out)
{
    *out = NULL;
    const struct settings *settings = config_settings(config);
    if (!settings) {
        return ASIM_USAGE;
    }
    struct diag *diag = config_diag(config);
    static const asim_bench_options defaults = {.struct_size = sizeof defaults};
    options = options ? options : &defaults;
    if (options->struct_size != sizeof *options || (callbacks && callbacks->struct_size != sizeof *callbacks)) {
        return diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                          "struct_size of the options or callbacks is not that of this library");
    }
    struct bench bench = {.callbacks = callbacks, .diag = diag};
    bench_init(&bench, settings, options);
    asim_status status = check(&bench, options);
    json_t *sizes = status == ASIM_OK ? measure_all(&bench, &status) : NULL;
    if (sizes) {
        *out = document_text(document_of(&bench, sizes), DOCUMENT_TIMED_DIGITS);
    }
    mem_free(bench.threads);
    mem_free(bench.sizes);
    return status;
}
