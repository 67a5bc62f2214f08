#include "policy/builtin/gaps.h"

#include "base/pmath.h"

#include <math.h>

/* ---- log-normal ---- */

void running_means_add(struct running_means *means, uint32_t tool, asim_time gap, asim_time now)
{
    struct running_means_entry *entry = memory_take(means->tools, TOOL_SETS, sizeof *entry, tool, now);
    running_mean_add(&entry->gap, (double)gap);
}

double running_means_or(struct running_means *means, uint32_t tool, double otherwise)
{
    const struct running_means_entry *entry = memory_find(means->tools, TOOL_SETS, sizeof *entry, tool);
    return entry ? running_mean_or(&entry->gap, otherwise) : otherwise;
}

void moving_means_add(struct moving_means *means, uint32_t tool, asim_time gap, double weight, asim_time now)
{
    struct moving_means_entry *entry = memory_take(means->tools, TOOL_SETS, sizeof *entry, tool, now);
    moving_mean_add(&entry->gap, (double)gap, weight);
}

double moving_means_or(struct moving_means *means, uint32_t tool, double otherwise)
{
    const struct moving_means_entry *entry = memory_find(means->tools, TOOL_SETS, sizeof *entry, tool);
    return entry ? moving_mean_or(&entry->gap, otherwise) : otherwise;
}

void log_normal_add(struct log_normal *fit, asim_time gap, double weight)
{
    const double seconds = (double)(gap > ASIM_MICROSECOND ? gap : ASIM_MICROSECOND) / (double)ASIM_SECOND;
    const double value = pmath_log(seconds);
    const double share = weight > 0.0 && fit->n ? weight : 1.0 / (double)(fit->n + 1);
    const double distance = value - fit->mean;
    fit->mean += share * distance;
    fit->variance = (1.0 - share) * (fit->variance + share * distance * distance);
    fit->n++;
}

double log_normal_quantile(const struct log_normal *fit, double quantile)
{
    const double deviation = sqrt(fit->variance);
    return pmath_exp(fit->mean + deviation * pmath_normal_quantile(quantile)) * (double)ASIM_SECOND;
}

/* ---- window ---- */

/* The first place in sorted[0..n) whose gap is not below `gap`. */
static uint32_t place_of(const struct gap_window *window, uint32_t n, uint32_t gap)
{
    uint32_t low = 0;
    uint32_t high = n;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (window->sorted[middle] < gap) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void gap_window_add(struct gap_window *window, asim_time gap)
{
    const asim_time rounded = gap > 0 ? (gap - 1) / ASIM_MICROSECOND + 1 : 0;
    const uint32_t value = rounded < GAP_MOST ? (uint32_t)rounded : GAP_MOST;
    uint32_t n = gap_window_size(window);
    const uint32_t next = window->next % GAP_WINDOW; /* a window out of a damaged file may say anything */
    if (n == GAP_WINDOW) {                           /* the oldest goes */
        const uint32_t found = place_of(window, n, window->latest[next]);
        const uint32_t oldest = found < n ? found : n - 1;
        memmove(&window->sorted[oldest], &window->sorted[oldest + 1], (--n - oldest) * sizeof window->sorted[0]);
    }
    const uint32_t place = place_of(window, n, value);
    memmove(&window->sorted[place + 1], &window->sorted[place], (n - place) * sizeof window->sorted[0]);
    window->sorted[place] = value;
    window->latest[next] = value;
    window->next = (next + 1) % GAP_WINDOW;
    window->n += window->n < GAP_MOST;
}

double gap_window_best(const struct gap_window *window, double benefit)
{
    const uint32_t n = gap_window_size(window);
    double best = 0.0;
    double best_value = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        const double time_to_live = (double)window->sorted[i] * (double)ASIM_MICROSECOND;
        const double value = (double)(i + 1) / (double)n * benefit - time_to_live;
        if (value > best_value) {
            best_value = value;
            best = time_to_live;
        }
    }
    return best;
}
