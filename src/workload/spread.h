/* Log-normal quantities of the built-in generators: sizes in tokens, durations in seconds. */
#ifndef ASIM_WORKLOAD_SPREAD_H
#define ASIM_WORKLOAD_SPREAD_H

#include "base/pmath.h"
#include "base/rng.h"

/* By the median and the deviation of the logarithm, cut off at `most`. */
struct spread {
    double median;
    double sigma;
    double most;
};

static inline double spread_sample(const struct spread *spread, double u)
{
    const double value = spread->median * pmath_exp(spread->sigma * pmath_normal_quantile(u));
    return value < spread->most ? value : spread->most;
}

/* At least one. */
static inline uint32_t spread_toks(const struct spread *spread, struct rng_key key)
{
    const double value = spread_sample(spread, rng_uniform(key, 0)) + 0.5;
    return value < 1.0 ? 1 : (uint32_t)value;
}

#endif
