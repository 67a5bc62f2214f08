#include "api/engine_report.h"

static json_t *seconds(uint64_t ns)
{
    return json_real((double)ns * 1e-9);
}

static double fraction(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0.0;
}

static json_t *lookahead(const struct engine_stats *stats)
{
    json_t *rules = json_object();
    for (int rule = 0; rule < WINDOW_RULES; rule++) {
        json_object_set_new(rules, window_rule_name((enum window_rule)rule),
                            json_integer((json_int_t)stats->closed_by[rule]));
    }
    json_t *object = json_object();
    if (stats->lookaheads) {
        const double sum = (double)stats->lookahead_sum / (double)SIMTIME_S;
        json_object_set_new(object, "mean_s", json_real(sum / (double)stats->lookaheads));
        json_object_set_new(object, "least_s", json_real(simtime_to_s(stats->lookahead_least)));
    }
    json_object_set_new(object, "windows_closed_by", rules);
    return object;
}

static json_t *speed_up(const struct engine_stats *stats)
{
    json_t *bounds = json_object();
    for (uint32_t i = 1; i < STATS_THREAD_COUNTS; i++) {
        char threads[16];
        snprintf(threads, sizeof threads, "%u", 1u << i);
        json_object_set_new(bounds, threads, json_real(engine_stats_bound(stats, i)));
    }
    return bounds;
}

json_t *engine_report(const struct engine_stats *stats)
{
    json_t *object = json_object();
    const double windows = stats->windows ? (double)stats->windows : 1.0;
    json_object_set_new(object, "threads", json_integer(stats->threads));
    json_object_set_new(object, "windows", json_integer((json_int_t)stats->windows));
    json_object_set_new(object, "lookahead", lookahead(stats));
    json_object_set_new(object, "turns_per_window", json_real((double)stats->turns_routed / windows));
    json_object_set_new(object, "instances_per_window", json_real((double)stats->instances_touched / windows));
    json_object_set_new(object, "events", json_integer((json_int_t)stats->events));
    json_object_set_new(object, "steps", json_integer((json_int_t)stats->steps));
    json_object_set_new(object, "fast_forwarded_steps", json_integer((json_int_t)stats->fast_forwarded));
    json_object_set_new(object, "instructions_per_step",
                        stats->instructions && stats->steps
                            ? json_real((double)stats->instructions / (double)stats->steps)
                            : json_null());
    json_object_set_new(object, "wall_s", seconds(stats->wall_ns));
    json_object_set_new(object, "work_s", seconds(stats->work_ns));
    json_object_set_new(object, "span_s", seconds(stats->span_ns));
    json_object_set_new(object, "serial_s", seconds(stats->serial_ns));
    json_object_set_new(object, "routing_s", seconds(stats->routing_ns));
    json_object_set_new(object, "routing_share",
                        json_real(fraction(stats->routing_ns, stats->serial_ns + stats->work_ns)));
    json_object_set_new(object, "wait_s", seconds(stats->wait_ns));
    json_object_set_new(object, "speed_up_bound", speed_up(stats));
    json_object_set_new(object, "work_over_span", json_real(engine_stats_work_over_span(stats)));
    json_object_set_new(object, "allocations", json_integer((json_int_t)stats->allocations));
    json_object_set_new(object, "windows_without_allocation", json_integer((json_int_t)stats->windows_without));
    json_object_set_new(object, "last_window_with_allocation", json_integer((json_int_t)stats->last_allocation));
    return object;
}
