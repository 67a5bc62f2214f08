/* The document of a benchmark (schema asim.bench). */
#ifndef ASIM_API_BENCH_REPORT_H
#define ASIM_API_BENCH_REPORT_H

#include "api/bench_sample.h"

enum { BENCH_VERSION = 1 };

/* All runs with one number of threads. */
struct bench_row {
    uint32_t threads;
    struct bench_sample *samples; /* one per repetition */
    struct bench_sample *control; /* the same of runs side by side; NULL: none */
};

struct bench_size {
    uint64_t programs; /* asked for; SETTING_UNSET_COUNT: all there are */
    struct bench_work work;
    json_t *engine; /* of the marked run; NULL: the engine does not observe itself */
    struct bench_row *rows;
    size_t n_rows; /* the first has one thread */
    uint32_t repeats;
};

/* Mean, least and coefficient of variation of the wall times. */
struct bench_times {
    double mean, least, spread;
};
struct bench_times bench_times(const struct bench_sample *samples, uint32_t n);

/* An entry of `sizes`. */
json_t *bench_size_report(const struct bench_size *size);

#endif
