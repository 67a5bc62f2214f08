#include "api/side_runs.h"

#include "api/run.h"
#include "base/mem.h"
#include "pdes/topology.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct crowd {
    struct side_run *runs;
    size_t n;
    const asim_callbacks *callbacks; /* of the caller, maybe NULL; called on its thread only */
    atomic_size_t next;
    atomic_size_t working; /* threads besides the caller's */
    atomic_bool stopped;   /* cancelled, or one has failed */
    atomic_uint_fast64_t programs, turns;
};

static bool asks_caller(void *user)
{
    struct crowd *crowd = user;
    const asim_callbacks *callbacks = crowd->callbacks;
    if (callbacks && callbacks->cancelled && callbacks->cancelled(callbacks->user)) {
        atomic_store(&crowd->stopped, true);
    }
    return atomic_load_explicit(&crowd->stopped, memory_order_relaxed);
}

static void tells_caller(void *user, const asim_progress *now)
{
    struct crowd *crowd = user;
    if (crowd->callbacks && crowd->callbacks->progress) {
        asim_progress all = *now;
        all.programs_done += atomic_load(&crowd->programs);
        all.turns_done += atomic_load(&crowd->turns);
        all.programs_total *= crowd->n;
        all.programs_done = all.programs_done < all.programs_total ? all.programs_done : all.programs_total;
        all.sim_end_s = 0;
        crowd->callbacks->progress(crowd->callbacks->user, &all);
    }
}

static bool follows_caller(void *user)
{
    const struct crowd *crowd = user;
    return atomic_load_explicit(&crowd->stopped, memory_order_relaxed);
}

static void count_done(struct crowd *crowd, const json_t *summary)
{
    const json_t *programs = summary_member(summary, "programs.total");
    const json_t *turns = summary_member(summary, "turns.completed");
    atomic_fetch_add(&crowd->programs, (uint_fast64_t)json_integer_value(programs));
    atomic_fetch_add(&crowd->turns, (uint_fast64_t)json_integer_value(turns));
}

static void run_one(struct crowd *crowd, struct side_run *run, const asim_callbacks *callbacks)
{
    struct settings settings = *run->settings;
    settings.threads = 1;
    settings.bind = BIND_NONE; /* bound, all would be on the first core */
    settings.turns_csv = false;
    settings.program_rows = 0;
    settings.engine_stats = false;
    settings.decisions_log = false;
    settings.residency_at = NULL;
    settings.residency_every = SETTING_UNSET_TIME;
    asim_result *result = NULL;
    run->status = run_settings(&settings, callbacks, &result);
    if (run->status == ASIM_OK) {
        run->summary = json_loads(asim_result_summary(result), 0, NULL);
        count_done(crowd, run->summary);
    } else {
        atomic_store(&crowd->stopped, true);
    }
    run->diag = result->diag;
    diag_init(&result->diag);
    asim_result_destroy(result);
}

static void work(struct crowd *crowd, const asim_callbacks *callbacks)
{
    for (size_t i = atomic_fetch_add(&crowd->next, 1); i < crowd->n && !atomic_load(&crowd->stopped);
         i = atomic_fetch_add(&crowd->next, 1)) {
        run_one(crowd, &crowd->runs[i], callbacks);
    }
}

static void *help(void *user)
{
    struct crowd *crowd = user;
    const asim_callbacks callbacks = {.struct_size = sizeof callbacks, .user = crowd, .cancelled = follows_caller};
    work(crowd, &callbacks);
    atomic_fetch_sub(&crowd->working, 1);
    return NULL;
}

/* The caller has nothing left to do but to see whether it is cancelled. */
static void wait_for_helpers(struct crowd *crowd)
{
    static const struct timespec pause = {.tv_nsec = 5000000};
    while (atomic_load(&crowd->working)) {
        asks_caller(crowd);
        nanosleep(&pause, NULL);
    }
}

static bool was_said(const struct diag *diag, const char *text)
{
    for (size_t i = 0; i < diag->n_entries; i++) {
        if (strcmp(diag->entries[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static void pass_messages(const struct side_run *run, struct diag *into)
{
    for (size_t i = 0; i < run->diag.n_entries; i++) {
        const struct diag_entry *entry = &run->diag.entries[i];
        if (!entry->is_warning) {
            diag_error(into, run->status, (struct diag_where){.file = run->name}, "%s", entry->text);
        } else if (!was_said(into, entry->text)) {
            diag_warning(into, (struct diag_where){0}, "%s", entry->text);
        }
    }
}

asim_status side_runs(struct side_run *runs, size_t n, uint32_t workers, const asim_callbacks *callbacks,
                      struct diag *diag)
{
    struct crowd crowd = {.runs = runs, .n = n, .callbacks = callbacks};
    const size_t wanted = workers ? workers : topology_usable_units();
    const size_t helpers = (wanted < n ? wanted : n) - (n > 0);
    pthread_t *threads = mem_alloc((helpers + 1) * sizeof *threads);
    size_t started = 0;
    atomic_store(&crowd.working, helpers);
    while (started < helpers && pthread_create(&threads[started], NULL, help, &crowd) == 0) {
        started++;
    }
    atomic_fetch_sub(&crowd.working, helpers - started); /* fewer do it too */
    const asim_callbacks own = {
        .struct_size = sizeof own, .user = &crowd, .progress = tells_caller, .cancelled = asks_caller};
    work(&crowd, &own);
    wait_for_helpers(&crowd);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    mem_free(threads);
    asim_status status = ASIM_OK;
    for (size_t i = 0; i < n; i++) {
        pass_messages(&runs[i], diag);
        diag_fini(&runs[i].diag);
        if (runs[i].status != ASIM_OK && (status == ASIM_OK || status == ASIM_INTERRUPTED)) {
            status = runs[i].status; /* a failure interrupts the others */
        }
    }
    return status == ASIM_OK && atomic_load(&crowd.stopped) ? ASIM_INTERRUPTED : status;
}

const json_t *summary_member(const json_t *summary, const char *path)
{
    while (summary && *path) {
        char key[64];
        const size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        summary = json_object_get(summary, key);
        path += n + (path[n] == '.');
    }
    return summary;
}

bool side_runs_measure(const struct side_run *runs, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = summary_member(runs[i].summary, path);
        if (json_is_number(value) || json_is_null(value)) {
            return true;
        }
    }
    return false;
}
