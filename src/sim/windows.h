/* The inside of the parallel engine, shared by the window_*.c files and run_windows.c:
 *
 *   run_windows.c     starts the team, and its threads walk from window to window
 *   window_open.c     serial: where the window ends, routing up to there, what the threads are to do
 *   window_tick.c     serial: what the router's policy hears of ends, its ticks, and what it orders
 *   window_line.c     serial: programs in line, and clients of a closed loop
 *   window_gather.c   serial: what the threads and the other ranks found
 *   window_homes.c    parallel: turns that surely go home, kept with the instance
 *   window_sure.c     serial: which turns surely go home, and what of them decisions must count
 *   window_turns.c    parallel: record turns that ended, keep those that follow, take what is due
 *   window_advance.c  parallel: deliver, advance; serial: the same for instances that were left behind
 *   window_work.c     parallel: which instances are visited, one after another in line
 *
 * Homes. Most turns follow one at the instance that the policy sends them to again: their home. Where the policy says
 * when that is sure (router.h), such a turn stays with its instance, and is delivered there by who works on it, without
 * passing through the router one by one. Decisions about others count those that went home before them when they look
 * at the instance. Turns of instances whose turns are not all sure to come home are routed, as all are with other
 * policies.
 *
 * Where programs are chains that start by themselves, what an instance sets off is a turn with its home there, and a
 * window may go on after that is ready: it is delivered in the same visit. The window then ends before so many of them
 * can have come that one of them might not go home (homes_limit). A decision that looks at an instance which may have
 * set off turns before it has the instance advanced first (windows_advance_early).
 *
 * Ranks. The instances may be shared out over several processes. Each routes all turns, by the same views and in the
 * same order; it works on its own instances alone, and owns the programs whose turn is there or in a gap after it. A
 * program goes to another rank with its turn.
 */
#ifndef ASIM_SIM_WINDOWS_H
#define ASIM_SIM_WINDOWS_H

#include "base/heap.h"
#include "base/mem.h"
#include "pdes/calendar.h"
#include "pdes/team.h"
#include "pdes/transport.h"
#include "sim/checkpoint.h"
#include "sim/run_windows.h"

#include <stdatomic.h>

enum { WINDOWS_CACHE_LINE = 64, NO_DISPATCH = UINT32_MAX };

/* A turn that could not be made ready, for a message. */
struct late_turn {
    simtime time; /* of the end before it */
    uint64_t key;
    uint32_t slot;
    uint32_t turn;
    bool any;
};

/* Of two late turns, whether a is to be reported: b may be none. */
static inline bool late_turn_before(const struct late_turn *a, const struct late_turn *b)
{
    return a->any && (!b->any || a->time < b->time || (a->time == b->time && a->key < b->key));
}

/* A growing array of ready turns: calendar entries of time, key, place and service. */
struct due {
    struct calendar_entry *entries;
    size_t n;
    size_t capacity;
};

static inline void due_reserve(struct due *due, size_t n)
{
    due->entries = mem_grow(due->entries, &due->capacity, n, sizeof *due->entries);
}

/* Instances some of whose turns may not go home. */
struct unsure_homes {
    uint32_t *items;
    size_t n;
    size_t capacity;
};

/* The ready turns whose home is an instance. A visit touches the near ones, which are few unless many are due in a
 * period, and the heap of the others once in some periods. */
enum { FEW_NEAR = 6, NEAR_HERE = 12 };

struct home {
    _Alignas(WINDOWS_CACHE_LINE) struct heap_entry *near; /* before near_until, in order */
    size_t near_capacity;
    simtime near_until;
    simtime first_later; /* in the heap, or SIMTIME_NEVER */
    uint32_t n_near;
    uint32_t n_due;     /* the first so many are ready before the next telemetry instant, */
    uint32_t counted;   /* the first so many of these are counted by the router, */
    uint32_t delivered; /* and the first so many of these delivered */
    struct heap later;
    struct heap_entry few[NEAR_HERE];
};

/* Of an instance: its turns whose effect may come before a telemetry instant, and whether all surely go home. */
struct returns {
    simtime before; /* that instant */
    uint32_t n;
    bool quick;  /* some programs there may return twice by then */
    bool unsure; /* some may not: it is in a list of those */
};

/* The place of a program in progress: its slot on its rank, and its home. */
enum { PLACE_HOME_BITS = 20, PLACE_NO_HOME = (1 << PLACE_HOME_BITS) - 1 };

static inline uint64_t place_pack(uint32_t rank, uint32_t home, uint32_t slot)
{
    const uint64_t packed = home == NO_HOME ? PLACE_NO_HOME : home;
    return ((uint64_t)rank << PLACE_HOME_BITS | packed) << 32 | slot;
}

static inline uint32_t place_rank(uint64_t place)
{
    return (uint32_t)(place >> (32 + PLACE_HOME_BITS));
}

static inline uint32_t place_home(uint64_t place)
{
    const uint32_t home = (uint32_t)(place >> 32) & PLACE_NO_HOME;
    return home == PLACE_NO_HOME ? NO_HOME : home;
}

/* What a thread owns. */
struct lane {
    _Alignas(WINDOWS_CACHE_LINE) struct calendar ready; /* turns that are ready at or after the horizon */
    struct due due;                                     /* before the horizon, in order */
    size_t due_next;                                    /* the first one that is not gathered yet */
    struct due fresh;                                   /* before the horizon, as they came in this window */
    struct due scratch;
    struct calendar_batch taken; /* from the calendar, for the next window */
    struct recorder *recorder;
    struct series *gaps; /* of the recorder */
    uint32_t *freed;     /* slots of programs that are over */
    size_t n_freed, freed_capacity;
    struct heap_entry *clients; /* closed loop: (time, client) of clients that became free */
    size_t n_clients, clients_capacity;
    struct state_change *changes; /* exact view: of the states of instances */
    size_t n_changes, changes_capacity;
    uint64_t due_at_home, sent_home; /* turns that became due and were sent home in this window */
    struct unsure_homes unsure;      /* found in this window */
    struct late_turn late;
    struct gateway_end *told; /* ends that the router's policy is to hear of */
    size_t n_told, told_capacity;
    struct gateway_turn *unserved; /* turns that instances gave back */
    size_t n_unserved, unserved_capacity;
    struct partition **order; /* those at home here, in the order of claiming */
    uint32_t n_order;
    _Alignas(WINDOWS_CACHE_LINE) atomic_uint next_partition;
    bool has_fault;                  /* a policy inside an instance answered nonsense */
    uint64_t ends;                   /* turns that ended in this window */
    uint64_t touched;                /* instances */
    uint64_t work_ns, allocations;   /* in this window; measured only */
    uint64_t most_to_do, longest_ns; /* of the visit that had the most to do */
    uint64_t prepare_ns;             /* of a batch of programs */
};

/* A program in line that has a slot. */
struct upcoming {
    struct next_program program;
    uint32_t slot;
    enum prepared outcome; /* once it is prepared, */
    uint32_t roots;        /* turns that it starts with, */
    simtime service;       /* and of its first turn */
};

/* A turn on its way to an instance, in a list per instance. It is delivered when the instance is advanced next, which
 * may be some windows later: until then only its times are looked at. */
struct dispatch {
    uint32_t slot;
    uint32_t next;
    uint32_t client;
    uint32_t kv_blocks; /* of its prompt, whose KV comes with it */
    simtime arrival;
    uint64_t key;
    simtime effect; /* bound */
    simtime start;  /* of a program that starts with it, for `client`; -1: it has started */
};

/* A program that changes ranks with a turn routed in this window. */
struct migrant {
    uint32_t from, to; /* ranks */
    uint32_t slot;     /* on `from` */
    uint32_t dispatch; /* on `to` */
};

/* What is known of an instance without touching it: nothing happens there from `since` until `until`. */
struct quiet {
    simtime since; /* advanced to here */
    simtime until; /* its next event */
    struct load_snapshot state;
};

/* Instances that are claimed together. */
struct partition {
    uint32_t first, n;
    simtime effect;   /* least bound of theirs */
    uint64_t cost;    /* turns that ended in the last windows, halved with each */
    uint32_t pending; /* instances in a thread's line, and 1 while more may line up */
    bool has_dispatches;
    simtime until;        /* homes: nothing happens at its instances before, */
    simtime since;        /* after here, */
    bool observed;        /* and the router has seen them as they are since; */
    simtime ready;        /* the first turn there that is ready after the window */
    uint64_t outstanding; /* in the last snapshots */
    uint32_t coming;      /* the most turns that are due in the period at one of those worked on */
    uint32_t peak;        /* the most turns that may then be outstanding at one of them in the period */
};

/* The tasks of a window, claimed one by one: batches of programs to prepare, then partitions: a thread's own, whose
 * memory is near it, then those that others have not come to. */
enum { PREPARE_BATCH = 2 };

/* Where a window ends: before the turn `key` that is ready at `time`. */
struct window_end {
    simtime time;
    uint64_t key;
    enum window_rule rule;
};

static inline bool window_has(const struct window_end *end, simtime time, uint64_t key)
{
    return time < end->time || (time == end->time && key < end->key);
}

static inline void window_close(struct window_end *end, simtime time, uint64_t key, enum window_rule rule)
{
    if (window_has(end, time, key)) {
        *end = (struct window_end){.time = time, .key = key, .rule = rule};
    }
}

static inline simtime window_later(simtime time, simtime duration)
{
    return time < SIMTIME_NEVER - duration ? time + duration : SIMTIME_NEVER;
}

struct windows {
    struct cluster *cluster;
    struct team *team;
    struct transport *transport;
    struct diag *diag;
    run_pulse pulse;
    void *user;
    struct engine_stats *stats;      /* NULL: not measured */
    struct checkpoints *checkpoints; /* NULL: none */
    struct gateway *gateway;         /* NULL: the router's policy neither hears of ends nor ticks */
    struct window_cost cost;         /* of the present window */
    bool closed;                     /* loop */
    bool sees_instances;             /* the routing policy looks at the views, */
    bool exact;                      /* which are exact */
    bool homing;                     /* turns that surely go home are kept there, */
    bool local;                      /* and delivered in the window that they are set off in */
    simtime period;                  /* of telemetry */

    struct lane *lanes;
    uint32_t n_lanes;

    /* Serial between windows. */
    struct heap clients; /* closed loop: free clients by (time, client) */
    struct next_program next;
    bool has_next;
    struct upcoming *upcoming; /* ring */
    uint32_t upcoming_first, n_upcoming, n_prepared;
    struct due known; /* turns of all ranks that are ready in the window, and those left from the last, in order */
    size_t known_next;
    struct due gathered, scratch;
    struct state_change *changes; /* exact view: of all ranks, in order of time */
    size_t n_changes, next_change, changes_capacity;
    struct migrant *migrants;
    size_t n_migrants, migrant_capacity;
    struct program_state *states; /* of those that leave */
    size_t state_capacity;
    struct transport_parts parts;
    struct unsure_homes unsure;
    uint64_t due_at_home; /* turns that are due in the period and have not been counted by the router */
    simtime first_effect, first_known, first_event; /* over all ranks */
    struct window_end end;                          /* of the present window */
    struct window_end cut; /* no instance passes it: the end of the run, or an instant that residency is asked for */
    uint64_t window;       /* number of the present window */
    bool done, failed, stopped;

    /* Read by all threads while they work. */
    simtime advance_to;   /* instances are advanced to here */
    simtime touch_before; /* those with an earlier bound */
    bool touch_all;       /* and all of them */
    bool resolving;       /* no turn may come of those that are not touched, sure or not */
    bool deliver_all;     /* no dispatch is left for a later window */
    simtime instant;      /* of snapshots to take, or -1 */
    simtime horizon;      /* turns ready before it are due */
    simtime next_horizon; /* of the next window */
    simtime home_horizon; /* the next telemetry instant after the window */
    uint32_t home_most;   /* outstanding turns at an open home up to which turns surely go there */
    simtime resolved;     /* all turns that are ready up to here are known */
    simtime return_time; /* between two turns of a program that are ready, at the least, with nothing after the first */
    uint32_t n_prepare_tasks;
    _Alignas(WINDOWS_CACHE_LINE) atomic_uint next_prepare;

    /* By instance; written by who works on the instance, and while a window is opened. */
    _Alignas(WINDOWS_CACHE_LINE) simtime *effects; /* bound of the next one */
    struct quiet *quiet;
    uint32_t *first_dispatch, *last_dispatch;
    struct load_snapshot *snapshots;
    struct home *homes;
    uint32_t *coming_home;  /* turns that are due in the period and not counted */
    simtime *ready_at_home; /* no turn there is ready before it and not delivered */
    struct returns *returns;
    struct dispatch *dispatches;
    size_t n_dispatches, dispatch_capacity;

    struct partition *partitions; /* of this rank */
    struct partition **order;     /* the lanes' orders, one after another */
    uint32_t n_partitions;
};

/* Of an instance of this rank. */
static inline struct partition *windows_partition(const struct windows *windows, uint32_t index)
{
    const struct cluster *cluster = windows->cluster;
    return &windows->partitions[(index - cluster->first_instance) / cluster->settings.partition];
}

/* ---- window_open.c ---- */

/* Before the first window: sets windows->cut. */
void windows_set_cut(struct windows *windows);

/* Closes the last window and opens the next; sets windows->done after the last one. */
void windows_open(void *windows);

/* Up to where instances may be advanced when the turns that are ready before `end` are known. */
simtime windows_reach(const struct windows *windows, simtime end);
/* Exact view: the router sees what a decision at `now` sees. */
void windows_see_changes(struct windows *windows, simtime now);

/* Of a turn that is sent at `now`, its program has started; and it is on its way to an instance. */
struct dispatch windows_dispatch(const struct windows *windows, uint32_t slot, uint64_t key, simtime service,
                                 simtime now);
void windows_add_dispatch(struct windows *windows, uint32_t instance, const struct dispatch *dispatch);

/* Times are lowered to that of something that happens at an instance, and to that of its effect. */
void windows_expect(struct windows *windows, uint32_t instance, simtime event, simtime effect);

/* ---- window_tick.c: where windows->gateway ---- */

/* What the threads left for it; then, where the last window ended at a telemetry instant, the policy hears of it. */
void tick_gather(struct windows *windows);

/* The first turn that is back, or with exact views the first tick, which has key 0; SIMTIME_NEVER: neither. */
simtime tick_next(const struct windows *windows, uint64_t *key);

/* The next instant at which the gateway does something. */
simtime tick_first(const struct windows *windows);

/* Passes what tick_next named, and with it bounds of the window. */
void tick_pass(struct windows *windows, struct window_end *end);

/* By who works on the instance: a turn ended there, after ring_end, or was given back. */
void tick_note_end(struct lane *lane, const struct turn_end *end, enum turn_outcome outcome,
                   const struct ready_turn *next);
void tick_note_unserved(const struct windows *windows, struct lane *lane, const struct turn_end *end);

/* ---- window_line.c ---- */

enum { UPCOMING = 4096 };

static inline struct upcoming *windows_upcoming(const struct windows *windows, uint32_t index)
{
    return &windows->upcoming[(windows->upcoming_first + index) % UPCOMING];
}

void line_create(struct windows *windows);
void line_destroy(struct windows *windows);

/* Gives a slot to the programs that may start before `until`; they are prepared in the window. */
void line_up(struct windows *windows, simtime until);

/* Prepares a program in line; threads may do so side by side. */
void line_prepare(const struct windows *windows, struct upcoming *upcoming);

/* When the first program in line that is prepared, or not, can start, and its key; SIMTIME_NEVER: none can. */
simtime line_next(const struct windows *windows, uint64_t *key);
simtime line_next_unprepared(const struct windows *windows, uint64_t *key);

/* The first program in line starts at `time`: its first turn, and how many turns it starts with. 0 when it is dropped,
 * or an error was found. */
uint32_t line_start(struct windows *windows, simtime time, struct ready_turn *out, uint32_t *client);

/* ---- window_gather.c ---- */

/* What the threads left of the last window: slots, clients, changes, snapshots, failures; and the least bounds. */
void gather_window(struct windows *windows);

/* The turns that are ready before `end`, in windows->known. */
void gather_turns(struct windows *windows, const struct window_end *end);

/* Sends and receives the programs in windows->migrants. */
void gather_migrants(struct windows *windows);

/* After the run: every rank's recorder gets to hear of what the others' heard. */
void gather_recorders(struct windows *windows);

void gather_destroy(struct windows *windows);

/* ---- window_homes.c, window_sure.c: where windows->homing ---- */

void homes_create(struct windows *windows);
void homes_destroy(struct windows *windows);

/* By who works on the instance. A turn ended there, and the next one has its home there. */
void homes_keep(struct windows *windows, struct lane *lane, const struct ready_turn *turn);

/* Fetch what the visit of an instance behind others in line will touch: at once, and when that is there. */
void homes_prefetch(const struct windows *windows, uint32_t index);
void homes_prefetch_later(const struct windows *windows, uint32_t index);

/* The next turn that is ready in the window and not delivered: key, tie and the lower half of the payload are time, key
 * and slot. homes_deliver: it has been now. */
bool homes_next(const struct windows *windows, uint32_t index, struct heap_entry *next);

/* There may be one; without homing there is none. */
static inline bool homes_are_due(const struct windows *windows, uint32_t index)
{
    return windows->homing && windows->homes[index].delivered < windows->homes[index].n_due;
}

void homes_deliver(struct windows *windows, struct lane *lane, uint32_t index);

/* After the instance was worked on: bounds of its turns are added to its own. At a telemetry instant, what is ready
 * before the next one becomes due. */
void homes_close(struct windows *windows, struct lane *lane, struct partition *partition, uint32_t index);

/* At a telemetry instant, when all instances of the partition have left their snapshots. */
void homes_observe(struct windows *windows, struct partition *partition);

/* Serial. What the threads left. homes_account: at any time. */
void homes_gather(struct windows *windows);
void homes_account(struct windows *windows);

/* Adds the turns of unsure homes that are ready before `end` to those that are to be routed. */
void homes_withdraw(struct windows *windows, const struct window_end *end, struct due *out);

/* Whether all that the turn is decided by is known when the window ends before it, or is now. */
bool homes_can_decide(struct windows *windows, const struct ready_turn *turn);

/* Around the routing of a turn: all that it is decided by is counted; an instance that got it, whose bounds know, may
 * become unsure, and bring the end of the window nearer. */
void homes_before(struct windows *windows, const struct ready_turn *turn, struct window_end *end);
void homes_after(struct windows *windows, uint32_t chosen, simtime effect, struct window_end *end);

/* Up to when only turns that surely go home are set off at an instance. Least limit: of all. */
simtime homes_limit(const struct windows *windows, uint32_t index);
simtime homes_least_limit(const struct windows *windows);

/* Whether a turn that is set off before the end of the window may stay at the instance that set it off. */
bool homes_may_stay(const struct windows *windows, uint32_t index, simtime time);

/* Turns kept at an instance. */
uint64_t homes_count(const struct windows *windows, uint32_t index);

/* After loading: all turns have been kept. */
void homes_resume(struct windows *windows);

/* ---- window_turns.c ---- */

/* Records the turns that ended at an instance that is worked on, and keeps those that follow. */
void windows_take_ends(struct windows *windows, struct lane *lane, uint32_t index);

/* Aborts unless the turn is ready after the window, or surely stays at the instance `at`, which set it off; NO_HOME: it
 * goes elsewhere. */
void windows_check_lookahead(const struct windows *windows, uint32_t at, simtime time, uint64_t key);

/* What becomes due before the next horizon. */
void windows_take_due(struct windows *windows, struct lane *lane);

/* ---- window_advance.c ---- */

/* By who works on the instance: what is on its way there arrives, then it is advanced to the end of its work in this
 * window. In a group, n instances from `first` that share tiers. */
void windows_deliver(struct windows *windows, struct lane *lane, uint32_t index);
void windows_advance(struct windows *windows, struct lane *lane, uint32_t index);
void windows_advance_group(struct windows *windows, struct lane *lane, uint32_t first, uint32_t n);

/* Serial: advances an instance up to `end`, while the window is opened. All that is sent there before is known. */
void windows_advance_early(struct windows *windows, uint32_t index, const struct window_end *end);

/* Serial: advances those that have been left behind up to where the window ended. */
void windows_catch_up(struct windows *windows);

/* Serial: delivers what is still on its way, at the end of a run or before its state is saved. */
void windows_deliver_rest(struct windows *windows);

/* ---- window_work.c ---- */

/* One thread's part of a window. */
void windows_work(struct windows *windows, uint32_t thread);

#endif
