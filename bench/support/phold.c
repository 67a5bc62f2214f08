#include "bench/support/phold.h"

#include "base/heap.h"
#include "base/mem.h"
#include "base/pmath.h"
#include "base/rng.h"
#include "base/simtime.h"
#include "pdes/bound.h"
#include "pdes/calendar.h"
#include "pdes/mailbox.h"
#include "pdes/team.h"

#include <assert.h>

/* Model time 1 is a second. */
static const simtime lookahead = SIMTIME_S / 10;
static const double mean_extra = (double)SIMTIME_S;
static const uint32_t remote_below = UINT32_C(1) << 30; /* of 2^32: a quarter */

struct process {
    uint64_t n_events; /* so far: the next draw */
    uint64_t history;  /* hash of the sequence of events */
};

struct event {
    simtime time;
    uint64_t tie; /* the process that made it and the number of the event there */
    uint32_t process;
};

static struct process *new_processes(const struct phold_options *options)
{
    return mem_zalloc(options->n_processes * sizeof(struct process));
}

/* Where an event comes from: the process that makes it, and the number of the event there. */
static inline uint64_t tie_of(uint32_t self, uint32_t number)
{
    return (uint64_t)self << 32 | number;
}

static inline void run_event(struct process *process, simtime time, uint64_t tie)
{
    process->history = (process->history ^ (uint64_t)time ^ tie) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t drawn_process(const struct phold_options *options, const struct rng_block *draw, uint32_t self)
{
    const uint32_t away = 1 + (uint32_t)((uint64_t)draw->words[1] * (options->n_processes - 1) >> 32);
    const uint32_t other = self + away < options->n_processes ? self + away : self + away - options->n_processes;
    return draw->words[0] < remote_below ? other : self;
}

static inline simtime drawn_delay(const struct rng_block *draw)
{
    const uint64_t bits = draw->words[2] | (uint64_t)draw->words[3] << 32;
    const double uniform = ((double)(bits >> 12) + 0.5) * 0x1p-52;
    return lookahead + (simtime)(-pmath_log_coarse(uniform) * mean_extra);
}

/* The event that a process makes at `now`. */
static struct event next_event(const struct phold_options *options, struct process *process, uint32_t self, simtime now)
{
    const uint32_t number = (uint32_t)process->n_events++;
    const struct rng_block draw =
        rng_block((struct rng_key){.seed = options->seed, .program = self, .turn = number}, 0);
    return (struct event){
        .time = now + drawn_delay(&draw), .tie = tie_of(self, number), .process = drawn_process(options, &draw, self)};
}

static void add_to_digest(struct digest *digest, uint32_t self, const struct process *process)
{
    const uint64_t record[] = {self, process->n_events, process->history};
    digest_add(digest, record, sizeof record);
}

struct phold_result phold_run_plain(const struct phold_options *options)
{
    struct process *processes = new_processes(options);
    struct heap heap;
    heap_init(&heap);
    for (uint32_t p = 0; p < options->n_processes; p++) {
        for (uint32_t i = 0; i < options->n_initial; i++) {
            const struct event event = next_event(options, &processes[p], p, 0);
            heap_push(&heap, (struct heap_entry){.key = event.time, .tie = event.tie, .payload = event.process});
        }
    }
    const simtime end = (simtime)(options->end * (double)SIMTIME_S);
    struct phold_result result = {0};
    while (heap_top(&heap) && heap_top(&heap)->key < end) {
        const struct heap_entry top = heap_pop(&heap);
        const uint32_t self = (uint32_t)top.payload;
        run_event(&processes[self], top.key, top.tie);
        const struct event event = next_event(options, &processes[self], self, top.key);
        heap_push(&heap, (struct heap_entry){.key = event.time, .tie = event.tie, .payload = event.process});
        result.n_events++;
    }
    for (uint32_t p = 0; p < options->n_processes; p++) {
        add_to_digest(&result.digest, p, &processes[p]);
    }
    heap_fini(&heap);
    mem_free(processes);
    return result;
}

struct simulation {
    const struct phold_options *options;
    simtime end;
    uint32_t n_threads;
    struct team *team;
    struct mailbox *box;
    struct bound_shares *shares;
    struct phold_result *results; /* by thread */
};

/* One thread's part: the processes first <= p < last. */
struct part {
    struct simulation *simulation;
    uint32_t thread;
    uint32_t first;
    uint32_t last;
    struct process *processes; /* from `first` on */
    struct calendar calendar;
    struct calendar_batch batch;
    simtime first_sent; /* earliest event sent to another thread since the last meeting */
    uint64_t n_remote;
};

static uint32_t first_of_thread(const struct simulation *simulation, uint32_t thread)
{
    return (uint32_t)((uint64_t)simulation->options->n_processes * thread / simulation->n_threads);
}

static uint32_t thread_of(const struct simulation *simulation, uint32_t process)
{
    uint32_t thread = (uint32_t)((uint64_t)process * simulation->n_threads / simulation->options->n_processes);
    while (process >= first_of_thread(simulation, thread + 1)) {
        thread++;
    }
    return thread;
}

static inline void schedule(struct part *part, struct event event)
{
    const struct calendar_entry entry = {.time = event.time, .tie = event.tie, .a = event.process};
    if (event.process >= part->first && event.process < part->last) {
        calendar_push(&part->calendar, entry);
        return;
    }
    mailbox_put(part->simulation->box, part->thread, thread_of(part->simulation, event.process), &entry);
    part->first_sent = event.time < part->first_sent ? event.time : part->first_sent;
    part->n_remote++;
}

static void receive(void *argument, void *messages, size_t n)
{
    struct part *part = argument;
    const struct calendar_entry *entries = messages;
    for (size_t i = 0; i < n; i++) {
        calendar_push(&part->calendar, entries[i]);
    }
}

static void init_part(struct part *part)
{
    const struct phold_options *options = part->simulation->options;
    part->processes = mem_zalloc((part->last - part->first) * sizeof *part->processes);
    calendar_init(&part->calendar);
    calendar_batch_init(&part->batch);
    for (uint32_t p = part->first; p < part->last; p++) {
        for (uint32_t i = 0; i < options->n_initial; i++) {
            schedule(part, next_event(options, &part->processes[p - part->first], p, 0));
        }
    }
}

/* Events of a window in groups, and each group in passes: draws are cheaper by the four, and the long chains of
 * operations of logarithms run side by side in one processor only when they lie close. */
static void run_window(struct part *part, simtime limit)
{
    enum { GROUP = 64 };
    const struct phold_options *options = part->simulation->options;
    calendar_take(&part->calendar, limit, &part->batch);
    for (size_t start = 0; start < part->batch.n; start += GROUP) {
        const struct calendar_entry *entries = part->batch.entries + start;
        const size_t n = part->batch.n - start < GROUP ? part->batch.n - start : GROUP;
        uint64_t selves[GROUP];
        uint32_t numbers[GROUP];
        struct rng_block draws[GROUP];
        simtime times[GROUP];
        for (size_t i = 0; i < n; i++) {
            struct process *process = &part->processes[entries[i].a - part->first];
            run_event(process, entries[i].time, entries[i].tie);
            selves[i] = entries[i].a;
            numbers[i] = (uint32_t)process->n_events++;
        }
        rng_blocks((struct rng_key){.seed = options->seed}, selves, numbers, n, 0, draws);
        for (size_t i = 0; i < n; i++) {
            times[i] = entries[i].time + drawn_delay(&draws[i]);
        }
        for (size_t i = 0; i < n; i++) {
            assert(times[i] >= limit);
            const uint32_t self = (uint32_t)selves[i];
            schedule(part, (struct event){.time = times[i],
                                          .tie = tie_of(self, numbers[i]),
                                          .process = drawn_process(options, &draws[i], self)});
        }
    }
}

/* A window ends one lookahead after the earliest event anywhere, in calendars or on its way: one meeting a window. */
static void run_part(void *argument, uint32_t thread)
{
    struct simulation *simulation = argument;
    struct part part = {.simulation = simulation,
                        .thread = thread,
                        .first = first_of_thread(simulation, thread),
                        .last = first_of_thread(simulation, thread + 1),
                        .first_sent = SIMTIME_NEVER};
    struct phold_result result = {0};
    init_part(&part);
    for (;;) {
        const simtime mine = calendar_first(&part.calendar);
        bound_share(simulation->shares, thread,
                    (struct bound){.time = mine < part.first_sent ? mine : part.first_sent, .rule = 0});
        team_meet(simulation->team, thread);
        const struct bound least = bound_least(simulation->shares, thread);
        mailbox_take(simulation->box, thread, receive, &part);
        if (least.time >= simulation->end) {
            break;
        }
        part.first_sent = SIMTIME_NEVER;
        const simtime limit = least.time + lookahead;
        run_window(&part, limit < simulation->end ? limit : simulation->end);
        result.n_events += part.batch.n;
        result.n_windows++;
    }
    for (uint32_t p = part.first; p < part.last; p++) {
        add_to_digest(&result.digest, p, &part.processes[p - part.first]);
    }
    result.n_remote = part.n_remote;
    simulation->results[thread] = result;
    calendar_fini(&part.calendar);
    calendar_batch_fini(&part.batch);
    mem_free(part.processes);
}

struct phold_result phold_run(const struct phold_options *options)
{
    struct simulation simulation = {.options = options, .end = (simtime)(options->end * (double)SIMTIME_S)};
    simulation.team = team_create(options->n_threads, TEAM_BIND_NONE);
    simulation.n_threads = team_size(simulation.team);
    simulation.box = mailbox_create(simulation.n_threads, sizeof(struct calendar_entry));
    simulation.shares = bound_shares_create(simulation.n_threads);
    simulation.results = mem_zalloc(simulation.n_threads * sizeof *simulation.results);
    team_run(simulation.team, run_part, &simulation);
    struct phold_result total = {.n_windows = simulation.results[0].n_windows};
    for (uint32_t i = 0; i < simulation.n_threads; i++) {
        total.n_events += simulation.results[i].n_events;
        total.n_remote += simulation.results[i].n_remote;
        digest_merge(&total.digest, &simulation.results[i].digest);
    }
    mem_free(simulation.results);
    bound_shares_destroy(simulation.shares);
    mailbox_destroy(simulation.box);
    team_destroy(simulation.team);
    return total;
}
