#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "metrics/series.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* R: quantile(c(1,2,3,4,10), c(.5,.9,.95,.99), type=7) = 3, 7.6, 8.8, 9.76 */
static void type_7_of_five_values(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 4, 10};
    assert_true(quantile_sorted(values, 5, 0) == 1);
    assert_true(quantile_sorted(values, 5, 0.5) == 3);
    assert_true(fabs(quantile_sorted(values, 5, 0.9) - 7.6) < 1e-12);
    assert_true(fabs(quantile_sorted(values, 5, 0.99) - 9.76) < 1e-12);
    assert_true(quantile_sorted(values, 5, 1) == 10);
    assert_true(quantile_sorted(values, 1, 0.99) == 1);

    struct series series;
    series_init(&series, 100);
    const int order[] = {3, 0, 4, 1, 2};
    for (int i = 0; i < 5; i++) {
        series_add(&series, (simtime)values[order[i]] * SIMTIME_S);
    }
    const struct quantities q = series_quantities(&series);
    assert_int_equal(q.n, 5);
    assert_true(q.mean == 4 && q.p50 == 3 && q.max == 10);
    assert_true(fabs(q.p90 - 7.6) < 1e-12 && fabs(q.p95 - 8.8) < 1e-12 && fabs(q.p99 - 9.76) < 1e-12);
    series_fini(&series);
}

static void empty_and_single(void **state)
{
    (void)state;
    struct series series;
    series_init(&series, 100);
    struct quantities q = series_quantities(&series);
    assert_int_equal(q.n, 0);
    series_add(&series, 7);
    q = series_quantities(&series);
    assert_true(q.mean == 7e-12 && q.p50 == 7e-12 && q.p99 == 7e-12 && q.max == 7e-12);
    series_fini(&series);
}

/* Values of 0 ps to 100 days, spread over all magnitudes, with many duplicates among the small ones. */
static simtime sample(uint32_t i)
{
    const uint64_t bits = rng_u64((struct rng_key){.seed = 5}, i);
    return (simtime)((bits % (uint64_t)SIMTIME_LIMIT) >> (bits >> 58));
}

enum { N = 20000 };

static double *sorted_seconds(uint32_t n)
{
    double *values = mem_alloc(n * sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        values[i] = (double)sample(i);
    }
    qsort(values, n, sizeof *values, compare_doubles);
    return values;
}

static void check_against_sorting(uint32_t n)
{
    double *values = sorted_seconds(n);
    struct series series;
    series_init(&series, N);
    for (uint32_t i = 0; i < n; i++) {
        series_add(&series, sample(i));
    }
    assert_false(series_sketched(&series));
    const struct quantities q = series_quantities(&series);
    assert_true(q.p50 == quantile_sorted(values, n, 0.50) / (double)SIMTIME_S);
    assert_true(q.p90 == quantile_sorted(values, n, 0.90) / (double)SIMTIME_S);
    assert_true(q.p95 == quantile_sorted(values, n, 0.95) / (double)SIMTIME_S);
    assert_true(q.p99 == quantile_sorted(values, n, 0.99) / (double)SIMTIME_S);
    assert_true(q.max == values[n - 1] / (double)SIMTIME_S);
    series_fini(&series);
    mem_free(values);
}

/* Few values are sorted; selection through bins gives exactly what sorting everything gives. */
static void exact_equals_sorting(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 3, 100, 101, 4095, 4096, 4097, 4098, N};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_against_sorting(sizes[i]);
    }
}

/* Values that all lie in one bin (near 100 ms, where a bin is 2^26 ps wide), many of them equal. */
static void one_crowded_bin(void **state)
{
    (void)state;
    double *values = mem_alloc(N * sizeof *values);
    struct series series;
    series_init(&series, N);
    for (uint32_t i = 0; i < N; i++) {
        const uint64_t bits = rng_u64((struct rng_key){.seed = 6}, i);
        const simtime value = INT64_C(1490) * (INT64_C(1) << 26) + (i % 3 ? (simtime)(bits % (1 << 26)) : 12345678);
        series_add(&series, value);
        values[i] = (double)value;
    }
    qsort(values, N, sizeof *values, compare_doubles);
    const struct quantities q = series_quantities(&series);
    assert_true(q.p50 == quantile_sorted(values, N, 0.50) / (double)SIMTIME_S);
    assert_true(q.p90 == quantile_sorted(values, N, 0.90) / (double)SIMTIME_S);
    assert_true(q.p99 == quantile_sorted(values, N, 0.99) / (double)SIMTIME_S);
    series_fini(&series);
    mem_free(values);
}

/* Beyond the limit percentiles are within a bin (0.1 %); mean and maximum stay the same bits; order never matters. */
static void sketch_is_close_and_order_free(void **state)
{
    (void)state;
    double *values = sorted_seconds(N);
    struct series exact, forward, backward;
    series_init(&exact, N);
    series_init(&forward, 1000);
    series_init(&backward, 1000);
    for (uint32_t i = 0; i < N; i++) {
        series_add(&exact, sample(i));
        series_add(&forward, sample(i));
        series_add(&backward, sample(N - 1 - i));
    }
    assert_true(series_sketched(&forward));
    const struct quantities e = series_quantities(&exact);
    const struct quantities f = series_quantities(&forward);
    const struct quantities b = series_quantities(&backward);
    assert_memory_equal(&f, &b, sizeof f);
    assert_true(f.mean == e.mean && f.max == e.max && f.n == e.n);
    assert_true(f.p50 != e.p50); /* it is a sketch */
    assert_true(fabs(f.p50 - e.p50) <= 1e-3 * e.p50);
    assert_true(fabs(f.p90 - e.p90) <= 1e-3 * e.p90);
    assert_true(fabs(f.p95 - e.p95) <= 1e-3 * e.p95);
    assert_true(fabs(f.p99 - e.p99) <= 1e-3 * e.p99);
    series_fini(&exact);
    series_fini(&forward);
    series_fini(&backward);
    mem_free(values);
}

/* At both sides of every power of two, a sketch of one repeated value gives it back to within half a bin,
 * which there is a 4,096th of the value. */
static void bins_hold_their_values(void **state)
{
    (void)state;
    for (int bit = 0; bit < 63; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            const simtime value = (simtime)((INT64_C(1) << bit) + delta);
            struct series series;
            series_init(&series, 0);
            series_add(&series, value);
            const double got = series_quantities(&series).p50 * (double)SIMTIME_S;
            assert_true(fabs(got - (double)value) <= (double)value / 4095 + 1e-6);
            series_fini(&series);
        }
    }
}

/* Many values within two neighbouring bins, and one value a hundred thousand times: chunks, and digits below a bin. */
static void many_values_in_few_bins(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    double *values = mem_alloc(MANY * sizeof *values);
    for (int equal = 0; equal < 2; equal++) {
        struct series series;
        series_init(&series, MANY);
        for (uint32_t i = 0; i < MANY; i++) {
            const uint64_t bits = rng_u64((struct rng_key){.seed = 7}, i);
            simtime value = (INT64_C(1) << 45) + (simtime)(bits % (INT64_C(1) << 36));
            if (equal && i % 2) {
                value = (INT64_C(1) << 45) + 77;
            }
            series_add(&series, value);
            values[i] = (double)value;
        }
        assert_false(series_sketched(&series));
        qsort(values, MANY, sizeof *values, compare_doubles);
        const struct quantities q = series_quantities(&series);
        assert_true(q.p50 == quantile_sorted(values, MANY, 0.50) / (double)SIMTIME_S);
        assert_true(q.p90 == quantile_sorted(values, MANY, 0.90) / (double)SIMTIME_S);
        assert_true(q.p95 == quantile_sorted(values, MANY, 0.95) / (double)SIMTIME_S);
        assert_true(q.p99 == quantile_sorted(values, MANY, 0.99) / (double)SIMTIME_S);
        series_fini(&series);
    }
    mem_free(values);
}

/* Sums beyond 64 bits. */
static void mean_of_large_values(void **state)
{
    (void)state;
    struct series series;
    series_init(&series, 10);
    for (int i = 0; i < 40; i++) {
        series_add(&series, SIMTIME_LIMIT - (i % 2));
    }
    assert_true(fabs(series_quantities(&series).mean - 8640000.0) < 1e-6);
    series_fini(&series);
}

/* A run of values is what its values are one by one, whatever bins it spans. */
static void runs_are_their_values(void **state)
{
    (void)state;
    struct series whole;
    struct series single;
    series_init(&whole, 0);
    series_init(&single, 0);
    for (uint32_t i = 0; i < 4000; i++) {
        const uint64_t bits = rng_u64((struct rng_key){.seed = 7}, i);
        const simtime first = (simtime)(bits % (uint64_t)SIMTIME_S) >> (bits >> 59);
        const simtime growth = (simtime)(bits >> 20 & 0xffffff) >> (bits >> 12 & 31);
        const uint32_t n = 1 + (uint32_t)(bits >> 44 & 127);
        const uint64_t times = 1 + (bits >> 51 & 31);
        series_add_run(&whole, first, growth, n, times);
        for (uint32_t k = 0; k < n; k++) {
            for (uint64_t again = 0; again < times; again++) {
                series_add(&single, first + growth * k);
            }
        }
    }
    assert_int_equal(whole.n, single.n);
    assert_true(whole.sum == single.sum && whole.max == single.max);
    assert_memory_equal(whole.bins, single.bins, N_BINS * sizeof *whole.bins);
    series_fini(&whole);
    series_fini(&single);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_7_of_five_values),          cmocka_unit_test(empty_and_single),
        cmocka_unit_test(exact_equals_sorting),           cmocka_unit_test(one_crowded_bin),
        cmocka_unit_test(sketch_is_close_and_order_free), cmocka_unit_test(bins_hold_their_values),
        cmocka_unit_test(mean_of_large_values),           cmocka_unit_test(many_values_in_few_bins),
        cmocka_unit_test(runs_are_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
