#include "base/mem.h"
#include "pdes/calendar_sort.h"
#include "sim/window_homes.h"

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
            unsure_add(&windows->unsure, lane->unsure.items[k]);
        }
        lane->unsure.n = 0;
    }
}

static void find_unsure(struct windows *windows, const struct partition *partition)
{
    for (uint32_t i = partition->first; i < partition->first + partition->n; i++) {
        if (!home_is_sure(windows, i, windows->home_most)) {
            windows->homes[i].unsure = true;
            unsure_add(&windows->unsure, i);
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
            .b = home_service(entry),
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
    while (home->counted + n < home->n_due && home_is_before(&home->near[home->counted + n], time, key)) {
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
    if (home_is_sure(windows, chosen, windows->home_most) || home->unsure) {
        return;
    }
    home->unsure = true;
    unsure_add(&windows->unsure, chosen);
    struct due *known = &windows->known;
    const size_t n = known->n;
    withdraw(windows, chosen, home->counted, end, known);
    if (known->n > n) {
        const size_t left = known->n - windows->known_next;
        due_reserve(&windows->scratch, left);
        calendar_sort(known->entries + windows->known_next, left, windows->scratch.entries);
    }
}
