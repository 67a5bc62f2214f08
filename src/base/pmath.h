/* Portable elementary functions: the same bits on every x86-64 processor.
 *
 * glibc's exp, log and pow choose FMA variants at run time and so differ between processors; these are SLEEF's
 * non-FMA scalar functions (1.0 ULP where nothing else is said). sqrt is exact by IEEE 754 and needs no wrapper.
 */
#ifndef ASIM_BASE_PMATH_H
#define ASIM_BASE_PMATH_H

#include <stddef.h>

double pmath_exp(double x);
double pmath_log(double x);
double pmath_log_coarse(double x); /* 3.5 ULP at a third of the price: for draws by the million */
double pmath_pow(double x, double y);

/* exp of each of n numbers, in place: the same bits as pmath_exp, two at a time. */
void pmath_exp_many(double *x, size_t n);

/* Quantile of the standard normal distribution, 0 < p < 1. Relative error below 1.2e-9 (P. J. Acklam's rational
 * approximation, 2003). */
double pmath_normal_quantile(double p);

/* Its distribution function, within 1.5 ULP of erfc. */
double pmath_normal_cdf(double x);

#endif
