#include "api/bench_sample.h"

#include "api/run.h"
#include "base/mem.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double cpu_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Makes the kernel measure the peak of resident memory anew; false where it does not offer that. */
static bool peak_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    const bool written = file && fputs("5", file) >= 0;
    return file && fclose(file) == 0 && written;
}

static uint64_t peak_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t kib = 0;
    while (file && !kib && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmHWM: %" SCNu64, &kib) != 1) {
            kib = 0;
        }
    }
    if (file) {
        fclose(file);
    }
    return kib << 10;
}

static uint64_t count(const json_t *summary, const char *section, const char *key)
{
    const json_t *object = section ? json_object_get(summary, section) : summary;
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void read_result(const asim_result *result, struct bench_work *work, struct bench_sample *sample,
                        json_t **engine)
{
    json_t *summary = json_loads(result->summary, 0, NULL);
    json_t *execution = json_loads(result->execution, 0, NULL);
    *work = (struct bench_work){.sim_time_s = json_number_value(json_object_get(summary, "sim_time_s")),
                                .programs = count(summary, "programs", "completed"),
                                .turns = count(summary, "turns", "completed"),
                                .steps = count(summary, NULL, "steps"),
                                .events = count(summary, NULL, "events")};
    snprintf(work->digest, sizeof work->digest, "%s", json_string_value(json_object_get(summary, "digest")));
    sample->setup_s = json_number_value(json_object_get(execution, "setup_s"));
    sample->wall_s = json_number_value(json_object_get(execution, "wall_s")) - sample->setup_s;
    if (engine) {
        *engine = json_incref(json_object_get(execution, "engine"));
    }
    json_decref(summary);
    json_decref(execution);
}

asim_status bench_run(const struct settings *settings, const asim_callbacks *callbacks, bool warn,
                      struct bench_work *work, struct bench_sample *sample, json_t **engine, struct diag *diag)
{
    const bool has_peak = peak_reset();
    const double cpu = cpu_clock();
    asim_result *result = NULL;
    const asim_status status = run_settings(settings, callbacks, &result);
    sample->cpu_s = cpu_clock() - cpu;
    sample->peak_bytes = has_peak ? peak_bytes() : 0;
    if (warn || (status != ASIM_OK && status != ASIM_INTERRUPTED)) {
        diag_pass(diag, &result->diag);
    }
    if (status == ASIM_OK) {
        read_result(result, work, sample, engine);
    }
    asim_result_destroy(result);
    return status;
}

/* Runs side by side: they begin when the caller opens the gate, which it does when all threads are there. */
struct side_by_side {
    const struct settings *settings;
    const asim_callbacks *callbacks; /* of the caller */
    pthread_mutex_t gate;
    atomic_bool cancelled;
};

struct neighbour {
    struct side_by_side *all;
    pthread_t thread;
    asim_callbacks callbacks;
    asim_status status;
    asim_result *result;
};

static bool asks_caller(void *user)
{
    struct side_by_side *all = user;
    const asim_callbacks *callbacks = all->callbacks;
    if (callbacks->cancelled && callbacks->cancelled(callbacks->user)) {
        atomic_store_explicit(&all->cancelled, true, memory_order_relaxed);
    }
    return atomic_load_explicit(&all->cancelled, memory_order_relaxed);
}

static void tells_caller(void *user, const asim_progress *progress)
{
    const struct side_by_side *all = user;
    if (all->callbacks->progress) {
        all->callbacks->progress(all->callbacks->user, progress);
    }
}

static bool follows_caller(void *user)
{
    const struct side_by_side *all = user;
    return atomic_load_explicit(&all->cancelled, memory_order_relaxed);
}

static void *run_neighbour(void *argument)
{
    struct neighbour *neighbour = argument;
    pthread_mutex_lock(&neighbour->all->gate);
    pthread_mutex_unlock(&neighbour->all->gate);
    neighbour->status = run_settings(neighbour->all->settings, &neighbour->callbacks, &neighbour->result);
    return NULL;
}

static asim_status add_neighbour(const struct neighbour *neighbour, uint32_t n, struct bench_work *work,
                                 struct bench_sample *sample, struct diag *diag)
{
    if (neighbour->status != ASIM_OK) {
        if (neighbour->status != ASIM_INTERRUPTED) {
            diag_pass(diag, &neighbour->result->diag);
        }
        return neighbour->status;
    }
    struct bench_work own;
    struct bench_sample cost;
    read_result(neighbour->result, &own, &cost, NULL);
    sample->wall_s += cost.wall_s / n;
    sample->setup_s += cost.setup_s / n;
    char how[64];
    snprintf(how, sizeof how, "one of %u simulations side by side", n);
    return bench_same_work(work, &own, how, diag);
}

/* Starts the neighbours beside the caller's own, which is the first, and waits for all. False when threads lack: none
 * has run to its end then. */
static bool run_all(struct side_by_side *all, struct neighbour *neighbours, uint32_t n)
{
    uint32_t started = 1;
    pthread_mutex_lock(&all->gate);
    while (started < n && pthread_create(&neighbours[started].thread, NULL, run_neighbour, &neighbours[started]) == 0) {
        started++;
    }
    atomic_store(&all->cancelled, started < n);
    pthread_mutex_unlock(&all->gate);
    run_neighbour(&neighbours[0]);
    for (uint32_t i = 1; i < started; i++) {
        pthread_join(neighbours[i].thread, NULL);
    }
    return started == n;
}

asim_status bench_run_side_by_side(const struct settings *settings, uint32_t n, const asim_callbacks *callbacks,
                                   struct bench_work *work, struct bench_sample *sample, struct diag *diag)
{
    struct settings alone = *settings;
    alone.threads = 1;
    alone.bind = BIND_NONE; /* bound, they would all be on the first core */
    struct side_by_side all = {.settings = &alone, .callbacks = callbacks};
    pthread_mutex_init(&all.gate, NULL);
    struct neighbour *neighbours = mem_zalloc(n * sizeof *neighbours);
    for (uint32_t i = 0; i < n; i++) {
        neighbours[i].all = &all;
        neighbours[i].callbacks = (asim_callbacks){.struct_size = sizeof(asim_callbacks),
                                                   .user = &all,
                                                   .progress = i ? NULL : tells_caller,
                                                   .cancelled = i ? follows_caller : asks_caller};
    }
    const bool has_peak = peak_reset();
    const double cpu = cpu_clock();
    asim_status status = run_all(&all, neighbours, n)
                             ? ASIM_OK
                             : diag_error(diag, ASIM_INTERNAL, (struct diag_where){0}, "cannot start %u threads", n);
    *sample = (struct bench_sample){.cpu_s = cpu_clock() - cpu, .peak_bytes = has_peak ? peak_bytes() : 0};
    for (uint32_t i = 0; i < n; i++) {
        status = status == ASIM_OK ? add_neighbour(&neighbours[i], n, work, sample, diag) : status;
        asim_result_destroy(neighbours[i].result);
    }
    pthread_mutex_destroy(&all.gate);
    mem_free(neighbours);
    return status;
}

asim_status bench_same_work(struct bench_work *first, const struct bench_work *work, const char *how, struct diag *diag)
{
    if (!first->digest[0]) {
        *first = *work;
    }
    if (strcmp(first->digest, work->digest) != 0) {
        return diag_error(diag, ASIM_INTERNAL, (struct diag_where){0},
                          "runs of one configuration differ: digest %s at first, %s of %s; no figure can be trusted",
                          first->digest, work->digest, how);
    }
    return ASIM_OK;
}
