#include "api/saving.h"

#include <time.h>

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool is_due(void *user)
{
    struct saving *saving = user;
    const double now = wall_clock();
    const struct checkpoints *checkpoints = &saving->checkpoints;
    if (checkpoints->n_written > saving->seen) { /* the first question after a checkpoint */
        const double took = 1e-9 * (double)checkpoints->last_ns;
        saving->seen = checkpoints->n_written;
        saving->next = saving->next > now + took ? saving->next : now + took;
    }
    if (now < saving->next) {
        return false;
    }
    saving->next = now + saving->every;
    return true;
}

static bool prepare(void *user)
{
    const struct saving *saving = user;
    return !saving->asked->prepare || saving->asked->prepare(saving->asked->user);
}

bool saving_open(struct saving *saving, const struct settings *settings, struct diag *diag)
{
    const asim_checkpoints *asked = saving->asked;
    struct checkpoints *checkpoints = &saving->checkpoints;
    if (!asked) {
        return true;
    }
    if (settings->synchronization == SYNCHRONIZATION_SERIAL) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                   "synchronization serial has no checkpoints; allowed: windows, with a dispatch_latency above 0");
        return false;
    }
    if (settings->decisions_log) {
        diag_error(
            diag, ASIM_USAGE, (struct diag_where){0},
            "decisions_log = on: decisions are kept in no checkpoint; allowed: off, or a run without checkpoints");
        return false;
    }
    if (settings->belady_ratio) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                   "belady_ratio = on: what it needs is kept in no checkpoint; allowed: off, or a run without "
                   "checkpoints");
        return false;
    }
    if (settings->residency_at || settings->residency_every != SETTING_UNSET_TIME) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                   "residency_at, residency_every: what was seen of KV is kept in no checkpoint; allowed: unset, or a "
                   "run without checkpoints");
        return false;
    }
    const bool periodic = settings->checkpoint_every != SETTING_UNSET_TIME;
    saving->every = periodic ? simtime_to_s(settings->checkpoint_every) : 0.0;
    saving->next = wall_clock() + saving->every;
    *checkpoints = (struct checkpoints){
        .file = asked->file, .is_due = periodic ? is_due : NULL, .prepare = prepare, .user = saving};
    if (!checkpoint_inputs_take(settings, &checkpoints->inputs, diag)) {
        return false;
    }
    if (asked->resume) {
        checkpoints->resume = checkpoint_open(asked->resume, settings, &checkpoints->inputs, diag);
    }
    return !asked->resume || checkpoints->resume;
}

void saving_close(struct saving *saving)
{
    if (saving->checkpoints.resume) { /* the run did not come to it */
        store_drop(saving->checkpoints.resume);
    }
}
