#include "base/mem.h"
#include "pdes/calendar_sort.h"
#include "sim/windows.h"

#include <assert.h>

/* ---- entries: a ready turn in 24 bytes ----
 *
 * The payload is the slot, and the service in units of a microsecond or so, rounded down: it is a bound. */

enum { SERVICE_SHIFT = 20 };

static uint64_t pack(const struct ready_turn *turn)
{
    const uint64_t service = (uint64_t)turn->service >> SERVICE_SHIFT;
    return (service < UINT32_MAX ? service : UINT32_MAX) << 32 | turn->slot;
}

static simtime service_of(const struct heap_entry *entry)
{
    return (simtime)(entry->payload >> 32 << SERVICE_SHIFT);
}

static bool is_before(const struct heap_entry *entry, simtime time, uint64_t key)
{
    return entry->key < time || (entry->key == time && entry->tie < key);
}

/* ---- in parallel: by who works on the instance ---- */

/* Turns become near so many periods before the one that they are ready in, if they are few. */
enum { NEAR_PERIODS = 16 };

static simtime least(simtime a, simtime b)
{
    return a < b ? a : b;
}

/* Later turns are a heap where they are many; up to MOST_UNORDERED they are in no order, which is less to touch. */
enum { MOST_UNORDERED = 128 };

static void push_later(struct home *home, const struct heap_entry *entry)
{
    struct heap *later = &home->later;
    home->first_later = least(home->first_later, entry->key);
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
    for (; at > home->counted && is_before(entry, home->near[at - 1].key, home->near[at - 1].tie); at--) {
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
    const struct heap_entry entry = {.key = turn->time, .tie = turn->key, .payload = pack(turn)};
    if (turn->time >= home->near_until && turn->time >= windows->home_horizon) {
        push_later(home, &entry);
        return;
    }
    add_near(home, &entry);
    if (turn->time < windows->home_horizon) {
        home->n_due++;
        lane->due_at_home++;
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
            first = least(first, entry.key);
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
    home->near_until = least(until, home->first_later);
    if (home->near_until < windows->home_horizon) {
        refill_few(windows, home, until); /* no longer many */
    }
}

void homes_take_due(struct windows *windows, struct lane *lane, uint32_t index)
{
    struct home *home = &windows->homes[index];
    drop_delivered(home);
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

/* All turns that are due in the period surely go home. */
static bool is_sure(const struct windows *windows, uint32_t index, uint32_t most)
{
    const struct router *router = windows->cluster->router;
    const uint64_t coming = windows->coming_home[index];
    return !coming ||
           (router_home_is_open(router, index) && router_outstanding(router, index) + coming <= (uint64_t)most + 1);
}

static void add_unsure(struct unsure_homes *list, uint32_t index)
{
    list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
    list->items[list->n++] = index;
}

void homes_close(struct windows *windows, struct lane *lane, struct partition *partition, uint32_t index)
{
    struct home *home = &windows->homes[index];
    drop_delivered(home);
    simtime effect = windows->effects[index];
    for (uint32_t i = 0; i < home->n_due; i++) {
        effect = least(effect, window_later(home->near[i].key, service_of(&home->near[i])));
    }
    uint32_t next = 0;
    while (next < home->n_due && window_has(&windows->end, home->near[next].key, home->near[next].tie)) {
        next++;
    }
    const simtime ready = next < home->n_near ? home->near[next].key : home->first_later;
    const simtime first = home->n_near ? home->near[0].key : home->first_later;
    windows->effects[index] = effect;
    windows->ready_at_home[index] = ready;
    struct quiet *quiet = &windows->quiet[index];
    quiet->until = least(quiet->until, window_later(first, windows->cluster->settings.dispatch_latency));
    const uint32_t coming = home->n_due - home->counted;
    windows->coming_home[index] = coming;
    partition->coming = coming > partition->coming ? coming : partition->coming;
    if (windows->instant < 0 && !home->unsure && !is_sure(windows, index, windows->home_most)) {
        home->unsure = true;
        add_unsure(&lane->unsure, index);
    }
}

static bool same_state(const struct load_snapshot *a, const struct load_snapshot *b)
{
    return a->running == b->running && a->waiting == b->waiting && a->used_blocks == b->used_blocks &&
           a->received == b->received;
}

void homes_observe(struct windows *windows, struct partition *partition)
{
    const struct block_load load =
        router_observe_block(windows->cluster->router, partition->first, partition->n,
                             (uint32_t)windows->cluster->settings.partition, &windows->snapshots[partition->first]);
    partition->observed = true; /* unless something happened between the instant and where it was advanced to */
    for (uint32_t i = partition->first; i < partition->first + partition->n; i++) {
        partition->observed &= same_state(&windows->snapshots[i], &windows->quiet[i].state);
    }
    partition->outstanding = load.outstanding;
    partition->peak = load.full ? UINT32_MAX : load.most + partition->coming;
}

/* ---- serial ---- */

static void account(struct windows *windows, uint64_t n)
{
    router_sent_home(windows->cluster->router, n);
    windows->cluster->events += n;
    windows->due_at_home -= n;
    if (windows->stats) {
        windows->stats->turns_routed += n;
    }
}

void homes_account(struct windows *windows)
{
    for (uint32_t i = 0; i < windows->n_lanes; i++) {
        struct lane *lane = &windows->lanes[i];
        windows->due_at_home += lane->due_at_home;
        account(windows, lane->sent_home);
        lane->due_at_home = lane->sent_home = 0;
        for (size_t k = 0; k < lane->unsure.n; k++) {
            add_unsure(&windows->unsure, lane->unsure.items[k]);
        }
        lane->unsure.n = 0;
    }
}

static void find_unsure(struct windows *windows, const struct partition *partition)
{
    for (uint32_t i = partition->first; i < partition->first + partition->n; i++) {
        if (!is_sure(windows, i, windows->home_most)) {
            windows->homes[i].unsure = true;
            add_unsure(&windows->unsure, i);
        }
    }
}

static void gather_snapshots(struct windows *windows)
{
    struct router *router = windows->cluster->router;
    uint64_t outstanding = 0;
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        outstanding += windows->partitions[i].outstanding;
    }
    router_blocks_observed(router, (uint32_t)windows->cluster->settings.partition, outstanding, windows->instant);
    windows->home_most = router_home_most(router, 0);
    for (size_t i = 0; i < windows->unsure.n; i++) {
        windows->homes[windows->unsure.items[i]].unsure = false;
    }
    windows->unsure.n = 0;
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        if (windows->partitions[i].peak > (uint64_t)windows->home_most + 1) {
            find_unsure(windows, &windows->partitions[i]);
        }
    }
}

void homes_gather(struct windows *windows)
{
    homes_account(windows);
    if (windows->instant >= 0) {
        gather_snapshots(windows);
    }
}

/* Takes the due turns of an instance from the one numbered `from` up to `end` away: they are to be routed. */
static void withdraw(struct windows *windows, uint32_t index, uint32_t from, const struct window_end *end,
                     struct due *out)
{
    struct home *home = &windows->homes[index];
    uint32_t to = from;
    for (; to < home->n_due && window_has(end, home->near[to].key, home->near[to].tie); to++) {
        const struct heap_entry *entry = &home->near[to];
        due_reserve(out, out->n + 1);
        out->entries[out->n++] = (struct calendar_entry){
            .time = entry->key,
            .tie = entry->tie,
            .a = place_pack(windows->cluster->rank, index, (uint32_t)entry->payload),
            .b = service_of(entry),
        };
    }
    for (uint32_t i = to; i < home->n_near; i++) {
        home->near[from + i - to] = home->near[i];
    }
    home->n_near -= to - from;
    home->n_due -= to - from;
    windows->coming_home[index] -= to - from;
    windows->due_at_home -= to - from;
}

void homes_withdraw(struct windows *windows, const struct window_end *end, struct due *out)
{
    for (size_t i = 0; i < windows->unsure.n; i++) {
        const uint32_t index = windows->unsure.items[i];
        const struct home *home = &windows->homes[index];
        uint32_t from = home->counted;
        while (from < home->n_due && window_has(&windows->end, home->near[from].key, home->near[from].tie)) {
            from++; /* went home in an earlier window */
        }
        withdraw(windows, index, from, end, out);
    }
}

/* Counts the turns that went home before a decision at `time`; whether there were any. */
static bool count(struct windows *windows, uint32_t index, simtime time, uint64_t key)
{
    if (!windows->coming_home[index]) {
        return false;
    }
    struct home *home = &windows->homes[index];
    uint32_t n = 0;
    while (home->counted + n < home->n_due && is_before(&home->near[home->counted + n], time, key)) {
        n++;
    }
    if (n) {
        router_sent_home_apart(windows->cluster->router, index, n);
        account(windows, n);
        home->counted += n;
        windows->coming_home[index] -= n;
    }
    return n > 0;
}

/* Whether the turn goes home, as what has been counted tells. */
static bool stays(struct windows *windows, const struct ready_turn *turn)
{
    const struct router *router = windows->cluster->router;
    count(windows, turn->home, turn->time, turn->key);
    const uint32_t outstanding = router_outstanding(router, turn->home);
    if (!router_home_is_open(router, turn->home) || outstanding > router_home_most(router, windows->due_at_home)) {
        return false;
    }
    if (outstanding > router_home_most(router, 0)) {
        for (uint32_t i = 0; i < windows->cluster->plan.n_instances; i++) {
            count(windows, i, turn->time, turn->key);
        }
    }
    return outstanding <= router_home_most(router, 0);
}

void homes_before(struct windows *windows, const struct ready_turn *turn)
{
    if (turn->home != NO_HOME && stays(windows, turn)) {
        return;
    }
    for (;;) {
        bool current;
        const uint32_t instance = router_least_loaded(windows->cluster->router, &current);
        if (!count(windows, instance, turn->time, turn->key) && current) {
            return;
        }
    }
}

/* What the next turn without a home will touch: nobody has for a whole window. */
static void prefetch_next(const struct windows *windows)
{
    const uint32_t next = router_prefetch_least(windows->cluster->router);
    if (windows->coming_home[next]) {
        homes_prefetch(windows, next);
    }
    __builtin_prefetch(&windows->effects[next], 1);
    __builtin_prefetch(&windows->quiet[next], 1);
    __builtin_prefetch(&windows->first_dispatch[next], 1);
    __builtin_prefetch(&windows->last_dispatch[next], 1);
    __builtin_prefetch(&windows->partitions[next / windows->cluster->settings.partition], 1);
}

void homes_after(struct windows *windows, uint32_t chosen, const struct window_end *end)
{
    prefetch_next(windows);
    struct home *home = &windows->homes[chosen];
    if (is_sure(windows, chosen, windows->home_most) || home->unsure) {
        return;
    }
    home->unsure = true;
    add_unsure(&windows->unsure, chosen);
    struct due *known = &windows->known;
    const size_t n = known->n;
    withdraw(windows, chosen, home->counted, end, known);
    if (known->n > n) {
        const size_t left = known->n - windows->known_next;
        due_reserve(&windows->scratch, left);
        calendar_sort(known->entries + windows->known_next, left, windows->scratch.entries);
    }
}

/* ---- beginning and end ---- */

void homes_create(struct windows *windows)
{
    enum { FEW_LATER = 64 };
    const uint32_t n = windows->cluster->plan.n_instances;
    windows->homes = mem_aligned(WINDOWS_CACHE_LINE, n * sizeof *windows->homes);
    windows->ready_at_home = mem_alloc(n * sizeof *windows->ready_at_home);
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
            homes_take_due(windows, &windows->lanes[0], k);
            homes_close(windows, &windows->lanes[0], partition, k);
            partition->effect = least(partition->effect, windows->effects[k]);
            partition->ready = least(partition->ready, windows->ready_at_home[k]);
        }
        partition->until = windows->end.time;
    }
}
