#include "metrics/series.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

/* Up to so many exact values are sorted whole: cheaper than clearing and walking the bins. */
enum { FEW_VALUES = 4096 };

/* Order statistics of a series. What the last one found is kept: the next is often in the same bin, or after it. */
struct order {
    const struct series *series;
    const uint64_t *bins; /* NULL: `values` are all, sorted */
    uint32_t bin;         /* found last */
    uint64_t before;      /* values in the bins before it */
    simtime *values;      /* exact values of bin `sorted_bin`, sorted */
    uint32_t sorted_bin;
};

/* Makes order->bin the bin of the order statistic `rank` (from 0). */
static void find_bin(struct order *order, uint64_t rank)
{
    if (rank < order->before) {
        order->bin = 0;
        order->before = 0;
    }
    while (order->before + order->bins[order->bin] <= rank) {
        order->before += order->bins[order->bin++];
        assert(order->bin < N_BINS);
    }
}

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

static void sort_bin(struct order *order)
{
    const struct series *series = order->series;
    const uint32_t bin = order->bin;
    const uint64_t n = order->bins[bin];
    mem_free(order->values);
    order->sorted_bin = bin;
    order->values = mem_alloc(n * sizeof *order->values);
    uint64_t filled = 0;
    for (uint64_t i = 0; filled < n; i++) {
        if (bin_of(series->values[i]) == bin) {
            order->values[filled++] = series->values[i];
        }
    }
    const uint32_t width_bits = bin < 2 * SUB_BINS ? 0 : (bin >> SUB_BITS) - 1;
    order->values = radix_sort(order->values, n, width_bits);
}

/* The order statistic `rank` among exact values: only the bin that holds it is sorted. */
static double exact_rank(struct order *order, uint64_t rank)
{
    find_bin(order, rank);
    if (!order->values || order->sorted_bin != order->bin) {
        sort_bin(order);
    }
    return (double)order->values[rank - order->before];
}

/* The order statistic `rank` as if the values of a bin were spread evenly over it. */
static double sketched_rank(struct order *order, uint64_t rank)
{
    find_bin(order, rank);
    const uint32_t bin = order->bin;
    if (bin < 2 * SUB_BINS) {
        return bin;
    }
    const double part = ((double)(rank - order->before) + 0.5) / (double)order->bins[bin];
    const double value = bin_low(bin) + bin_width(bin) * part;
    return value < (double)order->series->max ? value : (double)order->series->max;
}

static double rank_value(struct order *order, uint64_t rank)
{
    if (!order->bins) {
        return (double)order->values[rank];
    }
    return series_sketched(order->series) ? sketched_rank(order, rank) : exact_rank(order, rank);
}

/* R type 7: linear interpolation at (n - 1) p between order statistics. Seconds. */
static double quantile(struct order *order, double p)
{
    const uint64_t n = order->series->n;
    const double h = (double)(n - 1) * p;
    const uint64_t rank = (uint64_t)h;
    const double low = rank_value(order, rank);
    const double high = rank + 1 < n ? rank_value(order, rank + 1) : low;
    return (low + (h - (double)rank) * (high - low)) / (double)SIMTIME_S;
}

static int by_value(const void *left, const void *right)
{
    const simtime a = *(const simtime *)left;
    const simtime b = *(const simtime *)right;
    return (a > b) - (a < b);
}

static simtime *sort_few(const struct series *series)
{
    simtime *values = mem_alloc(series->n * sizeof *values);
    memcpy(values, series->values, series->n * sizeof *values);
    qsort(values, series->n, sizeof *values, by_value);
    return values;
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
    struct order order = {.series = series, .bins = series->bins};
    uint64_t *counted = NULL;
    if (!series->bins && series->n <= FEW_VALUES) {
        order.values = sort_few(series);
    } else if (!series->bins) {
        order.bins = counted = count_bins(series->values, series->n);
    }
    out.p50 = quantile(&order, 0.50);
    out.p90 = quantile(&order, 0.90);
    out.p95 = quantile(&order, 0.95);
    out.p99 = quantile(&order, 0.99);
    mem_free(order.values);
    mem_free(counted);
    return out;
}
