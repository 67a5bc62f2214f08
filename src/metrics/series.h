/* A set of durations: exact values up to a limit, a log-linear histogram beyond it.
 *
 * Values are integer picoseconds and sums are 128 bits wide, so the statistics do not depend on the order in which
 * values came. The histogram has 1,024 linear bins per power of two: a bin is at most 0.098 % of its value wide, and
 * values below 2,048 ps have a bin of their own. It holds every int64 in 448 KiB. The mean and the maximum stay exact.
 */
#ifndef ASIM_METRICS_SERIES_H
#define ASIM_METRICS_SERIES_H

#include "base/simtime.h"
#include "metrics/recorder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_EXACT_LIMIT UINT64_C(10000000)

struct series {
    uint64_t exact_limit;
    uint64_t n;
    unsigned __int128 sum;
    simtime max;
    simtime *values; /* exact values; NULL once the bins are in use */
    size_t capacity;
    uint64_t *bins; /* NULL while exact */
};

void series_init(struct series *series, uint64_t exact_limit);
void series_fini(struct series *series);

/* `value` >= 0. */
void series_add(struct series *series, simtime value);

/* In seconds; all zero when there are no values. */
struct quantities series_quantities(const struct series *series);

static inline bool series_sketched(const struct series *series)
{
    return series->bins != NULL;
}

#endif
