#include "instance/decision_log.h"
#include "instance/tiers/transfers.h"

#include <assert.h>

/* ---- turns that end ---- */

static void count_decision(struct residency_counters *counters, enum asim_retention_action action)
{
    switch (action) {
    case ASIM_HOLD:
        counters->held++;
        break;
    case ASIM_PIN:
        counters->pinned++;
        break;
    case ASIM_OFFLOAD:
        counters->offloaded++;
        break;
    case ASIM_DROP:
        counters->dropped++;
        break;
    default:
        counters->kept++;
    }
}

static void keep_content(struct resident *resident, struct content content)
{
    for (uint32_t i = 0; i < content.n_extents; i++) {
        extent_list_append(&resident->content, content.extents[i]);
    }
}

/* The holder may be empty: the program is away then. */
static struct resident *retain(struct instance *instance, struct sequence *sequence,
                               const struct asim_retention *decision, simtime now)
{
    struct residency *residency = instance->residency;
    const struct turn_facts *facts = &residency_guest(residency, sequence)->facts;
    kv_trim(instance->pool, &sequence->holder);
    struct resident *resident = residency_add(instance, sequence->program, &sequence->holder);
    resident->turn = sequence->turn;
    resident->tool = facts->tool_after;
    resident->context_toks = (uint32_t)sequence->base;
    resident->program_arrival = facts->program_arrival;
    resident->since = now;
    resident->returns = facts->gap_after < SIMTIME_NEVER - now ? now + facts->gap_after : SIMTIME_NEVER;
    resident->score = decision->score;
    if (instance->node) {
        keep_content(resident, sequence->content);
    }
    residency_set_deadline(instance, resident, decision->action == ASIM_PIN ? decision->until : 0, now);
    return resident;
}

/* The program's KV goes to the first tier, and back at `until` if that is a time. */
static void send_away(struct instance *instance, struct sequence *sequence, const struct asim_retention *decision,
                      simtime now)
{
    const bool stored = engine_store(instance, sequence->program, sequence->content, sequence->holder.hashed_blocks,
                                     sequence->holder.hashed_blocks, true, now);
    kv_release(instance->pool, &sequence->holder); /* the store holds it until it is over */
    if (decision->until != ASIM_NEVER) {
        struct resident *resident = retain(instance, sequence, decision, now);
        resident->is_offloading = stored;
        resident->back_at = decision->until > now ? decision->until : now;
        residency_set_timer(instance);
    }
}

/* The leading full blocks of what the sequence holds; of `twice_toks` they have been hit twice. */
static void store_toks(struct instance *instance, const struct sequence *sequence, uint32_t toks, uint32_t twice_toks,
                       simtime now)
{
    const uint32_t block_size = instance->config->block_size;
    const uint32_t blocks = toks / block_size;
    const uint32_t hashed = sequence->holder.hashed_blocks;
    if (blocks) {
        engine_store(instance, sequence->program, sequence->content, blocks < hashed ? blocks : hashed,
                     twice_toks / block_size, true, now);
    }
}

void engine_part(struct instance *instance, struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    struct asim_retention decision = consult_completion(instance, sequence, now);
    const bool is_last = residency_guest(residency, sequence)->facts.is_last &&
                         !(instance->config->pins_until_needed && decision.action == ASIM_PIN);
    if (!is_last) {
        count_decision(&residency->counters, decision.action);
        engine_log_retention(instance, &decision, sequence, now);
    }
    struct resident *before = residency_find(residency, sequence->program);
    if (before) { /* another branch of the program ended earlier, or it has been elsewhere since */
        residency_remove(instance, residency_index(residency, before), now);
    }
    if (decision.action == ASIM_KEEP && instance->node && instance->node->plan->engine == OFFLOAD_WRITE_BACK) {
        decision.action = ASIM_HOLD; /* so that it is written when it must go */
    }
    const bool retained = decision.action == ASIM_HOLD || (decision.action == ASIM_PIN && decision.until > now);
    if (retained && !is_last && sequence->holder.hashed_blocks) {
        retain(instance, sequence, &decision, now);
    } else if (decision.action == ASIM_OFFLOAD && !is_last && instance->node) {
        send_away(instance, sequence, &decision, now);
    } else if (decision.action == ASIM_DROP) {
        kv_drop(instance->pool, &sequence->holder);
    } else {
        kv_release(instance->pool, &sequence->holder);
    }
#ifndef NDEBUG
    if (is_last) {
        engine_check_ended(instance, sequence->program);
    }
#endif
}

/* ---- turns that come back ---- */

void engine_arrive(struct instance *instance, struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    struct resident *resident = residency_find(residency, sequence->program);
    if (resident) {
        resident->has_returned = true;
    }
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        struct seat *seat = &residency->seats[i];
        if (seat->tick_at == SIMTIME_NEVER && seat->tick_period != SIMTIME_NEVER) {
            seat->tick_at = (now / seat->tick_period + 1) * seat->tick_period;
        }
    }
    consult_arrival(instance, sequence, now);
    engine_rank(instance, sequence, now);
    if (instance->node) {
        engine_raise(instance, sequence, now);
    }
    residency_set_timer(instance);
}

/* What the turn hit has been used, and is worth a copy. */
static void note_hit(struct instance *instance, const struct sequence *sequence, simtime now)
{
    if (!instance->node || sequence->preemptions) {
        return;
    }
    engine_use_tiers(instance, sequence);
    const uint32_t hit = (uint32_t)sequence->base;
    const uint32_t before = residency_guest(instance->residency, sequence)->facts.kept_before;
    const uint32_t twice = hit < before ? hit : before;
    const enum offload_engine engine = instance->node->plan->engine;
    if (engine == OFFLOAD_FIRST_HIT) {
        store_toks(instance, sequence, hit, twice, now);
    } else if (engine == OFFLOAD_SECOND_HIT) {
        store_toks(instance, sequence, twice, twice, now);
    }
    engine_store_lasting(instance, sequence->program, sequence->content, twice / instance->config->block_size, now);
}

void engine_stored(struct instance *instance, uint64_t program, simtime now)
{
    struct resident *resident = residency_find(instance->residency, program);
    if (resident && resident->is_offloading && !engine_is_storing(instance, program)) {
        resident->is_offloading = false;
        if (resident->back_at < now) {
            resident->back_at = now;
        }
        residency_set_timer(instance);
    }
}

void engine_return(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    residency_guest(residency, sequence)->running_since = now;
    residency_guest(residency, sequence)->stored_blocks = 0;
    engine_log_turn(instance, DECISION_START, sequence, now);
    note_hit(instance, sequence, now);
    struct resident *resident = residency_find(residency, sequence->program);
    if (resident && resident->blocks) {
        *(resident->is_pin ? &residency->counters.pins_returned : &residency->counters.holds_returned) += 1;
    }
    consult_admission(instance, sequence, now); /* who is shown what was held for the turn */
    resident = residency_find(residency, sequence->program);
    if (resident) {
        residency_remove(instance, residency_index(residency, resident), now);
    }
}

void engine_leave(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct guest *guest = residency_guest(instance->residency, sequence);
    guest->served += now - guest->running_since;
    guest->running_since = SIMTIME_NEVER;
    if (sequence->computed_before > guest->thrown_toks) {
        guest->thrown_toks = sequence->computed_before;
    }
    engine_rank(instance, sequence, now);
}

void engine_go_unserved(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    struct resident *resident = residency_find(residency, sequence->program);
    residency->queue.batch = 0;
    if (resident) { /* another turn of a graph may still wait */
        resident->has_returned = false;
        for (const struct sequence *other = instance->waiting.head; other; other = other->next) {
            resident->has_returned |= other->program == sequence->program;
        }
        if (!resident->has_returned && resident->until < now) {
            resident->until = now; /* a pin outlived its deadline for the turn */
        }
    }
    residency_set_timer(instance);
}

void engine_give_up(struct instance *instance, uint64_t program, simtime now)
{
    struct residency *residency = instance->residency;
    const struct resident *resident = residency_find(residency, program);
    if (resident && !resident->has_returned) {
        residency->counters.pins_released += resident->is_pin;
        residency_remove(instance, residency_index(residency, resident), now);
    }
}

/* ---- time ---- */

void engine_pass_timer(struct instance *instance, simtime now)
{
    struct residency *residency = instance->residency;
    if (instance->node) {
        node_pass(instance->node, now);
        engine_stop_late_raises(instance, now);
    }
    for (size_t i = residency->n_residents; i-- > 0;) {
        const struct resident *resident = residency->residents[i];
        if (residency_lapses(instance, resident) && resident->until <= now) {
            residency->counters.pins_expired++;
            residency_remove(instance, i, now);
        }
    }
    for (size_t i = 0; i < residency->n_residents; i++) {
        struct resident *resident = residency->residents[i];
        if (resident->back_at <= now && !resident->is_offloading) {
            resident->back_at = SIMTIME_NEVER;
            engine_prefetch_program(instance, resident, now);
            i = residency_index(residency, resident); /* others may have gone to make room */
        }
    }
    const bool busy = instance->running.n || instance->waiting.n;
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        struct seat *seat = &residency->seats[i];
        if (seat->tick_at <= now) {
            seat->tick_at = busy ? now + seat->tick_period : SIMTIME_NEVER;
            if (busy) { /* no tick is heard where nothing happens */
                consult_tick(instance, seat, now);
            }
        }
    }
    residency_set_timer(instance);
    instance->head_blocked = false;
    engine_wake(instance, now);
}

static void disarm_ticks(struct instance *instance)
{
    struct residency *residency = instance->residency;
    assert(instance_turns_inside(instance) == 0);
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        residency->seats[i].tick_at = SIMTIME_NEVER;
    }
    residency_set_timer(instance);
}

static void give_up_residents(struct instance *instance)
{
    struct residency *residency = instance->residency;
    while (residency->n_residents) {
        const struct resident *resident = residency->residents[residency->n_residents - 1];
        const simtime last = instance->device_free > resident->since ? instance->device_free : resident->since;
        residency_remove(instance, residency->n_residents - 1, last);
    }
}

void instance_drain(struct instance *const *instances, uint32_t n)
{
    if (!instances[0]->residency) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        disarm_ticks(instances[i]);
    }
    for (;;) {
        struct instance *next = instances[0];
        for (uint32_t i = 1; i < n; i++) {
            next = instances[i]->timer_at < next->timer_at ? instances[i] : next;
        }
        if (next->timer_at == SIMTIME_NEVER) {
            break;
        }
        engine_pass_timer(next, next->timer_at);
    }
    for (uint32_t i = 0; i < n; i++) {
        give_up_residents(instances[i]);
    }
}

/* ---- pressure ---- */

/* Blocks that would be free without holds, and without pins too: what several residents share and nobody else holds is
 * left out. */
struct reach {
    uint64_t holds, all;
};

static struct reach within_reach(const struct instance *instance, uint64_t except)
{
    const struct residency *residency = instance->residency;
    const uint64_t free = kv_free(instance->pool);
    struct reach reach = {free, free};
    for (size_t i = 0; i < residency->n_residents; i++) {
        const struct resident *resident = residency->residents[i];
        if (resident->program != except) {
            const uint32_t blocks = kv_private_blocks(instance->pool, &resident->holder);
            reach.all += blocks;
            reach.holds += resident->is_pin ? 0 : blocks;
        }
    }
    return reach;
}

/* The hold that goes first: of a program that is away rather than of one that waits here, by the policy's order. */
static struct resident *first_hold(struct instance *instance, uint64_t except, simtime now)
{
    const struct residency *residency = instance->residency;
    struct resident *first = NULL;
    double first_order = 0.0;
    for (size_t i = 0; i < residency->n_residents; i++) {
        struct resident *resident = residency->residents[i];
        if (resident->is_pin || !resident->blocks || resident->program == except) {
            continue;
        }
        const double order = consult_evict_order(instance, resident, now);
        if (!first || resident->has_returned < first->has_returned ||
            (resident->has_returned == first->has_returned && order < first_order)) {
            first = resident;
            first_order = order;
        }
    }
    return first;
}

/* In a deadlock, the pin that is past its deadline for longest, else the one with the latest. */
static struct resident *pin_past_use(const struct residency *residency, uint64_t except, simtime now)
{
    struct resident *first = NULL;
    for (size_t i = 0; i < residency->n_residents; i++) {
        struct resident *resident = residency->residents[i];
        if (!resident->is_pin || !resident->blocks || resident->program == except) {
            continue;
        }
        const bool is_past = resident->until <= now;
        const bool first_is_past = first && first->until <= now;
        if (!first || is_past > first_is_past ||
            (is_past == first_is_past && (is_past ? resident->until < first->until : resident->until > first->until))) {
            first = resident;
        }
    }
    return first;
}

/* The pin that yields; NULL: none does. */
static struct resident *yielding_pin(struct instance *instance, uint32_t needed, bool by_running, uint64_t except,
                                     simtime now)
{
    if (instance->config->pins_until_needed) {
        return engine_stands_still(instance, by_running) ? pin_past_use(instance->residency, except, now) : NULL;
    }
    const struct asim_pressure pressure = {.needed = needed - kv_free(instance->pool),
                                           .by_running = by_running,
                                           .deadlock = engine_stands_still(instance, by_running)};
    return consult_pressure(instance, &pressure, except, now);
}

static struct resident *own_blocks(const struct residency *residency, uint64_t program)
{
    struct resident *resident = residency_find(residency, program);
    return resident && resident->blocks ? resident : NULL;
}

/* A resident is given up; where its program has returned, its turns do not wait as ones with a pin any more. */
static void give_up(struct instance *instance, const struct resident *resident, simtime now)
{
    const uint64_t program = resident->program;
    const bool has_returned = resident->has_returned;
    residency_remove(instance, residency_index(instance->residency, resident), now);
    for (const struct sequence *waiting = has_returned ? instance->waiting.head : NULL; waiting;
         waiting = waiting->next) {
        if (waiting->program == program) {
            engine_rank(instance, waiting, now);
        }
    }
}

static bool find_blocks(struct instance *instance, uint32_t needed, bool by_running, uint64_t except, simtime now)
{
    struct residency *residency = instance->residency;
    const bool writes_back = instance->node && instance->node->plan->engine == OFFLOAD_WRITE_BACK;
    while (needed > kv_free(instance->pool)) {
        if (writes_back && !by_running && needed <= kv_free(instance->pool) + engine_blocks_leaving(instance)) {
            return false; /* what is being written will do */
        }
        const bool deadlock = engine_stands_still(instance, by_running);
        if (!residency->n_residents) {
            return false;
        }
        const struct reach reach = within_reach(instance, except);
        const uint64_t most = deadlock ? engine_most_free(instance, ASIM_NO_PROGRAM) : reach.all;
        if (most < needed) {
            return false; /* in a deadlock, because transfers or turns that wait hold blocks */
        }
        struct resident *resident = NULL;
        if (reach.holds >= needed || deadlock) {
            resident = first_hold(instance, except, now);
        }
        if (!resident) {
            resident = yielding_pin(instance, needed, by_running, except, now);
        }
        if (!resident && deadlock) {
            resident = own_blocks(residency, except); /* the last resort, to be computed again */
        }
        if (!resident) {
            return false;
        }
        *(resident->is_pin ? &residency->counters.pins_forced : &residency->counters.holds_evicted) += 1;
        engine_log_resident(instance, resident->is_pin ? DECISION_EVICT_PIN : DECISION_EVICT_HOLD, resident,
                            needed - kv_free(instance->pool), SIMTIME_NEVER, now);
        const uint32_t missing = needed - kv_free(instance->pool);
        if (resident->is_pin && instance->config->pins_until_needed && resident->blocks > missing) {
            residency_shorten(instance, resident, missing, now);
            continue;
        }
        if (writes_back && resident->blocks) { /* running turns cannot wait for it */
            engine_store(instance, resident->program, extent_list_content(&resident->content), resident->blocks, 0,
                         !by_running, now);
        }
        give_up(instance, resident, now);
    }
    return true;
}

bool engine_find_blocks(struct instance *instance, uint32_t needed, bool by_running, uint64_t except, simtime now)
{
#ifndef NDEBUG
    const bool gives_own = engine_stands_still(instance, by_running); /* the last resort */
    const bool can_be = needed <= engine_most_free(instance, gives_own ? ASIM_NO_PROGRAM : except);
    const struct digest holdings = engine_holdings(instance);
#endif
    const bool found = find_blocks(instance, needed, by_running, except, now);
#ifndef NDEBUG
    if (!can_be) {
        engine_check_untouched(instance, holdings);
    }
#endif
    return found;
}
