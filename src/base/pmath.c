#include "base/pmath.h"

#include <emmintrin.h>
#include <math.h>
#include <sleef.h>

double pmath_exp(double x)
{
    return Sleef_expd1_u10purec(x);
}

void pmath_exp_many(double *x, size_t n)
{
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        _mm_storeu_pd(x + i, Sleef_cinz_expd2_u10sse2(_mm_loadu_pd(x + i)));
    }
    if (i < n) {
        x[i] = pmath_exp(x[i]);
    }
}

double pmath_log(double x)
{
    return Sleef_logd1_u10purec(x);
}

double pmath_log_coarse(double x)
{
    return Sleef_logd1_u35purec(x);
}

double pmath_pow(double x, double y)
{
    return Sleef_powd1_u10purec(x, y);
}

/* Acklam's coefficients: central region |p - 0.5| <= 0.47575 as a ratio of quintics, tails in sqrt(-2 log p). */
static const double central_num[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                                     1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
static const double central_den[] = {-5.447609879822406e+01, 1.615858368580409e+02,  -1.556989798598866e+02,
                                     6.680131188771972e+01,  -1.328068155288572e+01, 1.0};
static const double tail_num[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                                  -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
static const double tail_den[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                                  3.754408661907416e+00, 1.0};

static double horner(const double *coefficients, int n, double x)
{
    double value = coefficients[0];
    for (int i = 1; i < n; i++) {
        value = value * x + coefficients[i];
    }
    return value;
}

double pmath_normal_quantile(double p)
{
    const double tail = 0.02425;
    if (p < tail || p > 1.0 - tail) {
        const double side = p < 0.5 ? p : 1.0 - p;
        const double q = sqrt(-2.0 * pmath_log(side));
        const double x = horner(tail_num, 6, q) / horner(tail_den, 5, q);
        return p < 0.5 ? x : -x;
    }
    const double q = p - 0.5;
    const double r = q * q;
    return horner(central_num, 6, r) * q / horner(central_den, 6, r);
}

double pmath_normal_cdf(double x)
{
    return 0.5 * Sleef_erfcd1_u15purec(x * -0.70710678118654752440);
}
