/* What a series of gaps between tokens holds, to be compared: its bins as a digest. */
#ifndef ASIM_TESTS_INSTANCE_GAPS_SEEN_H
#define ASIM_TESTS_INSTANCE_GAPS_SEEN_H

#include "base/digest.h"
#include "metrics/series.h"

#include <stdbool.h>

struct gaps_seen {
    uint64_t n;
    unsigned __int128 sum;
    simtime max;
    struct digest bins;
};

static inline struct gaps_seen gaps_seen(const struct series *series)
{
    struct gaps_seen seen = {.n = series->n, .sum = series->sum, .max = series->max};
    digest_add(&seen.bins, series->bins, N_BINS * sizeof *series->bins);
    return seen;
}

static inline bool same_gaps(const struct gaps_seen *a, const struct gaps_seen *b)
{
    return a->n == b->n && a->sum == b->sum && a->max == b->max && a->bins.low == b->bins.low &&
           a->bins.high == b->bins.high;
}

#endif
