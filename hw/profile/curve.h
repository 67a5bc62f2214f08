/* A measured function of one variable: linear between points, constant below the first, and beyond the last the line
 * through the last two, never below 0. Blending in the logarithm instead is 9 to 14 % high between points a factor of
 * two apart.
 */
#ifndef ASIM_HW_PROFILE_CURVE_H
#define ASIM_HW_PROFILE_CURVE_H

#include <stdint.h>

struct curve {
    uint32_t n;      /* >= 1 */
    const double *x; /* ascending */
    const double *y;
};

/* Where a value lies on an axis: between points `low` and `low` + 1, `weight` of the way to the second. Below the first
 * point and on an axis of one point low and weight are 0; beyond the last two points the weight exceeds 1. */
struct bracket {
    uint32_t low;
    double weight;
};

static inline struct bracket bracket_find(const double *x, uint32_t n, double value)
{
    if (n == 1 || value <= x[0]) {
        return (struct bracket){0, 0.0};
    }
    uint32_t low = 0, high = n - 1; /* x[low] < value; the last piece goes on beyond its end */
    while (high - low > 1) {
        const uint32_t middle = (low + high) / 2;
        if (x[middle] <= value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (struct bracket){low, (value - x[low]) / (x[low + 1] - x[low])};
}

static inline double curve_at(const struct curve *curve, double x)
{
    const struct bracket b = bracket_find(curve->x, curve->n, x);
    if (b.weight == 0.0) {
        return curve->y[b.low];
    }
    const double y = curve->y[b.low] * (1.0 - b.weight) + curve->y[b.low + 1] * b.weight;
    return y > 0.0 ? y : 0.0;
}

#endif
