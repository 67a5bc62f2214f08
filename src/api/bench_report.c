#include "api/bench_report.h"

#include <math.h>
#include <stdio.h>

struct bench_times bench_times(const struct bench_sample *samples, uint32_t n)
{
    struct bench_times times = {.least = INFINITY};
    for (uint32_t i = 0; i < n; i++) {
        times.mean += samples[i].wall_s / n;
        times.least = samples[i].wall_s < times.least ? samples[i].wall_s : times.least;
    }
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        const double off = samples[i].wall_s - times.mean;
        squares += off * off;
    }
    times.spread = n > 1 && times.mean > 0.0 ? sqrt(squares / (n - 1)) / times.mean : 0.0;
    return times;
}

static json_t *ratio(double above, double below)
{
    return below > 0.0 ? json_real(above / below) : json_null();
}

static json_t *wall(const struct bench_times *times)
{
    return json_pack("{s:f, s:f, s:f}", "mean_s", times->mean, "least_s", times->least, "spread_fraction",
                     times->spread);
}

/* A ratio of times `above` to those of the row, divided by `parts`. */
static json_t *ratios(const struct bench_times *above, const struct bench_times *below, double parts)
{
    return json_pack("{s:o, s:o}", "least", ratio(above->least, below->least * parts), "mean",
                     ratio(above->mean, below->mean * parts));
}

/* By the engine's own account, for this or the next larger number of threads that it has one for. */
static json_t *bound_of(const json_t *engine, uint32_t threads)
{
    if (!engine || threads == 1) {
        return engine ? json_real(1.0) : json_null();
    }
    uint32_t counted = 2;
    while (counted < threads) {
        counted *= 2;
    }
    char key[16];
    snprintf(key, sizeof key, "%u", counted);
    const json_t *bound = json_object_get(json_object_get(engine, "speed_up_bound"), key);
    return json_is_number(bound) ? json_real(json_number_value(bound)) : json_null();
}

static json_t *peak(const struct bench_sample *samples, uint32_t n)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < n; i++) {
        most = samples[i].peak_bytes > most ? samples[i].peak_bytes : most;
    }
    return most ? json_integer((json_int_t)most) : json_null();
}

static double mean_cpu(const struct bench_sample *samples, uint32_t n)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += samples[i].cpu_s / n;
    }
    return sum;
}

static double mean_setup(const struct bench_sample *samples, uint32_t n)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += samples[i].setup_s / n;
    }
    return sum;
}

/* One-thread runs side by side: what they took, how much more all of them did per second than one alone, and how many
 * times faster than one of them the run on as many threads was. */
static json_t *control(const struct bench_size *size, const struct bench_row *row, const struct bench_times *alone,
                       const struct bench_times *own)
{
    if (!row->control) {
        return json_null();
    }
    const struct bench_times times = bench_times(row->control, size->repeats);
    return json_pack("{s:o, s:f, s:o, s:o, s:o}", "wall", wall(&times), "cpu_s", mean_cpu(row->control, size->repeats),
                     "peak_bytes", peak(row->control, size->repeats), "machine_gives",
                     ratios(alone, &times, 1.0 / row->threads), "speed_up", ratios(&times, own, 1.0));
}

static json_t *row_report(const struct bench_size *size, const struct bench_row *row)
{
    const struct bench_times times = bench_times(row->samples, size->repeats);
    const struct bench_times alone = bench_times(size->rows[0].samples, size->repeats);
    const struct bench_work *work = &size->work;
    json_t *object = json_object();
    json_object_set_new(object, "threads", json_integer(row->threads));
    json_object_set_new(object, "wall", wall(&times));
    json_object_set_new(object, "setup_s", json_real(mean_setup(row->samples, size->repeats)));
    json_object_set_new(object, "cpu_s", json_real(mean_cpu(row->samples, size->repeats)));
    json_object_set_new(object, "peak_bytes", peak(row->samples, size->repeats));
    json_object_set_new(object, "events_per_s", ratio((double)work->events, times.mean));
    json_object_set_new(object, "steps_per_s", ratio((double)work->steps, times.mean));
    json_object_set_new(object, "turns_per_s", ratio((double)work->turns, times.mean));
    json_object_set_new(object, "programs_per_s", ratio((double)work->programs, times.mean));
    json_object_set_new(object, "speed_up", ratios(&alone, &times, 1.0));
    json_object_set_new(object, "efficiency", ratios(&alone, &times, row->threads));
    json_object_set_new(object, "speed_up_bound", bound_of(size->engine, row->threads));
    json_object_set_new(object, "control", control(size, row, &alone, &times));
    return object;
}

json_t *bench_size_report(const struct bench_size *size)
{
    const struct bench_work *work = &size->work;
    json_t *rows = json_array();
    for (size_t i = 0; i < size->n_rows; i++) {
        json_array_append_new(rows, row_report(size, &size->rows[i]));
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:o, s:o}", "digest", work->digest, "programs",
                     (json_int_t)work->programs, "turns", (json_int_t)work->turns, "steps", (json_int_t)work->steps,
                     "events", (json_int_t)work->events, "sim_time_s", work->sim_time_s, "runs", rows, "engine",
                     size->engine ? json_incref(size->engine) : json_null());
}
