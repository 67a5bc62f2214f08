/* Distributions of durations and counts, as written in options: `2s`, `fixed(2s)`, `uniform(1s, 3s)`,
 * `exponential(mean=2s)`, `geometric(mean=10)`, `lognormal(median=1.5s, p99=60s)`, `lognormal(mean=600, sigma=0.85)`.
 * Each may be bounded: `lognormal(median=1.5s, p99=60s, min=1ms)`, `geometric(mean=10, max=60)`; a sample beyond a
 * bound is that bound.
 *
 * Sampling inverts the distribution at one uniform number, so a draw costs one random number and is monotone in it.
 */
#ifndef ASIM_BASE_DISTRIBUTION_H
#define ASIM_BASE_DISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

enum distribution_kind {
    DISTRIBUTION_FIXED,
    DISTRIBUTION_UNIFORM,
    DISTRIBUTION_EXPONENTIAL,
    DISTRIBUTION_GEOMETRIC, /* on 1, 2, ... */
    DISTRIBUTION_LOGNORMAL
};

struct distribution {
    enum distribution_kind kind;
    bool is_bounded; /* otherwise min and max say nothing */
    double a;        /* fixed: value; uniform: low; exponential, geometric: mean; lognormal: mu (of the logarithm) */
    double b;        /* uniform: high; geometric: 1 / log(1 - 1 / mean); lognormal: sigma */
    double min;      /* of a sample; 0 when not given */
    double max;      /* infinite when not given */
};

/* Parses a value that may carry a unit: sets *out in the base unit; false when `text` is not such a value. */
typedef bool (*distribution_number_fn)(const char *text, double *out);

/* Parses `text`; on failure returns false and writes what is wrong, and what is allowed, to message. Geometric ones
 * count, so they are refused where `number` refuses a number without a unit. */
bool distribution_parse(const char *text, distribution_number_fn number, struct distribution *out, char *message,
                        int message_bytes);

/* The value at cumulative probability u, 0 < u < 1. */
double distribution_sample(const struct distribution *distribution, double u);

/* The same for n probabilities, which the values replace; faster for log-normal ones. */
void distribution_sample_many(const struct distribution *distribution, double *u, size_t n);

/* Of the samples, so within the bounds. */
double distribution_mean(const struct distribution *distribution);

#endif
