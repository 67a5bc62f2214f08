/* Parts of src/pdes: the calendar beside a plain heap, mailboxes, and what a meeting of a team costs. */
#include "support/bench.h"

#include "base/heap.h"
#include "base/mem.h"
#include "base/pmath.h"
#include "base/rng.h"
#include "base/simtime.h"
#include "pdes/calendar.h"
#include "pdes/mailbox.h"
#include "pdes/team.h"

enum { PENDING = 100000, N_DELAYS = 1 << 16 };

/* How far ahead events are pushed: log-normal, median 1 s, 1 ms to 100 s. */
static simtime *new_delays(void)
{
    simtime *delays = mem_alloc(N_DELAYS * sizeof *delays);
    for (uint32_t i = 0; i < N_DELAYS; i++) {
        const double u = rng_uniform((struct rng_key){.seed = 1, .purpose = RNG_GAP}, i);
        const double seconds = pmath_exp(1.5 * pmath_normal_quantile(u));
        delays[i] = (simtime)((seconds < 1e-3 ? 1e-3 : seconds > 100.0 ? 100.0 : seconds) * (double)SIMTIME_S);
    }
    return delays;
}

/* Every event that is due in a window is pushed again behind it: events per second, and how many a window has. */
static void drain_calendar(struct bench_state *state, simtime window)
{
    simtime *delays = new_delays();
    struct calendar calendar;
    struct calendar_batch batch;
    calendar_init(&calendar);
    calendar_batch_init(&batch);
    uint64_t pushed = 0;
    for (; pushed < PENDING; pushed++) {
        calendar_push(&calendar, (struct calendar_entry){.time = delays[pushed % N_DELAYS], .tie = pushed});
    }
    simtime limit = 0;
    uint64_t n_windows = 0;
    uint64_t n_events = 0;
    const uint64_t warm_up = 2000000;
    while (n_events < warm_up || bench_next(state)) {
        for (uint64_t end = n_events + (n_events < warm_up ? warm_up : 100000); n_events < end; n_windows++) {
            limit += window;
            calendar_take(&calendar, limit, &batch);
            for (size_t i = 0; i < batch.n; i++, pushed++) {
                batch.entries[i].time = limit + delays[pushed % N_DELAYS];
                calendar_push(&calendar, batch.entries[i]);
            }
            n_events += batch.n;
        }
    }
    bench_counter(state, "events_per_window", (double)n_events / (double)n_windows);
    bench_rate(state, "events", (double)(n_events - warm_up));
    calendar_fini(&calendar);
    calendar_batch_fini(&batch);
    mem_free(delays);
}

static void calendar_100k_windows_1ms(struct bench_state *state)
{
    drain_calendar(state, SIMTIME_MS);
}
BENCH(calendar_100k_windows_1ms)

static void calendar_100k_windows_10ms(struct bench_state *state)
{
    drain_calendar(state, 10 * SIMTIME_MS);
}
BENCH(calendar_100k_windows_10ms)

static void calendar_100k_windows_100ms(struct bench_state *state)
{
    drain_calendar(state, 100 * SIMTIME_MS);
}
BENCH(calendar_100k_windows_100ms)

/* The same with base/heap; a window makes no difference to it. */
static void heap_100k_windows_10ms(struct bench_state *state)
{
    simtime *delays = new_delays();
    struct heap heap;
    heap_init(&heap);
    uint64_t pushed = 0;
    for (; pushed < PENDING; pushed++) {
        heap_push(&heap, (struct heap_entry){.key = delays[pushed % N_DELAYS], .tie = pushed});
    }
    simtime limit = 0;
    uint64_t n_events = 0;
    const uint64_t warm_up = 2000000;
    while (n_events < warm_up || bench_next(state)) {
        for (uint64_t end = n_events + (n_events < warm_up ? warm_up : 100000); n_events < end;) {
            limit += 10 * SIMTIME_MS;
            while (heap_top(&heap)->key < limit) {
                struct heap_entry entry = heap_pop(&heap);
                entry.key = limit + delays[pushed++ % N_DELAYS];
                heap_push(&heap, entry);
                n_events++;
            }
        }
    }
    bench_rate(state, "events", (double)(n_events - warm_up));
    heap_fini(&heap);
    mem_free(delays);
}
BENCH(heap_100k_windows_10ms)

enum { MEETINGS = 1000 };

static void meet_often(void *argument, uint32_t thread)
{
    for (uint32_t i = 0; i < MEETINGS; i++) {
        team_meet(argument, thread);
    }
}

/* Wall time is the figure here: a waiting thread may sleep. */
static void meet(struct bench_state *state, uint32_t n_threads, enum team_binding binding)
{
    struct team *team = team_create(n_threads, binding);
    while (bench_next(state)) {
        team_run(team, meet_often, team);
    }
    bench_items(state, MEETINGS);
    team_destroy(team);
}

static void team_1000_meetings_of_1(struct bench_state *state)
{
    meet(state, 1, TEAM_BIND_NONE);
}
BENCH(team_1000_meetings_of_1)

static void team_1000_meetings_of_2(struct bench_state *state)
{
    meet(state, 2, TEAM_BIND_NONE);
}
BENCH(team_1000_meetings_of_2)

static void team_1000_meetings_of_2_bound(struct bench_state *state)
{
    meet(state, 2, TEAM_BIND_CORES);
}
BENCH(team_1000_meetings_of_2_bound)

static void team_1000_meetings_of_4(struct bench_state *state)
{
    meet(state, 4, TEAM_BIND_NONE);
}
BENCH(team_1000_meetings_of_4)

static void add_up(void *argument, void *messages, size_t n)
{
    const uint64_t(*message)[4] = messages;
    uint64_t *sum = argument;
    for (size_t i = 0; i < n; i++) {
        *sum += message[i][0];
    }
}

/* A window of `n_parties`, walked by one thread: each takes what it was sent, and puts 4,096 messages of 32 bytes to
 * the parties in turn. Messages per second, put and taken. */
static void exchange(struct bench_state *state, uint32_t n_parties)
{
    enum { MESSAGES = 4096 };
    struct mailbox *box = mailbox_create(n_parties, sizeof(uint64_t[4]));
    uint64_t sum = 0;
    while (bench_next(state)) {
        for (uint32_t party = 0; party < n_parties; party++) {
            mailbox_take(box, party, add_up, &sum);
            for (uint64_t i = 0; i < MESSAGES; i++) {
                const uint64_t message[4] = {i};
                mailbox_put(box, party, (uint32_t)(i % n_parties), message);
            }
        }
    }
    bench_items(state, (int64_t)MESSAGES * n_parties);
    mailbox_destroy(box);
}

static void mailbox_2_parties(struct bench_state *state)
{
    exchange(state, 2);
}
BENCH(mailbox_2_parties)

static void mailbox_64_parties(struct bench_state *state)
{
    exchange(state, 64);
}
BENCH(mailbox_64_parties)
