/* A set of durations: exact values up to a limit, a log-linear histogram beyond it.
 *
 * Values are integer picoseconds and sums are 128 bits wide, so the statistics do not depend on the order in which
 * values came, nor on how they were split over series that are merged. Exact values lie in chunks that are never copied
 * or moved: what is held is what is used, and merging relinks them. The histogram has 1,024 linear bins per power of
 * two: a bin is at most 0.098 % of its value wide, and values below 2,048 ps have a bin of their own. It holds every
 * int64 in 448 KiB. The mean and the maximum stay exact.
 */
#ifndef ASIM_METRICS_SERIES_H
#define ASIM_METRICS_SERIES_H

#include "base/simtime.h"
#include "metrics/bins.h"
#include "metrics/recorder.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_EXACT_LIMIT UINT64_C(10000000)

enum { SERIES_CHUNK_VALUES = (1 << 16) - 2 };

struct series_chunk {
    struct series_chunk *next;
    uint64_t n;
    simtime values[SERIES_CHUNK_VALUES];
};

struct series {
    uint64_t exact_limit;
    uint64_t n;
    unsigned __int128 sum;
    simtime max;
    struct series_chunk *chunks; /* exact values, the chunk being filled first; NULL once the bins are in use */
    uint64_t *bins;              /* NULL while exact */
};

/* With a limit of 0 it has bins from the start. */
void series_init(struct series *series, uint64_t exact_limit);
void series_fini(struct series *series);

/* The parts of series_add that are rare or need not be fast: a new chunk, the limit, bins. */
void series_keep(struct series *series, simtime value);

/* `value` >= 0. */
static inline void series_add(struct series *series, simtime value)
{
    assert(value >= 0);
    struct series_chunk *chunk = series->chunks;
    if (chunk && chunk->n < SERIES_CHUNK_VALUES && series->n < series->exact_limit) {
        chunk->values[chunk->n++] = value;
    } else {
        series_keep(series, value);
    }
    series->n++;
    series->sum += (unsigned __int128)value;
    series->max = value > series->max ? value : series->max;
}

/* The bins of a run that is not in one. */
void series_spread_run(struct series *series, simtime first, simtime growth, uint32_t n, uint64_t times);

/* Of a series in bins: `n` >= 1 values that grow from `first` by `growth` >= 0 each, each `times` times. They add up
 * to less than 2^63. */
static inline void series_add_run(struct series *series, simtime first, simtime growth, uint32_t n, uint64_t times)
{
    assert(series->bins && first >= 0 && growth >= 0 && n >= 1);
    const simtime last = first + growth * (simtime)(n - 1);
    if (((first ^ last) >> bin_bits_at(first)) == 0) {
        series->bins[bin_of(first)] += n * times;
    } else {
        series_spread_run(series, first, growth, n, times);
    }
    series->n += n * times;
    series->sum += (unsigned __int128)(n * (uint64_t)(first + last) / 2) * times;
    series->max = last > series->max ? last : series->max;
}

/* The same of one value. */
static inline void series_add_times(struct series *series, simtime value, uint64_t times)
{
    series_add_run(series, value, 0, 1, times);
}

/* Gives up the exact values for bins; nothing to do when that has happened. */
void series_sketch(struct series *series);

/* Adds the values of `from`, which is empty afterwards; both have the same limit. The result is exact exactly when
 * both are and their values together are within the limit. */
void series_merge(struct series *into, struct series *from);

/* In seconds; all zero when there are no values. */
struct quantities series_quantities(const struct series *series);

static inline bool series_sketched(const struct series *series)
{
    return series->bins != NULL;
}

#endif
