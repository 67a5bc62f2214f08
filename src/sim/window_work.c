#include "base/mem.h"
#include "sim/windows.h"

/* Whether the instance must be advanced now: its next effect may close the next window, or everybody's state is asked
 * for. An instance where nothing happens has its state already, unless it is of after the instant. */
static bool must_advance(struct windows *windows, uint32_t index)
{
    const struct quiet *quiet = &windows->quiet[index];
    if (windows->exact) {
        return quiet->until < windows->advance_to;
    }
    if (!windows->touch_all) {
        const bool sure = windows->local && !windows->resolving;
        return (sure ? homes_limit(windows, index) : windows->effects[index]) < windows->touch_before;
    }
    if (quiet->until < windows->advance_to || quiet->since > windows->instant) {
        return true;
    }
    windows->snapshots[index] = quiet->state;
    return false;
}

/* ---- visits ----
 *
 * Instances take turns in the caches, and so do the programs whose turns are delivered: neither has been touched for
 * thousands of others. So the instances that a thread is to visit stand in line, and while one is worked on, what the
 * visits behind it will touch is fetched, in stages: each follows pointers that the one before has fetched. */

enum { MOST_VISITS = 16, VISIT_STAGES = 6, CLAIMED_AHEAD = 8 };

/* A stage is reached so many visits ahead of the work. */
static const uint32_t stage_distance[VISIT_STAGES] = {12, 10, 8, 6, 4, 2};

struct visit {
    struct partition *partition;
    uint32_t index;
};

struct visits {
    struct visit ring[MOST_VISITS]; /* by numbers that only grow, modulo its size */
    uint32_t next;                  /* to work on */
    uint32_t end;
    uint32_t seen; /* the end when one was worked on last: those before it are in the stages of their distance */
    struct partition *partition; /* whose instances line up; NULL: none */
    uint32_t at;                 /* the next of them */
    uint32_t n_homes;            /* lanes without partitions that nobody has come to */
};

static void homes_fetch(const struct windows *windows, uint32_t index,
                        void (*fetch)(const struct orchestrator *orchestrator, uint32_t slot))
{
    const struct home *home = &windows->homes[index];
    for (uint32_t i = home->delivered;
         i < home->n_due && window_has(&windows->end, home->near[i].key, home->near[i].tie); i++) {
        fetch(windows->cluster->orchestrator, (uint32_t)home->near[i].payload);
    }
}

static void fetch_programs(const struct windows *windows, uint32_t index)
{
    for (uint32_t at = windows->first_dispatch[index]; at != NO_DISPATCH; at = windows->dispatches[at].next) {
        orchestrator_prefetch(windows->cluster->orchestrator, windows->dispatches[at].slot);
    }
    if (windows->homing) {
        homes_fetch(windows, index, orchestrator_prefetch);
    }
}

static void fetch_turns(const struct windows *windows, uint32_t index)
{
    for (uint32_t at = windows->first_dispatch[index]; at != NO_DISPATCH; at = windows->dispatches[at].next) {
        orchestrator_prefetch_turn(windows->cluster->orchestrator, windows->dispatches[at].slot);
    }
    if (windows->homing) {
        homes_fetch(windows, index, orchestrator_prefetch_turn);
    }
}

static inline void reach_stage(struct windows *windows, struct lane *lane, uint32_t index, int stage)
{
    struct instance *instance = windows->cluster->instances[index];
    switch (stage) {
    case 0:
        instance_prefetch(instance);
        fetch_programs(windows, index);
        break;
    case 1:
        instance_prefetch_deep(instance);
        fetch_turns(windows, index);
        if (windows->homing && windows->touch_all) {
            homes_prefetch_later(windows, index);
        }
        break;
    case 2:
        if (windows->first_dispatch[index] != NO_DISPATCH || homes_are_due(windows, index)) {
            windows_deliver(windows, lane, index);
        }
        instance_prefetch_sequences(instance);
        break;
    case 3:
        instance_prefetch_contents(instance);
        break;
    case 4:
        instance_prefetch_nodes(instance);
        break;
    default:
        instance_prefetch_neighbours(instance);
    }
}

/* The partition has no instance in line any more. */
static void close_partition(struct windows *windows, struct partition *partition)
{
    const uint32_t end = partition->first + partition->n;
    simtime effect = SIMTIME_NEVER;
    if (!windows->homing) {
        for (uint32_t i = partition->first; i < end; i++) {
            effect = simtime_least(effect, windows->effects[i]);
        }
        partition->effect = effect;
        return;
    }
    simtime ready = SIMTIME_NEVER;
    simtime until = SIMTIME_NEVER;
    for (uint32_t i = partition->first; i < end; i++) {
        effect = simtime_least(effect, windows->effects[i]);
        ready = simtime_least(ready, windows->ready_at_home[i]);
        until = simtime_least(until, windows->quiet[i].until);
    }
    partition->effect = effect;
    partition->ready = ready;
    partition->until = until;
    partition->since = windows->advance_to;
    partition->observed = false;
    if (windows->instant >= 0) {
        homes_observe(windows, partition);
    }
}

static void leave_partition(struct windows *windows, struct partition *partition)
{
    if (--partition->pending == 0) {
        close_partition(windows, partition);
    }
}

/* Nothing happened there since the last snapshots, nothing will before it is advanced to, and no turn becomes due. */
static bool is_quiet(const struct windows *windows, const struct partition *partition)
{
    return windows->homing && windows->instant >= 0 && partition->observed && !partition->has_dispatches &&
           partition->since <= windows->instant && partition->until >= windows->advance_to &&
           partition->ready >= windows->home_horizon;
}

/* What a visit has to do, in steps. The clock does not find the longest one: that is the one that an interrupt fell
 * into. */
enum { STEPS_OF_AN_END = 4 };

struct visit_cost {
    uint64_t started; /* measured only */
    uint64_t steps, ends;
};

/* Of n instances from `first`. */
static uint64_t steps_walked(const struct windows *windows, uint32_t first, uint32_t n)
{
    uint64_t steps = 0;
    for (uint32_t i = first; i < first + n; i++) {
        const struct instance_counters *counters = instance_counters(windows->cluster->instances[i]);
        steps += counters->steps - counters->fast_forwarded + counters->jumps;
    }
    return steps;
}

static void begin_visit(const struct windows *windows, struct visit_cost *before, uint32_t first, uint32_t n)
{
    before->started = engine_stats_clock();
    before->steps = steps_walked(windows, first, n);
}

static void end_visit(const struct windows *windows, struct lane *lane, const struct visit_cost *before, uint32_t first,
                      uint32_t n)
{
    const uint64_t to_do =
        1 + steps_walked(windows, first, n) - before->steps + STEPS_OF_AN_END * (lane->ends - before->ends);
    if (to_do > lane->most_to_do) {
        lane->most_to_do = to_do;
        lane->longest_ns = engine_stats_clock() - before->started;
    }
}

/* Instances that share tiers, n from `first`: when one must be advanced, all are. No turns are kept there. */
static void work_on_group(struct windows *windows, struct lane *lane, struct partition *partition, uint32_t first,
                          uint32_t n)
{
    struct visit_cost before = {.ends = lane->ends};
    if (windows->stats) {
        begin_visit(windows, &before, first, n);
    }
    bool must = false;
    for (uint32_t i = first; i < first + n; i++) {
        must |= must_advance(windows, i) || (windows->deliver_all && windows->first_dispatch[i] != NO_DISPATCH);
    }
    if (!must) {
        return;
    }
    windows_advance_group(windows, lane, first, n);
    partition->cost += lane->ends - before.ends;
    if (windows->stats) {
        end_visit(windows, lane, &before, first, n);
    }
}

static void work_on_groups(struct windows *windows, struct lane *lane, struct partition *partition)
{
    const uint32_t together = ring_together(windows->cluster);
    for (uint32_t before = 0; before < partition->n; before += together) {
        const uint32_t left = partition->n - before;
        work_on_group(windows, lane, partition, partition->first + before, together < left ? together : left);
    }
    close_partition(windows, partition);
}

static void enter_partition(struct windows *windows, struct visits *visits, struct lane *lane,
                            struct partition *partition)
{
    const bool delivers = windows->deliver_all && partition->has_dispatches;
    if (is_quiet(windows, partition) ||
        (!delivers && !windows->touch_all && !windows->exact && partition->effect >= windows->touch_before)) {
        return; /* nothing is to be done there */
    }
    partition->has_dispatches &= !delivers;
    partition->cost /= 2;
    if (ring_together(windows->cluster) > 1) {
        work_on_groups(windows, lane, partition);
        return;
    }
    partition->pending = 1;
    partition->coming = 0;
    visits->partition = partition;
    visits->at = partition->first;
}

/* Turns are on their way to the instance, or become due there. */
static bool has_deliveries(const struct windows *windows, uint32_t index)
{
    return windows->first_dispatch[index] != NO_DISPATCH ||
           (windows->homing && windows->ready_at_home[index] < windows->home_horizon);
}

/* Lines up the next instance of the partition that is to be visited. */
static void line_up_instance(struct windows *windows, struct visits *visits)
{
    struct partition *partition = visits->partition;
    while (visits->at < partition->first + partition->n) {
        const uint32_t index = visits->at++;
        if (must_advance(windows, index) || (windows->deliver_all && has_deliveries(windows, index))) {
            if (windows->homing) {
                homes_prefetch(windows, index);
            }
            visits->ring[visits->end++ % MOST_VISITS] = (struct visit){.partition = partition, .index = index};
            partition->pending++;
            return;
        }
    }
    visits->partition = NULL;
    leave_partition(windows, partition);
}

/* The same for those that were not in line when others reached their stage. */
static void reach_late(struct windows *windows, struct lane *lane, const struct visits *visits, uint32_t due, int stage)
{
    for (uint32_t at = visits->seen; at < visits->end && at <= due; at++) {
        reach_stage(windows, lane, visits->ring[at % MOST_VISITS].index, stage);
    }
}

static void work_on(struct windows *windows, struct lane *lane, struct visits *visits)
{
    const struct visit *visit = &visits->ring[visits->next % MOST_VISITS];
    struct visit_cost before = {.ends = lane->ends};
    if (windows->stats) {
        begin_visit(windows, &before, visit->index, 1);
    }
#pragma GCC unroll 6 /* each stage its own code */
    for (int i = 0; i < VISIT_STAGES; i++) {
        const uint32_t due = visits->next + stage_distance[i];
        if (due < visits->seen) {
            reach_stage(windows, lane, visits->ring[due % MOST_VISITS].index, i);
        } else {
            reach_late(windows, lane, visits, due, i);
        }
    }
    visits->seen = visits->end;
    visits->next++;
    if (must_advance(windows, visit->index)) {
        windows_advance(windows, lane, visit->index);
    }
    if (windows->homing) {
        homes_close(windows, lane, visit->partition, visit->index);
    }
    visit->partition->cost += lane->ends - before.ends;
    leave_partition(windows, visit->partition);
    if (windows->stats) {
        end_visit(windows, lane, &before, visit->index, 1);
    }
}

/* The first turn of an open-loop program is ready when it arrives; a client's, when the client is. */
static void prepare(const struct windows *windows, uint32_t first)
{
    for (uint32_t i = first; i < first + PREPARE_BATCH && i < windows->n_upcoming; i++) {
        line_prepare(windows, windows_upcoming(windows, i));
    }
}

static void prepare_programs(struct windows *windows, struct lane *lane)
{
    const uint64_t started = windows->stats ? engine_stats_clock() : 0;
    uint32_t tasks = 0;
    uint32_t task;
    while (atomic_load_explicit(&windows->next_prepare, memory_order_relaxed) < windows->n_prepare_tasks &&
           (task = atomic_fetch_add_explicit(&windows->next_prepare, 1, memory_order_relaxed)) <
               windows->n_prepare_tasks) {
        prepare(windows, windows->n_prepared + task * PREPARE_BATCH);
        tasks++;
    }
    lane->prepare_ns = windows->stats && tasks ? (engine_stats_clock() - started) / tasks : 0;
}

/* Enters a partition that nobody has come to: one at home here, then one of the next lane. False when there is none,
 * or none but a few, of a lane whose thread is to end together with this one, while visits are in line. */
static bool claim_partition(struct windows *windows, struct visits *visits, uint32_t thread)
{
    for (; visits->n_homes < windows->n_lanes; visits->n_homes++) {
        struct lane *home = &windows->lanes[(thread + visits->n_homes) % windows->n_lanes];
        const uint32_t claimed = atomic_load_explicit(&home->next_partition, memory_order_relaxed);
        if (windows->n_lanes > 1 && visits->end > visits->next && claimed + CLAIMED_AHEAD >= home->n_order) {
            return false;
        }
        const uint32_t next = claimed < home->n_order
                                  ? atomic_fetch_add_explicit(&home->next_partition, 1, memory_order_relaxed)
                                  : claimed;
        if (next < home->n_order) {
            enter_partition(windows, visits, &windows->lanes[thread], home->order[next]);
            return true;
        }
    }
    return false;
}

/* Fills the line; false when nothing is left. */
static bool line_up_visits(struct windows *windows, struct visits *visits, uint32_t thread)
{
    while (visits->end - visits->next < MOST_VISITS) {
        if (visits->partition) {
            line_up_instance(windows, visits);
        } else if (!claim_partition(windows, visits, thread)) {
            break;
        }
    }
    return visits->end > visits->next;
}

void windows_work(struct windows *windows, uint32_t thread)
{
    struct lane *lane = &windows->lanes[thread];
    const uint64_t calls = mem_calls();
    const uint64_t started = windows->stats ? engine_stats_clock() : 0;
    lane->most_to_do = lane->longest_ns = 0;
    prepare_programs(windows, lane);
    struct visits visits = {0};
    while (line_up_visits(windows, &visits, thread)) {
        work_on(windows, lane, &visits);
    }
    windows_take_due(windows, lane);
    lane->work_ns = windows->stats ? engine_stats_clock() - started : 0;
    lane->allocations = mem_calls() - calls;
}
