#include "support/support.h"

#include "base/pmath.h"

#include <math.h>
#include <string.h>

static int64_t bits_of(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Distance in units of the last place, for numbers of one sign. */
static int64_t ulps(double a, double b)
{
    const int64_t distance = bits_of(a) - bits_of(b);
    return distance < 0 ? -distance : distance;
}

/* Within 1 ULP of the truth (3.5 the coarse one), so within 2 (4) of a libm that is. */
static void agrees_with_libm(void **state)
{
    (void)state;
    for (int i = -700; i <= 700; i++) {
        const double x = i + 0.37 * (i % 3);
        assert_true(ulps(pmath_exp(x), exp(x)) <= 2);
    }
    for (int i = 1; i <= 2000; i++) {
        const double x = i * 0.731e-3 * (i % 7 == 0 ? 1e9 : 1.0);
        assert_true(ulps(pmath_log(x), log(x)) <= 2);
        assert_true(ulps(pmath_log_coarse(x), log(x)) <= 4);
        assert_true(ulps(pmath_pow(x, 1.7), pow(x, 1.7)) <= 2);
    }
}

/* The bits themselves: what every x86-64 processor must give, since they go into digests. */
static void gives_the_same_bits_everywhere(void **state)
{
    (void)state;
    assert_true(pmath_exp(1.0) == 0x1.5bf0a8b14576ap+1);
    assert_true(pmath_exp(-13.7) == 0x1.2d4ded4836777p-20);
    assert_true(pmath_log(3.0) == 0x1.193ea7aad030bp+0);
    assert_true(pmath_log(0.925) == -0x1.3f5499ef549f9p-4);
    assert_true(pmath_log_coarse(0.3) == -0x1.34378fcbda72p+0);
    assert_true(pmath_log_coarse(0.925) == -0x1.3f5499ef549fap-4);
    assert_true(pmath_pow(1.1, 20.5) == 0x1.c3933bffd2383p+2);
    assert_true(pmath_normal_quantile(0.3) == -0x1.0c7e395d14936p-1);
    assert_true(pmath_normal_quantile(0.001) == -0x1.8b8cbb6ee2822p+1);
}

static void special_values(void **state)
{
    (void)state;
    assert_true(pmath_exp(0.0) == 1.0);
    assert_true(pmath_log(1.0) == 0.0);
    assert_true(pmath_exp(-1000.0) == 0.0);
    assert_true(isinf(pmath_exp(1000.0)));
    assert_true(isinf(pmath_log(0.0)));
    assert_true(pmath_log_coarse(1.0) == 0.0);
    assert_true(isinf(pmath_log_coarse(0.0)));
    assert_true(pmath_pow(2.0, 10.0) == 1024.0);
    assert_true(pmath_pow(5.0, 0.0) == 1.0);
}

/* Quantiles that tables give, central and in both tails, to the stated relative error. */
static void quantiles_of_the_normal(void **state)
{
    (void)state;
    static const double table[][2] = {
        {0.5, 0.0},
        {0.6, 0.2533471031357997},
        {0.9, 1.2815515655446004},
        {0.975, 1.959963984540054},
        {0.99, 2.3263478740408408},
        {0.999, 3.090232306167813},
        {1e-6, -4.753424308822899},
        {1e-15, -7.941345326170998},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const double x = pmath_normal_quantile(table[i][0]);
        assert_true(fabs(x - table[i][1]) <= 1.3e-9 * fabs(table[i][1]) + 1e-15);
    }
}

static void quantiles_are_monotone_and_odd(void **state)
{
    (void)state;
    double last = pmath_normal_quantile(1e-9);
    for (int i = 1; i < 4096; i++) {
        const double p = i / 4096.0;
        const double x = pmath_normal_quantile(p);
        assert_true(x > last);
        assert_true(fabs(x + pmath_normal_quantile(1.0 - p)) < 1e-12);
        last = x;
    }
}

/* Two at a time gives the bits of one at a time: over the range, at its ends, and for an odd number of them. */
static void many_exponentials_are_the_same_bits(void **state)
{
    (void)state;
    static const double ends[] = {0.0,    -0.0,    1.0,       -1000.0, 1000.0,  INFINITY, -INFINITY,
                                  709.78, -745.13, 0x1p-1074, 709.79,  -708.40, 1e300,    -1e300};
    enum { N = 1 << 20, N_ENDS = sizeof ends / sizeof *ends };
    double x[5];
    for (int i = 0; i < N; i++) {
        double many[5];
        const int n = 1 + i % 5;
        for (int j = 0; j < n; j++) {
            const double part = fmod((i * 5 + j) * 0.6180339887498949, 1.0);
            x[j] = i < N_ENDS ? ends[(i + j) % N_ENDS] : i % 2 ? 40.0 * part - 20.0 : 1500.0 * part - 750.0;
            many[j] = x[j];
        }
        pmath_exp_many(many, (size_t)n);
        for (int j = 0; j < n; j++) {
            assert_int_equal(bits_of(many[j]), bits_of(pmath_exp(x[j])));
        }
    }
}

static void distribution_function_of_the_normal(void **state)
{
    (void)state;
    assert_true(pmath_normal_cdf(0.0) == 0.5);
    assert_true(pmath_normal_cdf(-INFINITY) == 0.0 && pmath_normal_cdf(INFINITY) == 1.0);
    for (int i = 1; i < 1000; i++) {
        const double x = (i - 500) * 0.013;
        assert_true(fabs(pmath_normal_cdf(x) - 0.5 * erfc(-x * sqrt(0.5))) < 1e-15);
        assert_true(fabs(pmath_normal_cdf(pmath_normal_quantile(i / 1000.0)) - i / 1000.0) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_libm),
        cmocka_unit_test(gives_the_same_bits_everywhere),
        cmocka_unit_test(special_values),
        cmocka_unit_test(quantiles_of_the_normal),
        cmocka_unit_test(quantiles_are_monotone_and_odd),
        cmocka_unit_test(many_exponentials_are_the_same_bits),
        cmocka_unit_test(distribution_function_of_the_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
