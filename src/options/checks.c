#include "options/checks.h"

#include "options/option_lookup.h"
#include "options/option_value.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { NAMED_BYTES = 512 };

/* "max_num_seqs: 512 (my.yaml:3)", or "max_num_seqs (unset)". */
static const char *named(const struct resolved *resolved, const char *path, char out[NAMED_BYTES])
{
    const size_t row = option_find(path, NAMING_PATH);
    assert(row < option_count());
    char shown[OPTION_SHOWN_BYTES];
    char *text = option_value_format(option_at(row), &resolved->settings);
    if (text) {
        snprintf(out, NAMED_BYTES, "%s: %s (%s)", path, option_shown(text, shown), resolved->origins[row]);
    } else {
        snprintf(out, NAMED_BYTES, "%s (unset)", path);
    }
    mem_free(text);
    return out;
}

static bool is_bad(const struct resolved *resolved, const char *path)
{
    return resolved->bad[option_find(path, NAMING_PATH)];
}

/* What is wrong between two options; not where one of them was bad on its own. */
static void conflict(const struct resolved *resolved, struct diag *diag, const char *a, const char *relation,
                     const char *b)
{
    if (is_bad(resolved, a) || is_bad(resolved, b)) {
        return;
    }
    char first[NAMED_BYTES];
    char second[NAMED_BYTES];
    diag_error(diag, ASIM_USAGE, (struct diag_where){0}, "%s %s %s", named(resolved, a, first), relation,
               named(resolved, b, second));
}

static void check_load(const struct resolved *resolved, struct diag *diag)
{
    const struct settings *s = &resolved->settings;
    const bool may_be_lost = diag->n_errors > 0; /* in a file that could not be read */
    if (!s->workload && !s->generate && !may_be_lost && !is_bad(resolved, "workload") &&
        !is_bad(resolved, "generate")) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                   "nothing to simulate; give workload (a file) or generate (e.g. swe-agent)");
    }
    if (s->arrivals == SETTING_ARRIVALS_POISSON && s->request_rate < 0.0) {
        conflict(resolved, diag, "arrivals", "needs", "request_rate");
    }
    if (s->arrivals == SETTING_ARRIVALS_CLOSED && s->max_concurrency == SETTING_UNSET_COUNT) {
        conflict(resolved, diag, "arrivals", "needs", "max_concurrency");
    }
    if (s->hints != SETTING_HINTS_OFF && s->workload) {
        conflict(resolved, diag, "hints", "is for generated programs; it does not go with", "workload");
    } else if (s->hints != SETTING_HINTS_OFF && strcmp(s->tool_gap, "trace") != 0) {
        conflict(resolved, diag, "hints", "tells of gaps as they are generated; it does not go with", "tool_gap");
    }
    if (s->client_setup > 0 && s->arrivals != SETTING_ARRIVALS_CLOSED && s->arrivals != SETTING_ARRIVALS_AUTO) {
        conflict(resolved, diag, "client_setup", "is for closed-loop clients; it does not go with", "arrivals");
    }
}

/* vLLM's SchedulerConfig refuses the first two (vllm/config/scheduler.py, verify_max_model_len). */
static void check_engine(const struct resolved *resolved, struct diag *diag)
{
    const struct settings *s = &resolved->settings;
    const bool budget = s->max_num_batched_tokens != SETTING_UNSET_COUNT;
    if (budget && s->max_num_seqs != SETTING_UNSET_COUNT && s->max_num_batched_tokens < s->max_num_seqs) {
        conflict(resolved, diag, "max_num_batched_tokens", "is below", "max_num_seqs");
    }
    if (budget && s->max_model_len != SETTING_UNSET_COUNT && !s->enable_chunked_prefill &&
        s->max_num_batched_tokens < s->max_model_len) {
        conflict(resolved, diag, "max_num_batched_tokens", "is, without enable_chunked_prefill, below",
                 "max_model_len");
    }
    if (s->kv_pool_tokens != SETTING_UNSET_COUNT && s->kv_pool_tokens < s->block_size) {
        conflict(resolved, diag, "kv_pool_tokens", "is less than one block of", "block_size");
    }
}

static void check_hardware(const struct resolved *resolved, struct diag *diag)
{
    const struct settings *s = &resolved->settings;
    const bool latency = s->allreduce_latency != SETTING_UNSET_TIME;
    const bool bandwidth = s->allreduce_bandwidth >= 0.0;
    if (latency != bandwidth) {
        conflict(resolved, diag, latency ? "allreduce.latency" : "allreduce.bandwidth", "is half of a law; it needs",
                 latency ? "allreduce.bandwidth" : "allreduce.latency");
    }
}

static void check_cluster(const struct resolved *resolved, struct diag *diag)
{
    const struct settings *s = &resolved->settings;
    if (s->dispatch_latency == 0 && s->threads > 1) {
        conflict(resolved, diag, "dispatch_latency", "leaves no lookahead to run in parallel; it does not go with",
                 "threads");
    } else if (s->dispatch_latency == 0 && s->synchronization == SYNCHRONIZATION_WINDOWS) {
        conflict(resolved, diag, "dispatch_latency", "leaves windows no length; it does not go with",
                 "synchronization");
    } else if (s->transport != TRANSPORT_NONE && s->synchronization == SYNCHRONIZATION_SERIAL) {
        conflict(resolved, diag, "synchronization", "is for one process; it does not go with", "transport");
    } else if (s->threads > 1 && s->synchronization == SYNCHRONIZATION_SERIAL) {
        conflict(resolved, diag, "synchronization", "uses one thread; it does not go with", "threads");
    }
}

/* Of an option whose results one process keeps in memory until the end of the run. */
static void check_kept(const struct resolved *resolved, struct diag *diag, const char *option)
{
    const struct settings *s = &resolved->settings;
    if (s->checkpoint_every != SETTING_UNSET_TIME) {
        conflict(resolved, diag, option, "is kept in no checkpoint; it does not go with", "checkpoint_every");
    } else if (s->transport != TRANSPORT_NONE) {
        conflict(resolved, diag, option, "is for one process; it does not go with", "transport");
    }
}

static void check_output(const struct resolved *resolved, struct diag *diag)
{
    const struct settings *s = &resolved->settings;
    if (s->checkpoint_every != SETTING_UNSET_TIME && s->synchronization == SYNCHRONIZATION_SERIAL) {
        conflict(resolved, diag, "checkpoint_every", "is for runs in windows; it does not go with", "synchronization");
    }
    if (s->decisions_log) {
        check_kept(resolved, diag, "decisions_log");
    }
    if (s->residency_at) {
        check_kept(resolved, diag, "residency_at");
    } else if (s->residency_every != SETTING_UNSET_TIME) {
        check_kept(resolved, diag, "residency_every");
    }
}

static void check_belady(const struct resolved *resolved, struct diag *diag)
{
    const struct settings *s = &resolved->settings;
    if (s->belady_ratio && s->checkpoint_every != SETTING_UNSET_TIME) {
        conflict(resolved, diag, "belady_ratio", "is kept in no checkpoint; it does not go with", "checkpoint_every");
    }
    if (s->belady_ratio && !s->enable_prefix_caching) {
        conflict(resolved, diag, "belady_ratio", "is of cached blocks; it does not go with", "enable_prefix_caching");
    }
}

static void check_span(const struct resolved *resolved, struct diag *diag)
{
    const struct settings *s = &resolved->settings;
    if (s->stop_at != SETTING_UNSET_TIME && s->warmup >= s->stop_at) {
        conflict(resolved, diag, "warmup", "leaves nothing to measure before", "stop_at");
    }
}

void checks_run(const struct resolved *resolved, struct diag *diag)
{
    check_load(resolved, diag);
    check_hardware(resolved, diag);
    check_engine(resolved, diag);
    check_cluster(resolved, diag);
    check_span(resolved, diag);
    check_output(resolved, diag);
    check_belady(resolved, diag);
}
