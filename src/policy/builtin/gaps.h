/* What retention policies learn of gaps, by tool, in state of a fixed size.
 *
 * Tools are in a memory table of TOOL_ENTRIES; where there are more, those not met for longest are learned anew. Each
 * policy keeps one of the statistics below for each tool. No tool at all is a tool, too: a program's own pause.
 */
#ifndef ASIM_POLICY_BUILTIN_GAPS_H
#define ASIM_POLICY_BUILTIN_GAPS_H

#include "policy/builtin/memory_table.h"

enum { TOOL_SETS = 8, TOOL_ENTRIES = TOOL_SETS * MEMORY_WAYS };

/* The mean of all values so far. */
struct running_mean {
    double sum;
    uint64_t n;
};

static inline void running_mean_add(struct running_mean *mean, double value)
{
    mean->sum += value;
    mean->n++;
}

static inline double running_mean_or(const struct running_mean *mean, double otherwise)
{
    return mean->n ? mean->sum / (double)mean->n : otherwise;
}

/* A mean in which each value counts 1 - `weight` of what it did at the next one; the first value starts it. */
struct moving_mean {
    double value;
    uint64_t n;
};

static inline void moving_mean_add(struct moving_mean *mean, double value, double weight)
{
    mean->value = mean->n ? mean->value + weight * (value - mean->value) : value;
    mean->n++;
}

static inline double moving_mean_or(const struct moving_mean *mean, double otherwise)
{
    return mean->n ? mean->value : otherwise;
}

/* The mean gap of each tool (ps), of either kind. A tool that is not known has the mean `otherwise`. */
struct running_means {
    struct running_means_entry {
        struct memory_key key;
        struct running_mean gap;
    } tools[TOOL_ENTRIES];
};

struct moving_means {
    struct moving_means_entry {
        struct memory_key key;
        struct moving_mean gap;
    } tools[TOOL_ENTRIES];
};

void running_means_add(struct running_means *means, uint32_t tool, asim_time gap, asim_time now);
double running_means_or(struct running_means *means, uint32_t tool, double otherwise);
void moving_means_add(struct moving_means *means, uint32_t tool, asim_time gap, double weight, asim_time now);
double moving_means_or(struct moving_means *means, uint32_t tool, double otherwise);

/* Parameters that policies with such means have. */
#define GAP_WEIGHT                                                                                                     \
    {                                                                                                                  \
        .name = "weight", .help = "of a gap in its tool's moving mean", .kind = ASIM_NUMBER, .value = 0.3,             \
        .min = 0.001, .max = 1.0                                                                                       \
    }
#define GAP_DEFAULT                                                                                                    \
    {                                                                                                                  \
        .name = "default_gap", .help = "of a tool while none has been seen", .kind = ASIM_DURATION,                    \
        .value = 1.0 * ASIM_SECOND, .min = 0, .max = 1e6 * ASIM_SECOND                                                 \
    }

/* Moments of the logarithms of gaps, in s: of all alike (weight 0), or such that earlier ones fade by `weight`. Gaps
 * below a microsecond count as one. */
struct log_normal {
    double mean, variance;
    uint64_t n;
};

void log_normal_add(struct log_normal *fit, asim_time gap, double weight);

/* The gap (ps) that `quantile` of all gaps do not exceed; 0 < quantile < 1, n > 0. */
double log_normal_quantile(const struct log_normal *fit, double quantile);

/* The distribution of the last GAP_WINDOW gaps. Microseconds, rounded up; above GAP_MOST as if they were it. */
enum { GAP_WINDOW = 256 };
#define GAP_MOST UINT32_MAX

struct gap_window {
    uint32_t n;    /* gaps seen, the forgotten ones included; stops at GAP_MOST */
    uint32_t next; /* place in `latest` */
    uint32_t latest[GAP_WINDOW];
    uint32_t sorted[GAP_WINDOW];
};

void gap_window_add(struct gap_window *window, asim_time gap);

static inline uint32_t gap_window_size(const struct gap_window *window)
{
    return window->n < GAP_WINDOW ? window->n : GAP_WINDOW;
}

/* The time to live (ps) that earns most: it is the argmax, over 0 and the gaps seen, of the share of gaps within it
 * times `benefit` (ps) less itself; of equals the shortest. */
double gap_window_best(const struct gap_window *window, double benefit);

#endif
