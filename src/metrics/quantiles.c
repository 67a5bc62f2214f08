#include "metrics/recorder.h"

#include <assert.h>

double quantile_sorted(const double *values, uint64_t n, double p)
{
    assert(n >= 1 && p >= 0 && p <= 1);
    const double h = (double)(n - 1) * p;
    const uint64_t rank = (uint64_t)h;
    if (rank + 1 >= n) {
        return values[n - 1];
    }
    return values[rank] + (h - (double)rank) * (values[rank + 1] - values[rank]);
}
