#include "metrics/series.h"

#include "base/mem.h"

#include <assert.h>

enum { SUB_BITS = 10, SUB_BINS = 1 << SUB_BITS, N_BINS = (63 - SUB_BITS) * SUB_BINS + SUB_BINS };

/* Bins 0 .. 2*SUB_BINS-1 hold one value each; above, `shift` low bits are dropped. */
static uint32_t bin_of(simtime value)
{
    const uint64_t v = (uint64_t)value;
    if (v < 2 * SUB_BINS) {
        return (uint32_t)v;
    }
    const uint32_t shift = 63 - (uint32_t)__builtin_clzll(v) - SUB_BITS;
    return (shift << SUB_BITS) + (uint32_t)(v >> shift);
}

static double bin_low(uint32_t bin)
{
    if (bin < 2 * SUB_BINS) {
        return bin;
    }
    const uint32_t shift = (bin >> SUB_BITS) - 1;
    return (double)((uint64_t)(bin - (shift << SUB_BITS)) << shift);
}

static double bin_width(uint32_t bin)
{
    return bin < 2 * SUB_BINS ? 1 : (double)(UINT64_C(1) << ((bin >> SUB_BITS) - 1));
}

void series_init(struct series *series, uint64_t exact_limit)
{
    *series = (struct series){.exact_limit = exact_limit};
}

void series_fini(struct series *series)
{
    mem_free(series->values);
    mem_free(series->bins);
    series_init(series, 0);
}

static uint64_t *count_bins(const simtime *values, uint64_t n)
{
    uint64_t *bins = mem_zalloc(N_BINS * sizeof *bins);
    for (uint64_t i = 0; i < n; i++) {
        bins[bin_of(values[i])]++;
    }
    return bins;
}

void series_add(struct series *series, simtime value)
{
    assert(value >= 0);
    if (!series->bins && series->n == series->exact_limit) {
        series->bins = count_bins(series->values, series->n);
        mem_free(series->values);
        series->values = NULL;
        series->capacity = 0;
    }
    if (series->bins) {
        series->bins[bin_of(value)]++;
    } else {
        series->values = mem_grow(series->values, &series->capacity, series->n + 1, sizeof *series->values);
        series->values[series->n] = value;
    }
    series->n++;
    series->sum += (unsigned __int128)value;
    series->max = value > series->max ? value : series->max;
}

/* The bin of the order statistic `rank` (from 0), and the number of values in the bins before it. */
static uint32_t find_bin(const uint64_t *bins, uint64_t rank, uint64_t *before)
{
    uint32_t bin = 0;
    *before = 0;
    while (*before + bins[bin] <= rank) {
        *before += bins[bin++];
        assert(bin < N_BINS);
    }
    return bin;
}

/* The exact values of one bin in ascending order; kept from one order statistic to the next, which is often beside it.
 */
struct sorted_bin {
    uint32_t bin;
    simtime *values; /* NULL: none yet */
};

/* Least significant digit radix sort by the low `bits` bits; the rest is equal in a bin. Linear also for equal values.
 */
static simtime *radix_sort(simtime *values, uint64_t n, uint32_t bits)
{
    enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };
    simtime *other = mem_alloc(n * sizeof *other);
    for (uint32_t shift = 0; shift < bits; shift += DIGIT_BITS) {
        uint64_t start[DIGITS + 1] = {0};
        for (uint64_t i = 0; i < n; i++) {
            start[(((uint64_t)values[i] >> shift) & (DIGITS - 1)) + 1]++;
        }
        for (uint32_t digit = 0; digit < DIGITS; digit++) {
            start[digit + 1] += start[digit];
        }
        for (uint64_t i = 0; i < n; i++) {
            other[start[((uint64_t)values[i] >> shift) & (DIGITS - 1)]++] = values[i];
        }
        simtime *swap = values;
        values = other;
        other = swap;
    }
    mem_free(other);
    return values;
}

static void sort_bin(const struct series *series, uint32_t bin, uint64_t n, struct sorted_bin *sorted)
{
    mem_free(sorted->values);
    sorted->bin = bin;
    sorted->values = mem_alloc(n * sizeof *sorted->values);
    uint64_t filled = 0;
    for (uint64_t i = 0; filled < n; i++) {
        if (bin_of(series->values[i]) == bin) {
            sorted->values[filled++] = series->values[i];
        }
    }
    const uint32_t width_bits = bin < 2 * SUB_BINS ? 0 : (bin >> SUB_BITS) - 1;
    sorted->values = radix_sort(sorted->values, n, width_bits);
}

/* The order statistic `rank` among exact values: only the bin that holds it is sorted. */
static double exact_rank(const struct series *series, const uint64_t *bins, uint64_t rank, struct sorted_bin *sorted)
{
    uint64_t before;
    const uint32_t bin = find_bin(bins, rank, &before);
    if (!sorted->values || sorted->bin != bin) {
        sort_bin(series, bin, bins[bin], sorted);
    }
    return (double)sorted->values[rank - before];
}

/* The order statistic `rank` as if the values of a bin were spread evenly over it. */
static double sketched_rank(const struct series *series, const uint64_t *bins, uint64_t rank)
{
    uint64_t before;
    const uint32_t bin = find_bin(bins, rank, &before);
    if (bin < 2 * SUB_BINS) {
        return bin;
    }
    const double value = bin_low(bin) + bin_width(bin) * ((double)(rank - before) + 0.5) / (double)bins[bin];
    return value < (double)series->max ? value : (double)series->max;
}

static double rank_value(const struct series *series, const uint64_t *bins, uint64_t rank, struct sorted_bin *sorted)
{
    return series_sketched(series) ? sketched_rank(series, bins, rank) : exact_rank(series, bins, rank, sorted);
}

/* R type 7: linear interpolation at (n - 1) p between order statistics. Seconds. */
static double quantile(const struct series *series, const uint64_t *bins, double p, struct sorted_bin *sorted)
{
    const double h = (double)(series->n - 1) * p;
    const uint64_t rank = (uint64_t)h;
    const double low = rank_value(series, bins, rank, sorted);
    const double high = rank + 1 < series->n ? rank_value(series, bins, rank + 1, sorted) : low;
    return (low + (h - (double)rank) * (high - low)) / (double)SIMTIME_S;
}

struct quantities series_quantities(const struct series *series)
{
    struct quantities out = {.n = series->n};
    if (!series->n) {
        return out;
    }
    const double whole = (double)(uint64_t)(series->sum / series->n);
    const double rest = (double)(uint64_t)(series->sum % series->n) / (double)series->n;
    out.mean = (whole + rest) / (double)SIMTIME_S;
    out.max = simtime_to_s(series->max);
    uint64_t *counted = series->bins ? NULL : count_bins(series->values, series->n);
    const uint64_t *bins = series->bins ? series->bins : counted;
    struct sorted_bin sorted = {0};
    out.p50 = quantile(series, bins, 0.50, &sorted);
    out.p90 = quantile(series, bins, 0.90, &sorted);
    out.p95 = quantile(series, bins, 0.95, &sorted);
    out.p99 = quantile(series, bins, 0.99, &sorted);
    mem_free(sorted.values);
    mem_free(counted);
    return out;
}
