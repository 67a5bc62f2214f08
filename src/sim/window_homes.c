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

static void add_due(struct lane *lane, struct home *home, const struct heap_entry *entry)
{
    home->due = mem_grow_from(home->few, home->due, &home->due_capacity, home->n_due + 1, sizeof *home->due);
    uint32_t at = home->n_due++;
    for (; at > home->counted && is_before(entry, home->due[at - 1].key, home->due[at - 1].tie); at--) {
        home->due[at] = home->due[at - 1];
    }
    home->due[at] = *entry;
    lane->due_at_home++;
}

void homes_keep(struct windows *windows, struct lane *lane, const struct ready_turn *turn)
{
    struct home *home = &windows->homes[turn->home];
    const struct heap_entry entry = {.key = turn->time, .tie = turn->key, .payload = pack(turn)};
    if (turn->time >= windows->home_horizon) {
        heap_push(&home->later, entry);
    } else {
        add_due(lane, home, &entry);
    }
}

/* Turns at the front that were delivered make room. */
static void drop_delivered(struct home *home)
{
    for (uint32_t i = home->delivered; i < home->n_due; i++) {
        home->due[i - home->delivered] = home->due[i];
    }
    home->n_due -= home->delivered;
    home->counted -= home->delivered;
    home->delivered = 0;
}

void homes_prefetch(const struct windows *windows, uint32_t index)
{
    const struct home *home = &windows->homes[index];
    __builtin_prefetch(home);
    __builtin_prefetch((const char *)home + WINDOWS_CACHE_LINE);
}

/* The first levels of the heap, and the end of it, which a pop takes. */
void homes_prefetch_later(const struct windows *windows, uint32_t index)
{
    enum { LEVELS_BYTES = 7 * sizeof(struct heap_entry) };
    const struct heap *later = &windows->homes[index].later;
    for (size_t i = 0; i < LEVELS_BYTES; i += WINDOWS_CACHE_LINE) {
        __builtin_prefetch((const char *)later->entries + i);
    }
    __builtin_prefetch(later->entries + later->n);
}

void homes_take_due(struct windows *windows, struct lane *lane, uint32_t index)
{
    struct home *home = &windows->homes[index];
    while (home->later.n && heap_top(&home->later)->key < windows->home_horizon) {
        const struct heap_entry entry = heap_pop(&home->later);
        add_due(lane, home, &entry);
    }
}

bool homes_next(const struct windows *windows, uint32_t index, struct heap_entry *next)
{
    const struct home *home = &windows->homes[index];
    if (home->delivered == home->n_due ||
        !window_has(&windows->end, home->due[home->delivered].key, home->due[home->delivered].tie)) {
        return false;
    }
    *next = home->due[home->delivered];
    return true;
}

void homes_deliver(struct windows *windows, struct lane *lane, uint32_t index)
{
    struct home *home = &windows->homes[index];
    if (home->delivered == home->counted) {
        lane->sent_home++;
        router_sent_home_apart(windows->cluster->router, index, 1);
        home->counted++;
    }
    home->delivered++;
}

/* All turns that are due in the period surely go home. */
static bool is_sure(const struct windows *windows, uint32_t index, uint32_t most)
{
    const struct router *router = windows->cluster->router;
    const struct home *home = &windows->homes[index];
    const uint64_t coming = home->n_due - home->counted;
    return !coming ||
           (router_home_is_open(router, index) && router_outstanding(router, index) + coming <= (uint64_t)most + 1);
}

static void add_unsure(struct unsure_homes *list, uint32_t index)
{
    list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
    list->items[list->n++] = index;
}

static simtime least(simtime a, simtime b)
{
    return a < b ? a : b;
}

void homes_close(struct windows *windows, struct lane *lane, uint32_t index)
{
    struct home *home = &windows->homes[index];
    if (home->delivered) {
        drop_delivered(home);
    }
    simtime effect = windows->effects[index];
    simtime ready = home->later.n ? heap_top(&home->later)->key : SIMTIME_NEVER;
    simtime first = ready;
    for (uint32_t i = home->n_due; i-- > 0;) {
        const struct heap_entry *entry = &home->due[i];
        effect = least(effect, window_later(entry->key, service_of(entry)));
        first = entry->key;
        ready = window_has(&windows->end, entry->key, entry->tie) ? ready : entry->key;
    }
    windows->effects[index] = effect;
    windows->ready_at_home[index] = ready;
    struct quiet *quiet = &windows->quiet[index];
    quiet->until = least(quiet->until, window_later(first, windows->cluster->settings.dispatch_latency));
    if (windows->instant < 0 && !home->unsure && !is_sure(windows, index, windows->home_most)) {
        home->unsure = true;
        add_unsure(&lane->unsure, index);
    }
}

void homes_observe(struct windows *windows, struct partition *partition)
{
    struct router *router = windows->cluster->router;
    partition->outstanding = 0;
    partition->peak = 0;
    for (uint32_t i = partition->first; i < partition->first + partition->n; i++) {
        const struct home *home = &windows->homes[i];
        const uint32_t outstanding = router_observe_apart(router, i, &windows->snapshots[i]);
        const uint32_t peak = router_home_is_open(router, i) ? outstanding + home->n_due - home->counted : UINT32_MAX;
        partition->outstanding += outstanding;
        partition->peak = peak > partition->peak ? peak : partition->peak;
    }
    router_block_observed(router, partition->first, (uint32_t)windows->cluster->settings.partition);
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
    for (; to < home->n_due && window_has(end, home->due[to].key, home->due[to].tie); to++) {
        const struct heap_entry *entry = &home->due[to];
        due_reserve(out, out->n + 1);
        out->entries[out->n++] = (struct calendar_entry){
            .time = entry->key,
            .tie = entry->tie,
            .a = place_pack(windows->cluster->rank, index, (uint32_t)entry->payload),
            .b = service_of(entry),
        };
    }
    for (uint32_t i = to; i < home->n_due; i++) {
        home->due[from + i - to] = home->due[i];
    }
    home->n_due -= to - from;
    windows->due_at_home -= to - from;
}

void homes_withdraw(struct windows *windows, const struct window_end *end, struct due *out)
{
    for (size_t i = 0; i < windows->unsure.n; i++) {
        const uint32_t index = windows->unsure.items[i];
        const struct home *home = &windows->homes[index];
        uint32_t from = home->counted;
        while (from < home->n_due && window_has(&windows->end, home->due[from].key, home->due[from].tie)) {
            from++; /* went home in an earlier window */
        }
        withdraw(windows, index, from, end, out);
    }
}

/* Counts the turns that went home before a decision at `time`; whether there were any. */
static bool count(struct windows *windows, uint32_t index, simtime time, uint64_t key)
{
    struct home *home = &windows->homes[index];
    uint32_t n = 0;
    while (home->counted + n < home->n_due && is_before(&home->due[home->counted + n], time, key)) {
        n++;
    }
    if (n) {
        router_sent_home_apart(windows->cluster->router, index, n);
        account(windows, n);
        home->counted += n;
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

void homes_after(struct windows *windows, uint32_t chosen, const struct window_end *end)
{
    struct home *home = &windows->homes[chosen];
    if (home->unsure || is_sure(windows, chosen, windows->home_most)) {
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
    for (uint32_t i = 0; i < n; i++) {
        struct home *home = &windows->homes[i];
        *home = (struct home){.due = home->few, .due_capacity = FEW_DUE};
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
        if (home->due != home->few) {
            mem_free(home->due);
        }
    }
    mem_free(windows->homes);
    mem_free(windows->ready_at_home);
    mem_free(windows->unsure.items);
}

uint64_t homes_count(const struct windows *windows, uint32_t index)
{
    const struct home *home = &windows->homes[index];
    return home->n_due - home->delivered + home->later.n;
}

void homes_resume(struct windows *windows)
{
    windows->home_horizon = router_next_snapshot(windows->cluster->router);
    windows->home_most = router_home_most(windows->cluster->router, 0);
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        struct partition *partition = &windows->partitions[i];
        for (uint32_t k = partition->first; k < partition->first + partition->n; k++) {
            homes_take_due(windows, &windows->lanes[0], k);
            homes_close(windows, &windows->lanes[0], k);
            partition->effect = least(partition->effect, windows->effects[k]);
            partition->ready = least(partition->ready, windows->ready_at_home[k]);
        }
    }
}
