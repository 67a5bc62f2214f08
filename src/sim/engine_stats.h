/* What the parallel engine observes of itself. Facts of one execution: times vary, counts do not depend on the threads.
 *
 * Work is the time of the threads in their part of windows, span the longest single task of each window, after the
 * serial part: the visit of the instance that had the most to do, or preparing some programs. On T threads a window
 * cannot take less than its serial part and the larger of span and work / T; the sums over windows bound the speed-up
 * on any number of threads.
 */
#ifndef ASIM_SIM_ENGINE_STATS_H
#define ASIM_SIM_ENGINE_STATS_H

#include "base/simtime.h"

#include <stdint.h>

/* What closed a window. */
enum window_rule {
    WINDOW_INSTANCE,  /* a turn at an instance may end, and its program's next turn be ready */
    WINDOW_TURN,      /* the same of a turn routed in the window */
    WINDOW_TELEMETRY, /* a decision needs a snapshot of the instances */
    WINDOW_EXACT,     /* the router sees exact states: a dispatch latency at a time */
    WINDOW_PROGRAMS,  /* the next programs are not prepared yet */
    WINDOW_HORIZON,   /* nothing is known before it, or the longest window allowed */
    WINDOW_RESIDENCY, /* the residency of KV is asked for */
    WINDOW_STOP,      /* the end of the run */
    WINDOW_RULES,
};

const char *window_rule_name(enum window_rule rule);

/* Numbers of threads that the speed-up is bounded for: 1, 2, 4, ... */
enum { STATS_THREAD_COUNTS = 11 };

struct engine_stats {
    uint64_t windows;
    uint64_t closed_by[WINDOW_RULES];
    unsigned __int128 lookahead_sum; /* lengths of windows */
    simtime lookahead_least;         /* of those that move time */
    uint64_t lookaheads;             /* windows of a finite length above 0 */
    uint64_t instances_touched;
    uint64_t turns_routed;
    uint64_t serial_ns;                       /* opening windows */
    uint64_t routing_ns;                      /* of that, routing turns */
    uint64_t work_ns;                         /* in all threads */
    uint64_t span_ns;                         /* sum of the longest task of each window */
    uint64_t bounded_ns[STATS_THREAD_COUNTS]; /* sum over windows of max(span, work / threads) */
    uint64_t wait_ns;                         /* of all threads at meetings */
    uint64_t allocations;                     /* calls for memory while the windows ran */
    uint64_t windows_without;                 /* a call for memory */
    uint64_t last_allocation;                 /* number of the last window with one */
    uint64_t instructions;                    /* in user space; 0: the processor does not tell */
    uint64_t steps;                           /* of all instances here */
    uint64_t fast_forwarded;
    uint64_t events;
    uint64_t wall_ns;
    uint32_t threads;
};

/* What one window cost. */
struct window_cost {
    uint64_t serial_ns, routing_ns;
    uint64_t work_ns;    /* in all threads */
    uint64_t longest_ns; /* task */
    uint64_t allocations;
};

/* Nanoseconds of a monotonic clock. */
uint64_t engine_stats_clock(void);

void engine_stats_add(struct engine_stats *stats, const struct window_cost *cost);

/* How many times faster than on one thread it can be on `threads` = 2^index, by the sums over windows. */
double engine_stats_bound(const struct engine_stats *stats, uint32_t index);

/* The same on any number of threads. */
double engine_stats_work_over_span(const struct engine_stats *stats);

#endif
