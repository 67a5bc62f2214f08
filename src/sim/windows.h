/* The inside of the parallel engine, shared by run_windows.c, window_open.c and window_work.c. */
#ifndef ASIM_SIM_WINDOWS_H
#define ASIM_SIM_WINDOWS_H

#include "base/heap.h"
#include "pdes/calendar.h"
#include "pdes/team.h"
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

/* A growing array of entries. */
struct due {
    struct calendar_entry *entries;
    size_t n;
    size_t capacity;
};

static inline bool calendar_entry_before(const struct calendar_entry *a, const struct calendar_entry *b)
{
    return a->time < b->time || (a->time == b->time && a->tie < b->tie);
}

/* What a thread owns. Ready turns are calendar entries: time, key, slot and home above it, service. */
struct lane {
    _Alignas(WINDOWS_CACHE_LINE) struct calendar ready; /* at or after the horizon */
    struct due due;                                     /* before the horizon, in order */
    size_t due_next;                                    /* the first one that is not routed yet */
    struct due fresh;                                   /* before the horizon, as they came in this window */
    struct calendar_batch taken;                        /* from the calendar, for the next window */
    struct due scratch;
    struct recorder *recorder;
    uint32_t *freed; /* slots of programs that are over */
    size_t n_freed, freed_capacity;
    struct heap_entry *clients; /* closed loop: (time, client) of clients that became free */
    size_t n_clients, clients_capacity;
    struct late_turn late;
    struct state_change *changes; /* exact view: of the states of instances */
    size_t n_changes, changes_capacity;
    uint64_t ends;    /* turns that ended in this window */
    uint64_t touched; /* instances */
    uint64_t work_ns, longest_ns, allocations; /* in this window; measured only */
};

/* A program in line that has a slot. */
struct upcoming {
    struct next_program program;
    uint32_t slot;
    enum prepared outcome; /* once it is prepared */
};

/* A turn on its way to an instance, in a list per instance. */
struct dispatch {
    uint32_t slot;
    uint32_t next;
    simtime effect; /* bound */
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
    simtime effect; /* least bound of theirs */
    uint64_t cost;  /* of the last window: work_ns, or turns that ended */
};

/* The tasks of a window, claimed one by one: batches of programs to prepare, then partitions. */
enum { PREPARE_BATCH = 8 };

/* Where a window ends: before the turn `key` that is ready at `time`. */
struct window_end {
    simtime time;
    uint64_t key;
    enum window_rule rule;
};

struct windows {
    struct cluster *cluster;
    struct team *team;
    struct diag *diag;
    run_pulse pulse;
    void *user;
    struct engine_stats *stats; /* NULL: not measured */
    struct window_cost cost;    /* of the present window */
    bool closed;                /* loop */
    bool sees_instances;        /* the routing policy looks at the views, */
    bool exact;                 /* which are exact */
    simtime period;             /* of telemetry */

    struct lane *lanes;
    uint32_t n_lanes;

    /* Serial between windows. */
    struct heap clients; /* closed loop: free clients by (time, client) */
    struct next_program next;
    bool has_next;
    struct upcoming *upcoming; /* ring */
    uint32_t upcoming_first, n_upcoming, n_prepared;
    struct state_change *changes; /* exact view: of all lanes, in order of time */
    size_t n_changes, next_change, changes_capacity;
    struct window_end end; /* of the present window */
    uint64_t window;       /* number of the present window */
    bool done, failed, stopped;

    /* Read by all threads while they work. */
    simtime advance_to;    /* instances are advanced to here */
    simtime touch_before;  /* those with an earlier bound */
    bool touch_all;        /* and all of them */
    simtime instant;       /* of snapshots to take, or -1 */
    simtime horizon;       /* turns ready before it are due */
    simtime next_horizon;  /* of the next window */
    uint32_t n_tasks, n_prepare_tasks;
    uint32_t *order; /* partitions in the order of claiming */
    _Alignas(WINDOWS_CACHE_LINE) atomic_uint next_task;

    /* By instance; written by who works on the instance, and while a window is opened. */
    _Alignas(WINDOWS_CACHE_LINE) simtime *effects; /* bound of the next one */
    struct quiet *quiet;
    uint32_t *first_dispatch, *last_dispatch;
    struct load_snapshot *snapshots;
    struct dispatch *dispatches;
    size_t n_dispatches, dispatch_capacity;

    struct partition *partitions;
    uint32_t n_partitions;
    uint32_t partition_size;
};

enum { UPCOMING = 4096 };

static inline struct upcoming *windows_upcoming(const struct windows *windows, uint32_t index)
{
    return &windows->upcoming[(windows->upcoming_first + index) % UPCOMING];
}

/* window_open.c: closes the last window and opens the next; sets windows->done after the last one. */
void windows_open(void *windows);

/* window_work.c: one thread's part of a window. */
void windows_work(struct windows *windows, uint32_t thread);

/* Nanoseconds of a monotonic clock. */
uint64_t windows_clock(void);

#endif
