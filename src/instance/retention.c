#include "instance/residency.h"

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

static void retain(struct instance *instance, struct sequence *sequence, const struct asim_retention *decision,
                   simtime now)
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
    residency_set_deadline(instance, resident, decision->action == ASIM_PIN ? decision->until : 0, now);
}

void engine_part(struct instance *instance, struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    struct asim_retention decision = consult_completion(instance, sequence, now);
    const bool is_last = residency_guest(residency, sequence)->facts.is_last;
    if (!is_last) {
        count_decision(&residency->counters, decision.action);
    }
    struct resident *before = residency_find(residency, sequence->program);
    if (before) { /* another branch of the program ended earlier, or it has been elsewhere since */
        residency_remove(instance, residency_index(residency, before), now);
    }
    const bool retained = decision.action == ASIM_HOLD || (decision.action == ASIM_PIN && decision.until > now);
    if (retained && !is_last && sequence->holder.hashed_blocks) {
        retain(instance, sequence, &decision, now);
    } else if (decision.action == ASIM_DROP) {
        kv_drop(instance->pool, &sequence->holder);
    } else {
        kv_release(instance->pool, &sequence->holder);
    }
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
    residency_set_timer(instance);
}

void engine_return(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    residency_guest(residency, sequence)->running_since = now;
    struct resident *resident = residency_find(residency, sequence->program);
    if (resident) {
        *(resident->is_pin ? &residency->counters.pins_returned : &residency->counters.holds_returned) += 1;
        residency_remove(instance, residency_index(residency, resident), now);
    }
    consult_admission(instance, sequence, now);
}

void engine_leave(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct guest *guest = residency_guest(instance->residency, sequence);
    guest->served += now - guest->running_since;
    guest->running_since = SIMTIME_NEVER;
    engine_rank(instance, sequence, now);
}

/* ---- time ---- */

void engine_pass_timer(struct instance *instance, simtime now)
{
    struct residency *residency = instance->residency;
    for (size_t i = residency->n_residents; i-- > 0;) {
        const struct resident *resident = residency->residents[i];
        if (resident->is_pin && !resident->has_returned && resident->until <= now) {
            residency->counters.pins_expired++;
            residency_remove(instance, i, now);
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
    if (instance->waiting.n && !instance->n_batches && instance->compose_at == SIMTIME_NEVER) {
        instance->compose_at = now;
    }
}

void instance_drain(struct instance *instance)
{
    struct residency *residency = instance->residency;
    assert(instance_turns_inside(instance) == 0);
    while (residency && residency->n_residents) {
        const struct resident *resident = residency->residents[residency->n_residents - 1];
        const bool expires = resident->is_pin && resident->until != SIMTIME_NEVER;
        const simtime last = instance->device_free > resident->since ? instance->device_free : resident->since;
        residency->counters.pins_expired += expires;
        residency_remove(instance, residency->n_residents - 1, expires ? resident->until : last);
    }
}

/* ---- pressure ---- */

/* Blocks that would be free without those residents: what several of them share and nobody else holds is left out. */
static uint64_t within_reach(const struct instance *instance, bool pins_too, uint64_t except)
{
    const struct residency *residency = instance->residency;
    uint64_t blocks = kv_free(instance->pool);
    for (size_t i = 0; i < residency->n_residents; i++) {
        const struct resident *resident = residency->residents[i];
        if (resident->program != except && (pins_too || !resident->is_pin)) {
            blocks += kv_private_blocks(instance->pool, &resident->holder);
        }
    }
    return blocks;
}

/* The hold that goes first: of a program that is away rather than of one that waits here, by the policy's order. */
static struct resident *first_hold(struct instance *instance, uint64_t except, simtime now)
{
    const struct residency *residency = instance->residency;
    struct resident *first = NULL;
    double first_order = 0.0;
    for (size_t i = 0; i < residency->n_residents; i++) {
        struct resident *resident = residency->residents[i];
        if (resident->is_pin || resident->program == except) {
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

/* The pin that yields; NULL: none does. */
static struct resident *yielding_pin(struct instance *instance, uint32_t needed, bool by_running, uint64_t except,
                                     simtime now)
{
    const struct asim_pressure pressure = {
        .needed = needed - kv_free(instance->pool), .by_running = by_running, .deadlock = instance->running.n == 0};
    struct resident *resident = consult_pressure(instance, &pressure, now);
    if (resident && resident->program == except) {
        return NULL; /* it would make room for itself */
    }
    return resident;
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

bool engine_find_blocks(struct instance *instance, uint32_t needed, bool by_running, uint64_t except, simtime now)
{
    struct residency *residency = instance->residency;
    while (needed > kv_free(instance->pool)) {
        const bool deadlock = instance->running.n == 0;
        if (!residency->n_residents || (!deadlock && within_reach(instance, true, except) < needed)) {
            return false;
        }
        struct resident *resident = NULL;
        if (within_reach(instance, false, except) >= needed || deadlock) {
            resident = first_hold(instance, except, now);
        }
        residency->counters.holds_evicted += resident != NULL;
        if (!resident && (resident = yielding_pin(instance, needed, by_running, except, now))) {
            *(resident->is_pin ? &residency->counters.pins_forced : &residency->counters.holds_evicted) += 1;
        }
        if (!resident && deadlock && (resident = residency_find(residency, except))) {
            residency->counters.pins_forced += resident->is_pin; /* the last resort: its own, to be computed again */
            residency->counters.holds_evicted += !resident->is_pin;
        }
        if (!resident) {
            return false;
        }
        give_up(instance, resident, now);
    }
    return true;
}
