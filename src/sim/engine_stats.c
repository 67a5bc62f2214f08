#include "sim/engine_stats.h"

#include <time.h>

uint64_t engine_stats_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const char *window_rule_name(enum window_rule rule)
{
    static const char *const names[WINDOW_RULES] = {
        [WINDOW_INSTANCE] = "instance",   [WINDOW_TURN] = "turn",         [WINDOW_TELEMETRY] = "telemetry",
        [WINDOW_EXACT] = "exact",         [WINDOW_PROGRAMS] = "programs", [WINDOW_HORIZON] = "horizon",
        [WINDOW_RESIDENCY] = "residency", [WINDOW_STOP] = "stop"};
    return names[rule];
}

void engine_stats_add(struct engine_stats *stats, const struct window_cost *cost)
{
    stats->windows++;
    stats->serial_ns += cost->serial_ns;
    stats->routing_ns += cost->routing_ns;
    stats->work_ns += cost->work_ns;
    stats->span_ns += cost->longest_ns;
    for (uint32_t i = 0; i < STATS_THREAD_COUNTS; i++) {
        const uint64_t share = cost->work_ns >> i;
        stats->bounded_ns[i] += share > cost->longest_ns ? share : cost->longest_ns;
    }
    stats->allocations += cost->allocations;
    stats->windows_without += cost->allocations == 0;
    if (cost->allocations) {
        stats->last_allocation = stats->windows;
    }
}

static double ratio(uint64_t all, uint64_t least)
{
    return least ? (double)all / (double)least : 1.0;
}

double engine_stats_bound(const struct engine_stats *stats, uint32_t index)
{
    return ratio(stats->serial_ns + stats->work_ns, stats->serial_ns + stats->bounded_ns[index]);
}

double engine_stats_work_over_span(const struct engine_stats *stats)
{
    return ratio(stats->serial_ns + stats->work_ns, stats->serial_ns + stats->span_ns);
}
