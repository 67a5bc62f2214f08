/* Distributions of durations and counts, as written in options: `2s`, `fixed(2s)`, `uniform(1s, 3s)`,
 * `exponential(mean=2s)`, `lognormal(median=1.5s, p99=60s)`, `lognormal(mean=600, sigma=0.85)`.
 *
 * Sampling inverts the distribution at one uniform number, so a draw costs one random number and is monotone in it.
 */
#ifndef ASIM_BASE_DISTRIBUTION_H
#define ASIM_BASE_DISTRIBUTION_H

#include <stdbool.h>

enum distribution_kind { DISTRIBUTION_FIXED, DISTRIBUTION_UNIFORM, DISTRIBUTION_EXPONENTIAL, DISTRIBUTION_LOGNORMAL };

struct distribution {
    enum distribution_kind kind;
    double a; /* fixed: value; uniform: low; exponential: mean; lognormal: mu (of the logarithm) */
    double b; /* uniform: high; lognormal: sigma */
};

/* Parses a value that may carry a unit: sets *out in the base unit; false when `text` is not such a value. */
typedef bool (*distribution_number_fn)(const char *text, double *out);

/* Parses `text`; on failure returns false and writes what is wrong, and what is allowed, to message. */
bool distribution_parse(const char *text, distribution_number_fn number, struct distribution *out, char *message,
                        int message_bytes);

/* The value at cumulative probability u, 0 < u < 1. */
double distribution_sample(const struct distribution *distribution, double u);

double distribution_mean(const struct distribution *distribution);

#endif
