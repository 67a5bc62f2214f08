#include "metrics/series.h"

#include "base/mem.h"
#include "metrics/selection.h"

#include <stdlib.h>
#include <string.h>

void series_init(struct series *series, uint64_t exact_limit)
{
    *series = (struct series){.exact_limit = exact_limit};
    if (!exact_limit) {
        series_sketch(series);
    }
}

static void free_chunks(struct series *series)
{
    while (series->chunks) {
        struct series_chunk *chunk = series->chunks;
        series->chunks = chunk->next;
        mem_free(chunk);
    }
}

void series_fini(struct series *series)
{
    free_chunks(series);
    mem_free(series->bins);
    *series = (struct series){0};
}

static uint64_t *count_bins(const struct series *series)
{
    uint64_t *bins = mem_zalloc(N_BINS * sizeof *bins);
    for (const struct series_chunk *chunk = series->chunks; chunk; chunk = chunk->next) {
        for (uint64_t i = 0; i < chunk->n; i++) {
            bins[bin_of(chunk->values[i])]++;
        }
    }
    return bins;
}

void series_sketch(struct series *series)
{
    if (!series->bins) {
        series->bins = count_bins(series);
        free_chunks(series);
    }
}

void series_keep(struct series *series, simtime value)
{
    if (series->n >= series->exact_limit) {
        series_sketch(series);
    }
    if (series->bins) {
        series->bins[bin_of(value)]++;
        return;
    }
    struct series_chunk *chunk = mem_alloc(sizeof *chunk);
    chunk->next = series->chunks;
    chunk->n = 1;
    chunk->values[0] = value;
    series->chunks = chunk;
}

void series_spread_run(struct series *series, simtime first, simtime growth, uint32_t n, uint64_t times)
{
    for (uint64_t counted = 0; counted < n;) {
        const simtime value = first + growth * (simtime)counted;
        const uint64_t last = (uint64_t)value | ((UINT64_C(1) << bin_bits_at(value)) - 1); /* of its bin */
        uint64_t within = (last - (uint64_t)first) / (uint64_t)growth + 1;
        within = within < n ? within : n;
        series->bins[bin_of(value)] += (within - counted) * times;
        counted = within;
    }
}

void series_merge(struct series *into, struct series *from)
{
    assert(into->exact_limit == from->exact_limit);
    if (into->bins || from->bins || into->n + from->n > into->exact_limit) {
        series_sketch(into);
        series_sketch(from);
        for (uint32_t bin = 0; bin < N_BINS; bin++) {
            into->bins[bin] += from->bins[bin];
        }
    } else {
        struct series_chunk **end = &into->chunks;
        while (*end) {
            end = &(*end)->next;
        }
        *end = from->chunks;
        from->chunks = NULL;
    }
    into->n += from->n;
    into->sum += from->sum;
    into->max = from->max > into->max ? from->max : into->max;
    const uint64_t limit = from->exact_limit;
    series_fini(from);
    series_init(from, limit);
}

/* The quantiles of a summary, in ascending order. */
enum { QUANTILES = 4 };
static const double quantiles[QUANTILES] = {0.50, 0.90, 0.95, 0.99};

/* Up to so many exact values are sorted whole: cheaper than clearing and walking the bins. */
enum { FEW_VALUES = 4096 };

/* The order statistics that the quantiles lie between: that of quantile i and the one after it, if there is one. */
static void list_ranks(uint64_t n, uint64_t ranks[2 * QUANTILES])
{
    for (int i = 0; i < QUANTILES; i++) {
        const uint64_t rank = (uint64_t)((double)(n - 1) * quantiles[i]);
        ranks[2 * i] = rank;
        ranks[2 * i + 1] = rank + 1 < n ? rank + 1 : rank;
    }
}

/* The order statistics of a histogram, as if the values of a bin were spread evenly over it. */
static void sketched_values(const struct series *series, const uint64_t *ranks, double *out)
{
    uint32_t bin = 0;
    uint64_t before = 0;
    for (int i = 0; i < 2 * QUANTILES; i++) {
        if (ranks[i] < before) { /* of few values, the one after a quantile may lie above the next quantile */
            bin = 0;
            before = 0;
        }
        while (before + series->bins[bin] <= ranks[i]) {
            before += series->bins[bin++];
            assert(bin < N_BINS);
        }
        if (bin < 2 * SUB_BINS) {
            out[i] = bin;
            continue;
        }
        const double part = ((double)(ranks[i] - before) + 0.5) / (double)series->bins[bin];
        const double value = bin_low(bin) + bin_width(bin) * part;
        out[i] = value < (double)series->max ? value : (double)series->max;
    }
}

static int by_value(const void *left, const void *right)
{
    const simtime a = *(const simtime *)left;
    const simtime b = *(const simtime *)right;
    return (a > b) - (a < b);
}

static void few_values(const struct series *series, const uint64_t *ranks, double *out)
{
    simtime *values = mem_alloc(series->n * sizeof *values);
    uint64_t n = 0;
    for (const struct series_chunk *chunk = series->chunks; chunk; chunk = chunk->next) {
        memcpy(values + n, chunk->values, chunk->n * sizeof *values);
        n += chunk->n;
    }
    assert(n == series->n);
    qsort(values, n, sizeof *values, by_value);
    for (int i = 0; i < 2 * QUANTILES; i++) {
        out[i] = (double)values[ranks[i]];
    }
    mem_free(values);
}

/* One pass counts all values by bin, a second one gathers those of the bins that hold the wanted ranks. */
static void exact_values(const struct series *series, const uint64_t *ranks, double *out)
{
    uint64_t *bins = count_bins(series);
    unsigned char *group_of = mem_zalloc(N_BINS);
    struct selection selection;
    selection_plan(&selection, bins, N_BINS, ranks, 2 * QUANTILES, group_of);
    for (const struct series_chunk *chunk = series->chunks; chunk; chunk = chunk->next) {
        for (uint64_t i = 0; i < chunk->n; i++) {
            const unsigned char group = group_of[bin_of(chunk->values[i])];
            if (group) {
                selection_gather(&selection, group, chunk->values[i]);
            }
        }
    }
    simtime values[2 * QUANTILES];
    for (uint32_t group = 0; group < selection.n_groups; group++) {
        selection_finish(&selection, group, bin_bits(selection.groups[group].digit), values);
    }
    for (int i = 0; i < 2 * QUANTILES; i++) {
        out[i] = (double)values[i];
    }
    mem_free(group_of);
    mem_free(bins);
}

/* R type 7: linear interpolation at (n - 1) p between order statistics. Seconds. */
static double quantile(const struct series *series, const uint64_t *ranks, const double *values, int i)
{
    const double h = (double)(series->n - 1) * quantiles[i];
    const double low = values[2 * i];
    const double high = values[2 * i + 1];
    return (low + (h - (double)ranks[2 * i]) * (high - low)) / (double)SIMTIME_S;
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
    uint64_t ranks[2 * QUANTILES];
    double values[2 * QUANTILES];
    list_ranks(series->n, ranks);
    if (series_sketched(series)) {
        sketched_values(series, ranks, values);
    } else if (series->n <= FEW_VALUES) {
        few_values(series, ranks, values);
    } else {
        exact_values(series, ranks, values);
    }
    out.p50 = quantile(series, ranks, values, 0);
    out.p90 = quantile(series, ranks, values, 1);
    out.p95 = quantile(series, ranks, values, 2);
    out.p99 = quantile(series, ranks, values, 3);
    return out;
}
