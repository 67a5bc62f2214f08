#include "workload/arrivals.h"

#include "base/distribution.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

struct recorded {
    simtime time;
    uint64_t program;
};

static int compare_recorded(const void *a, const void *b)
{
    const struct recorded *left = a;
    const struct recorded *right = b;
    if (left->time != right->time) {
        return left->time < right->time ? -1 : 1;
    }
    return left->program < right->program ? -1 : 1;
}

/* Where the workload knows the order, only the first arrival is looked at. */
static void take_origin(struct arrivals *arrivals)
{
    struct arrival_cursor cursor = {0};
    uint64_t program;
    if (!workload_next_arrival(arrivals->workload, &cursor, &program, &arrivals->origin)) {
        arrivals->n_programs = 0; /* the file is not sound */
    }
}

/* Programs by (time, id). Nothing is kept where the workload is in that order already. */
static void order_recorded(struct arrivals *arrivals)
{
    const uint64_t n = arrivals->n_programs;
    struct recorded *all = mem_alloc(n * sizeof *all);
    bool in_order = true;
    for (uint64_t i = 0; i < n; i++) {
        all[i] = (struct recorded){.time = workload_arrival(arrivals->workload, i), .program = i};
        in_order = in_order && (i == 0 || all[i - 1].time <= all[i].time);
    }
    if (!in_order) {
        qsort(all, n, sizeof *all, compare_recorded);
        arrivals->order = mem_alloc(n * sizeof *arrivals->order);
        for (uint64_t i = 0; i < n; i++) {
            arrivals->order[i] = all[i].program;
        }
    }
    arrivals->origin = n ? all[0].time : 0;
    mem_free(all);
}

void arrivals_init(struct arrivals *arrivals, const struct workload *workload, const struct arrivals_options *options)
{
    *arrivals = (struct arrivals){
        .options = *options, .workload = workload, .n_programs = workload_stats(workload)->n_programs};
    if (options->process == ARRIVALS_RECORDED) {
        assert(workload_stats(workload)->has_arrivals);
        if (workload_has_arrival_order(workload)) {
            take_origin(arrivals);
        } else {
            order_recorded(arrivals);
        }
    }
    assert(options->process != ARRIVALS_POISSON || options->rate > 0.0);
    if (options->process == ARRIVALS_POISSON) {
        arrivals->drawn = mem_alloc(ARRIVALS_AHEAD * sizeof *arrivals->drawn);
        for (uint32_t i = 0; i < ARRIVALS_AHEAD; i++) {
            arrivals->drawn[i] = -1;
        }
    }
}

void arrivals_fini(struct arrivals *arrivals)
{
    mem_free(arrivals->order);
    mem_free(arrivals->drawn);
    *arrivals = (struct arrivals){0};
}

/* An exponential time, drawn with the program's own key; at most SIMTIME_LIMIT. */
static simtime draw_interval(const struct arrivals *arrivals, uint64_t program)
{
    const struct rng_key key = {.seed = arrivals->options.seed, .program = program, .purpose = RNG_ARRIVAL};
    const struct distribution gap = {.kind = DISTRIBUTION_EXPONENTIAL, .a = 1.0 / arrivals->options.rate};
    simtime duration;
    return simtime_from_s(distribution_sample(&gap, rng_uniform(key, 0)), &duration) && duration < SIMTIME_LIMIT
               ? duration
               : SIMTIME_LIMIT;
}

void arrivals_draw(const struct arrivals *arrivals, uint64_t program)
{
    if (arrivals->drawn) {
        assert(program < arrivals->next && arrivals->next <= program + ARRIVALS_AHEAD);
        arrivals->drawn[program % ARRIVALS_AHEAD] = draw_interval(arrivals, program + ARRIVALS_AHEAD);
    }
}

/* The first program arrives at time zero, each later one an interval after the one before. Times end at SIMTIME_LIMIT,
 * the longest span a workload may have. */
static simtime next_poisson(const struct arrivals *arrivals)
{
    if (arrivals->next == 0) {
        return 0;
    }
    simtime *drawn = &arrivals->drawn[arrivals->next % ARRIVALS_AHEAD];
    const simtime interval = *drawn >= 0 ? *drawn : draw_interval(arrivals, arrivals->next);
    *drawn = -1;
    return interval > SIMTIME_LIMIT - arrivals->last ? SIMTIME_LIMIT : arrivals->last + interval;
}

static bool next_recorded(struct arrivals *arrivals, uint64_t *program, simtime *time)
{
    if (workload_has_arrival_order(arrivals->workload)) {
        if (!workload_next_arrival(arrivals->workload, &arrivals->cursor, program, time)) {
            return false;
        }
        *time -= arrivals->origin;
        return true;
    }
    *program = arrivals->order ? arrivals->order[arrivals->next] : arrivals->next;
    *time = workload_arrival(arrivals->workload, *program) - arrivals->origin;
    return true;
}

bool arrivals_next(struct arrivals *arrivals, uint64_t *program, simtime *time)
{
    if (arrivals->next == arrivals->n_programs || arrivals->options.process == ARRIVALS_CLOSED) {
        return false;
    }
    *program = arrivals->next;
    switch (arrivals->options.process) {
    case ARRIVALS_RECORDED:
        if (!next_recorded(arrivals, program, time)) {
            arrivals->n_programs = arrivals->next; /* the rest of the file is not sound */
            return false;
        }
        break;
    case ARRIVALS_POISSON:
        *time = next_poisson(arrivals);
        break;
    case ARRIVALS_ZERO:
    case ARRIVALS_CLOSED:
        *time = 0;
        break;
    }
    arrivals->last = *time;
    arrivals->next++;
    return true;
}

void arrivals_save(const struct arrivals *arrivals, struct store_writer *writer)
{
    store_put_u64(writer, arrivals->next);
    store_put_i64(writer, arrivals->last);
    store_put_u64(writer, arrivals->cursor.position);
    store_put_u8(writer, arrivals->cursor.has_last);
    store_put_i64(writer, arrivals->cursor.time);
    store_put_u64(writer, arrivals->cursor.program);
}

/* Recorded: the time of the last arrival is known from the workload. */
static bool is_recorded(const struct arrivals *arrivals, uint64_t next, simtime last,
                        const struct arrival_cursor *cursor)
{
    if (arrivals->options.process != ARRIVALS_RECORDED || next == 0) {
        return true;
    }
    if (workload_has_arrival_order(arrivals->workload)) {
        return cursor->has_last && cursor->time - arrivals->origin == last;
    }
    const uint64_t program = arrivals->order ? arrivals->order[next - 1] : next - 1;
    return workload_arrival(arrivals->workload, program) - arrivals->origin == last;
}

bool arrivals_load(struct arrivals *arrivals, struct store_reader *reader)
{
    const uint64_t next = store_get_u64(reader);
    const simtime last = store_get_i64(reader);
    struct arrival_cursor cursor;
    cursor.position = store_get_u64(reader);
    cursor.has_last = store_get_u8(reader) != 0;
    cursor.time = store_get_i64(reader);
    cursor.program = store_get_u64(reader);
    if (next > arrivals->n_programs || last < 0 || last > SIMTIME_LIMIT || cursor.time < 0 ||
        !is_recorded(arrivals, next, last, &cursor)) {
        store_refuse(reader, "%" PRIu64 " programs of %" PRIu64 " have come, the last at %" PRId64 " ps", next,
                     arrivals->n_programs, last);
        return false;
    }
    arrivals->next = next;
    arrivals->last = last;
    arrivals->cursor = cursor;
    return !store_failed(reader);
}
