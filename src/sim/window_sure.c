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
            windows->returns[i].unsure = true;
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
        windows->returns[windows->unsure.items[i]].unsure = false;
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
    const uint32_t to = home_first_from(home, from, end->time, end->key);
    due_reserve(out, out->n + to - from);
    for (uint32_t i = from; i < to; i++) {
        const struct heap_entry *entry = &home->near[i];
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
    windows->ready_at_home[index] =
        home->delivered < home->n_near ? home->near[home->delivered].key : home->first_later;
    windows->coming_home[index] -= to - from;
    windows->due_at_home -= to - from;
}

void homes_withdraw(struct windows *windows, const struct window_end *end, struct due *out)
{
    enum { AHEAD = 8 };
    const struct unsure_homes *unsure = &windows->unsure;
    for (size_t i = 0; i < unsure->n; i++) {
        if (i + AHEAD < unsure->n && windows->ready_at_home[unsure->items[i + AHEAD]] <= end->time) {
            homes_prefetch(windows, unsure->items[i + AHEAD]);
        }
        const uint32_t index = unsure->items[i];
        if (windows->ready_at_home[index] > end->time) {
            continue;
        }
        const struct home *home = &windows->homes[index];
        /* Those before it went home in an earlier window. */
        const uint32_t from = home_first_from(home, home->counted, windows->end.time, windows->end.key);
        withdraw(windows, index, from, end, out);
    }
}

/* ---- how far a window may go on ----
 *
 * In a window, an instance sets off a turn with its home there at its least effect at the earliest, and each of the
 * programs there that may do so may set off the next one `return_time` later, if it is a quick one: only such do so
 * twice in a period. As long as they all find room there, they go home. */

/* How many more turns surely go home besides `coming` ones. */
static int64_t room_at_home(const struct windows *windows, uint32_t index, uint32_t coming)
{
    const struct router *router = windows->cluster->router;
    if (windows->returns[index].unsure || !router_home_is_open(router, index)) {
        return 0;
    }
    return (int64_t)windows->home_most + 1 - router_outstanding(router, index) - coming;
}

simtime homes_limit(const struct windows *windows, uint32_t index)
{
    const simtime effect = windows->effects[index];
    const struct returns *returns = &windows->returns[index];
    if (!windows->local || effect >= windows->home_horizon || returns->before != windows->home_horizon || !returns->n) {
        return effect;
    }
    const int64_t turns = room_at_home(windows, index, windows->coming_home[index]) / returns->n;
    if (turns <= 0) {
        return effect;
    }
    if (!returns->quick) {
        return windows->home_horizon;
    }
    simtime all; /* where homes are hardly ever left there is room for any number of turns */
    return __builtin_mul_overflow(turns, windows->return_time, &all) ? SIMTIME_NEVER : window_later(effect, all);
}

simtime homes_least_limit(const struct windows *windows)
{
    simtime least = SIMTIME_NEVER;
    for (uint32_t i = 0; i < windows->n_partitions; i++) {
        const struct partition *partition = &windows->partitions[i];
        if (partition->effect >= windows->home_horizon) {
            least = simtime_least(least, partition->effect);
            continue;
        }
        for (uint32_t k = partition->first; k < partition->first + partition->n; k++) {
            least = simtime_least(least, homes_limit(windows, k));
        }
    }
    return least;
}

bool homes_may_stay(const struct windows *windows, uint32_t index, simtime time)
{
    if (!windows->local || time < windows->effects[index]) {
        return false;
    }
    /* Turns that become due after the window are counted with those of its instant, if it ends at one. */
    const struct home *home = &windows->homes[index];
    const uint32_t coming = home_first_from(home, home->counted, windows->end.time, windows->end.key) - home->counted;
    return room_at_home(windows, index, coming) > 0;
}

/* ---- what decisions count ---- */

/* Counts the turns that went home before a decision at `time`; whether there were any. */
static bool count(struct windows *windows, uint32_t index, simtime time, uint64_t key)
{
    if (!windows->coming_home[index]) {
        return false;
    }
    struct home *home = &windows->homes[index];
    const uint32_t n = home_first_from(home, home->counted, time, key) - home->counted;
    if (n) {
        router_sent_home_apart(windows->cluster->router, index, n);
        account(windows, n);
        home->counted += n;
        windows->coming_home[index] -= n;
    }
    return n > 0;
}

/* All turns that are ready before `time` are known, wherever they are set off. */
static bool is_resolved(const struct windows *windows, simtime time)
{
    return time <= windows->resolved || time < windows->first_effect;
}

bool homes_can_decide(struct windows *windows, const struct ready_turn *turn)
{
    if (turn->home == NO_HOME || is_resolved(windows, turn->time)) {
        return true;
    }
    count(windows, turn->home, turn->time, turn->key);
    const struct router *router = windows->cluster->router;
    return !router_home_is_open(router, turn->home) ||
           router_outstanding(router, turn->home) <= router_home_most(router, 0);
}

/* Whether the turn goes home, as what has been counted tells. */
static bool stays(struct windows *windows, const struct ready_turn *turn)
{
    const struct router *router = windows->cluster->router;
    count(windows, turn->home, turn->time, turn->key);
    const uint32_t outstanding = router_outstanding(router, turn->home);
    if (!router_home_is_open(router, turn->home)) {
        return false;
    }
    if (outstanding <= router_home_most(router, 0)) {
        return true;
    }
    homes_account(windows);
    if (outstanding > router_home_most(router, windows->due_at_home)) {
        return false;
    }
    for (uint32_t i = 0; i < windows->cluster->plan.n_instances; i++) {
        count(windows, i, turn->time, turn->key);
    }
    return outstanding <= router_home_most(router, 0);
}

/* An instance is unsure from now on: its turns that are not counted are routed in this window, as far as it goes. */
static void withdraw_known(struct windows *windows, uint32_t index, const struct window_end *end)
{
    struct due *known = &windows->known;
    const size_t n = known->n;
    withdraw(windows, index, windows->homes[index].counted, end, known);
    if (known->n > n) {
        const size_t left = known->n - windows->known_next;
        due_reserve(&windows->scratch, left);
        calendar_sort(known->entries + windows->known_next, left, windows->scratch.entries);
    }
}

/* Turns that the instance sets off before a decision about `turn` are among those that can be counted then. */
static bool resolve(struct windows *windows, uint32_t index, const struct ready_turn *turn, struct window_end *end)
{
    if (windows->effects[index] > turn->time || turn->time <= windows->resolved) {
        return false;
    }
    const bool was_unsure = windows->returns[index].unsure;
    windows_advance_early(windows, index, &(struct window_end){.time = turn->time, .key = turn->key});
    homes_account(windows);
    if (windows->returns[index].unsure && !was_unsure) {
        window_close(end, homes_limit(windows, index), 0, WINDOW_TURN);
        withdraw_known(windows, index, end);
    }
    return true;
}

void homes_before(struct windows *windows, const struct ready_turn *turn, struct window_end *end)
{
    if (turn->home != NO_HOME && stays(windows, turn)) {
        return;
    }
    uint32_t resolved = NO_HOME;
    for (;;) {
        bool current;
        const uint32_t instance = router_least_loaded(windows->cluster->router, &current);
        bool changed = false;
        if (windows->local && instance != resolved) {
            changed = resolve(windows, instance, turn, end);
            resolved = instance;
        }
        changed |= count(windows, instance, turn->time, turn->key);
        if (!changed && current) {
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

void homes_after(struct windows *windows, uint32_t chosen, simtime effect, struct window_end *end)
{
    prefetch_next(windows);
    windows->first_effect = simtime_least(windows->first_effect, effect);
    struct returns *returns = &windows->returns[chosen];
    if (effect < returns->before) {
        returns->n++;
        returns->quick = true; /* not known before it is delivered */
    }
    window_close(end, homes_limit(windows, chosen), 0, WINDOW_TURN);
    if (!home_is_sure(windows, chosen, windows->home_most) && !windows->returns[chosen].unsure) {
        windows->returns[chosen].unsure = true;
        unsure_add(&windows->unsure, chosen);
        withdraw_known(windows, chosen, end);
    }
}
