/* One timed run of a benchmark, or several one-thread runs side by side. */
#ifndef ASIM_API_BENCH_SAMPLE_H
#define ASIM_API_BENCH_SAMPLE_H

#include "api/result.h"

#include <jansson.h>

/* What a run did: the same in every run of one size. */
struct bench_work {
    char digest[64]; /* empty: not known yet */
    double sim_time_s;
    uint64_t programs, turns, steps, events;
};

/* What it cost. */
struct bench_sample {
    double wall_s;       /* without setup_s; of runs side by side the mean */
    double setup_s;      /* reading inputs, building tables */
    double cpu_s;        /* of the process */
    uint64_t peak_bytes; /* resident, of the process while it ran; 0: not known */
};

/* Runs the settings once. *work and *sample are those of a whole run; *engine, unless NULL, gets what the engine
 * observed of itself, NULL when it did not. Messages of failures, and with `warn` warnings, go to `diag`. */
asim_status bench_run(const struct settings *settings, const asim_callbacks *callbacks, bool warn,
                      struct bench_work *work, struct bench_sample *sample, json_t **engine, struct diag *diag);

/* Runs the settings in n threads at once, each a simulation of its own on one thread. Callbacks are called by the
 * calling thread alone; a cancelled run ends all of them. */
asim_status bench_run_side_by_side(const struct settings *settings, uint32_t n, const asim_callbacks *callbacks,
                                   struct bench_work *work, struct bench_sample *sample, struct diag *diag);

/* Holds the work of a run against the first of its size, which it becomes when there was none; an error names both. */
asim_status bench_same_work(struct bench_work *first, const struct bench_work *work, const char *how,
                            struct diag *diag);

#endif
