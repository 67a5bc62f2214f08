#include "sim/window_homes.h"

#include "base/mem.h"

/* ---- in parallel: by who works on the instance ---- */

/* Turns become near so many periods before the one that they are ready in, if they are few. */
enum { NEAR_PERIODS = 16 };

/* Later turns are a heap where they are many; up to MOST_UNORDERED they are in no order, which is less to touch. */
enum { MOST_UNORDERED = 128 };

static void push_later(struct home *home, const struct heap_entry *entry)
{
    struct heap *later = &home->later;
    home->first_later = simtime_least(home->first_later, entry->key);
    if (later->n < MOST_UNORDERED) {
        heap_reserve(later, later->n + 1);
        later->entries[later->n++] = *entry;
        return;
    }
    if (later->n == MOST_UNORDERED) {
        for (later->n = 1; later->n < MOST_UNORDERED;) {
            heap_push(later, later->entries[later->n]);
        }
    }
    heap_push(later, *entry);
}

static void add_near(struct home *home, const struct heap_entry *entry)
{
    home->near = mem_grow_from(home->few, home->near, &home->near_capacity, home->n_near + 1, sizeof *home->near);
    uint32_t at = home->n_near++;
    for (; at > home->counted && home_is_before(entry, home->near[at - 1].key, home->near[at - 1].tie); at--) {
        home->near[at] = home->near[at - 1];
    }
    home->near[at] = *entry;
}

/* The last one goes to the others when the near ones are no longer few. */
static void keep_few_near(struct home *home)
{
    if (home->n_near > FEW_NEAR && home->n_near > home->n_due) {
        const struct heap_entry *last = &home->near[--home->n_near];
        push_later(home, last);
        home->near_until = last->key;
    }
}

void homes_keep(struct windows *windows, struct lane *lane, const struct ready_turn *turn)
{
    struct home *home = &windows->homes[turn->home];
    const struct heap_entry entry = home_entry(turn);
    if (turn->time >= home->near_until && turn->time >= windows->home_horizon) {
        push_later(home, &entry);
        return;
    }
    add_near(home, &entry);
    if (turn->time < windows->home_horizon) {
        home->n_due++;
        lane->due_at_home++;
        windows->coming_home[turn->home]++;
    }
    keep_few_near(home);
}

void homes_prefetch(const struct windows *windows, uint32_t index)
{
    const struct home *home = &windows->homes[index];
    __builtin_prefetch(home);
    __builtin_prefetch(home->few);
    __builtin_prefetch(home->few + 3);
}

/* Where one more is kept; all of a few before some of them become near. */
void homes_prefetch_later(const struct windows *windows, uint32_t index)
{
    const struct home *home = &windows->homes[index];
    const struct heap_entry *entries = home->later.entries;
    __builtin_prefetch(entries + home->later.n);
    if (home->near_until < windows->home_horizon) {
        const size_t bytes = (home->later.n < MOST_UNORDERED ? home->later.n : MOST_UNORDERED) * sizeof *entries;
        for (size_t i = 0; i < bytes; i += WINDOWS_CACHE_LINE) {
            __builtin_prefetch((const char *)entries + i);
        }
    }
}

/* Turns at the front that were delivered make room. */
static void drop_delivered(struct home *home)
{
    if (!home->delivered) {
        return;
    }
    for (uint32_t i = home->delivered; i < home->n_near; i++) {
        home->near[i - home->delivered] = home->near[i];
    }
    home->n_near -= home->delivered;
    home->n_due -= home->delivered;
    home->counted -= home->delivered;
    home->delivered = 0;
}

/* Of later turns in no order, those before `until` become near: all before the horizon, and the first of others. */
static void refill_few(struct windows *windows, struct home *home, simtime until)
{
    struct heap *later = &home->later;
    simtime first = SIMTIME_NEVER;
    for (size_t i = 0; i < later->n;) {
        const struct heap_entry entry = later->entries[i];
        if (entry.key >= until) {
            first = simtime_least(first, entry.key);
            i++;
            continue;
        }
        later->entries[i] = later->entries[--later->n];
        add_near(home, &entry);
        const struct heap_entry last = home->near[home->n_near - 1];
        if (home->n_near > FEW_NEAR && last.key >= windows->home_horizon) {
            home->n_near--;
            until = last.key;
            later->entries[later->n++] = last;
        }
    }
    home->first_later = first;
    home->near_until = until;
}

static void refill(struct windows *windows, struct home *home)
{
    const simtime until = window_later(windows->home_horizon, NEAR_PERIODS * windows->period);
    if (home->later.n <= MOST_UNORDERED) {
        refill_few(windows, home, until);
        return;
    }
    struct heap *later = &home->later;
    while (later->n > MOST_UNORDERED && (heap_top(later)->key < windows->home_horizon ||
                                         (home->n_near < FEW_NEAR && heap_top(later)->key < until))) {
        const struct heap_entry entry = heap_pop(later);
        add_near(home, &entry);
    }
    home->first_later = heap_top(later)->key;
    home->near_until = simtime_least(until, home->first_later);
    if (home->near_until < windows->home_horizon) {
        refill_few(windows, home, until); /* no longer many */
    }
}

static void take_due(struct windows *windows, struct lane *lane, struct home *home)
{
    if (home->near_until < windows->home_horizon) {
        refill(windows, home);
    }
    while (home->n_due < home->n_near && home->near[home->n_due].key < windows->home_horizon) {
        home->n_due++;
        lane->due_at_home++;
    }
}

bool homes_next(const struct windows *windows, uint32_t index, struct heap_entry *next)
{
    const struct home *home = &windows->homes[index];
    if (home->delivered == home->n_due ||
        !window_has(&windows->end, home->near[home->delivered].key, home->near[home->delivered].tie)) {
        return false;
    }
    *next = home->near[home->delivered];
    return true;
}

void homes_deliver(struct windows *windows, struct lane *lane, uint32_t index)
{
    struct home *home = &windows->homes[index];
    if (home->delivered == home->counted) {
        lane->sent_home++;
        router_sent_home_apart(windows->cluster->router, index, 1);
        home->counted++;
        windows->coming_home[index]--;
    }
    home->delivered++;
}

static void close_home(struct windows *windows, struct lane *lane, struct partition *partition, uint32_t index,
                       bool takes_due)
{
    struct home *home = &windows->homes[index];
    drop_delivered(home);
    if (takes_due) {
        take_due(windows, lane, home);
    }
    simtime effect = windows->effects[index];
    struct returns returns = {.before = windows->home_horizon, .unsure = windows->returns[index].unsure};
    if (windows->local && effect < returns.before) {
        const struct instance *instance = windows->cluster->instances[index];
        returns.n = instance_effects_before(instance, returns.before);
        returns.quick = instance_quick_turns(instance) > 0;
    }
    for (uint32_t i = 0; i < home->n_due; i++) {
        const simtime of_due = window_later(home->near[i].key, home_service(&home->near[i]));
        effect = simtime_least(effect, of_due);
        returns.n += of_due < returns.before;
        returns.quick |= of_due < returns.before; /* not known before it is delivered */
    }
    const uint32_t next = home_first_from(home, 0, windows->end.time, windows->end.key);
    const simtime ready = next < home->n_near ? home->near[next].key : home->first_later;
    const simtime first = home->n_near ? home->near[0].key : home->first_later;
    windows->effects[index] = effect;
    windows->ready_at_home[index] = ready;
    struct quiet *quiet = &windows->quiet[index];
    quiet->until = simtime_least(quiet->until, window_later(first, windows->cluster->settings.dispatch_latency));
    const uint32_t coming = home->n_due - home->counted;
    windows->coming_home[index] = coming;
    partition->coming = coming > partition->coming ? coming : partition->coming;
    if (windows->instant < 0 && !returns.unsure && !home_is_sure(windows, index, windows->home_most)) {
        returns.unsure = true;
        unsure_add(&lane->unsure, index);
    }
    windows->returns[index] = returns;
}

void homes_close(struct windows *windows, struct lane *lane, struct partition *partition, uint32_t index)
{
    close_home(windows, lane, partition, index, windows->instant >= 0);
}

static bool same_state(const struct load_snapshot *a, const struct load_snapshot *b)
{
    return a->running == b->running && a->waiting == b->waiting && a->used_blocks == b->used_blocks &&
           a->received == b->received;
}

/* Nothing happened there between the instant and where they were advanced to. */
static bool are_observed(const struct windows *windows, const struct partition *partition)
{
    for (uint32_t i = partition->first; i < partition->first + partition->n; i++) {
        if (!same_state(&windows->snapshots[i], &windows->quiet[i].state)) {
            return false;
        }
    }
    return true;
}

void homes_observe(struct windows *windows, struct partition *partition)
{
    const struct block_load load =
        router_observe_block(windows->cluster->router, partition->first, partition->n,
                             (uint32_t)windows->cluster->settings.partition, &windows->snapshots[partition->first]);
    if (partition->until >= window_later(windows->instant, windows->period)) {
        partition->observed = are_observed(windows, partition);
    }
    partition->outstanding = load.outstanding;
    partition->peak = load.full ? UINT32_MAX : load.most + partition->coming;
}

/* ---- beginning and end ---- */

void homes_create(struct windows *windows)
{
    enum { FEW_LATER = 64 };
    const uint32_t n = windows->cluster->plan.n_instances;
    windows->homes = mem_aligned(WINDOWS_CACHE_LINE, n * sizeof *windows->homes);
    windows->ready_at_home = mem_alloc(n * sizeof *windows->ready_at_home);
    windows->returns = mem_zalloc(n * sizeof *windows->returns);
    windows->coming_home = mem_zalloc(n * sizeof *windows->coming_home);
    for (uint32_t i = 0; i < n; i++) {
        struct home *home = &windows->homes[i];
        *home = (struct home){.near = home->few, .near_capacity = NEAR_HERE, .first_later = SIMTIME_NEVER};
        heap_reserve(&home->later, FEW_LATER);
        windows->ready_at_home[i] = SIMTIME_NEVER;
    }
    windows->home_horizon = router_next_snapshot(windows->cluster->router);
    windows->home_most = router_home_most(windows->cluster->router, 0);
}

void homes_destroy(struct windows *windows)
{
    for (uint32_t i = 0; windows->homes && i < windows->cluster->plan.n_instances; i++) {
        struct home *home = &windows->homes[i];
        heap_fini(&home->later);
        if (home->near != home->few) {
            mem_free(home->near);
        }
    }
    mem_free(windows->homes);
    mem_free(windows->ready_at_home);
    mem_free(windows->returns);
    mem_free(windows->coming_home);
    mem_free(windows->unsure.items);
}

uint64_t homes_count(const struct windows *windows, uint32_t index)
{
    const struct home *home = &windows->homes[index];
    return home->n_near - home->delivered + home->later.n;
}

void homes_resume(struct windows *windows)
{
    windows->home_horizon = router_next_snapshot(windows->cluster->router);
    windows->home_most = router_home_most(windows->cluster->router, 0);
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        struct partition *partition = &windows->partitions[i];
        for (uint32_t k = partition->first; k < partition->first + partition->n; k++) {
            close_home(windows, &windows->lanes[0], partition, k, true);
            partition->effect = simtime_least(partition->effect, windows->effects[k]);
            partition->ready = simtime_least(partition->ready, windows->ready_at_home[k]);
        }
        partition->until = windows->end.time;
    }
}
