#include "base/mem.h"
#include "instance/decision_log.h"
#include "instance/residency/show.h"
#include "instance/tiers/transfers.h"
#include "policy/policy_call.h"

#include <assert.h>
#include <math.h>

/* ---- what came of a call ---- */

const struct policy_fault *instance_fault(const struct instance *instance)
{
    return instance->residency && instance->residency->fault.policy ? &instance->residency->fault : NULL;
}

static void grant(const struct call *call, const struct wish *wish)
{
    struct instance *instance = call->instance;
    struct residency *residency = instance->residency;
    struct resident *resident = residency_find(residency, wish->program);
    if (!resident) {
        return;
    }
    static const enum decision_kind kinds[] = {[WISH_PIN] = DECISION_ASK_PIN,
                                               [WISH_RELEASE] = DECISION_ASK_RELEASE,
                                               [WISH_OFFLOAD] = DECISION_ASK_OFFLOAD,
                                               [WISH_PREFETCH] = DECISION_ASK_PREFETCH};
    engine_log_resident(instance, kinds[wish->kind], resident, 0, wish->kind == WISH_PIN ? wish->until : SIMTIME_NEVER,
                        call->now);
    switch (wish->kind) {
    case WISH_PIN:
        if (resident->blocks) { /* not of a program that is away */
            residency_set_deadline(instance, resident, wish->until, call->now);
        }
        break;
    case WISH_RELEASE:
        residency->counters.pins_released += resident->is_pin;
        residency_remove(instance, residency_index(residency, resident), call->now);
        break;
    case WISH_OFFLOAD:
        engine_send_away(instance, resident, call->now);
        break;
    case WISH_PREFETCH:
        resident->back_at = call->now;
        residency_set_timer(instance);
    }
}

static void grant_wishes(const struct call *call)
{
    struct residency *residency = call->instance->residency;
    for (size_t i = 0; i < residency->n_wishes; i++) {
        grant(call, &residency->wishes[i]);
    }
    residency->n_wishes = 0;
}

/* ---- the functions ---- */

void consult_start(struct instance *instance, struct seat *seat)
{
    if (seat->use->policy->start) {
        struct call call = {.instance = instance, .seat = seat};
        const struct asim_context context = show_context(&call);
        policy_enter(seat->use, "start");
        seat->use->policy->start(&context);
        policy_leave(seat->use);
        grant_wishes(&call);
    }
}

void consult_arrival(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    const struct turn_facts *facts = &residency_guest(residency, sequence)->facts;
    const simtime on_the_way = sequence->arrived - sequence->ready;
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        const struct asim_policy *policy = residency->seats[i].use->policy;
        if (!policy->observe_gap && !policy->on_turn_arrival) {
            continue;
        }
        struct call call = {.instance = instance, .seat = &residency->seats[i], .now = now};
        const struct asim_context context = show_context(&call);
        if (policy->observe_gap && facts->gap_before >= 0) { /* as it is seen from here */
            policy_enter(residency->seats[i].use, "observe_gap");
            policy->observe_gap(&context, facts->tool_before, facts->gap_before + on_the_way);
            policy_leave(residency->seats[i].use);
        }
        if (policy->on_turn_arrival) {
            const struct asim_turn turn = show_turn(&call, sequence);
            policy_enter(residency->seats[i].use, "on_turn_arrival");
            policy->on_turn_arrival(&context, &turn);
            policy_leave(residency->seats[i].use);
        }
        grant_wishes(&call);
    }
}

void consult_admission(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        const struct asim_policy *policy = residency->seats[i].use->policy;
        if (policy->observe_admission) {
            struct call call = {.instance = instance, .seat = &residency->seats[i], .now = now};
            const struct asim_context context = show_context(&call);
            const struct asim_turn turn = show_turn(&call, sequence);
            policy_enter(residency->seats[i].use, "observe_admission");
            policy->observe_admission(&context, &turn,
                                      now - (sequence->preemptions ? sequence->waiting_since : sequence->arrived));
            policy_leave(residency->seats[i].use);
            grant_wishes(&call);
        }
    }
}

void consult_tick(struct instance *instance, struct seat *seat, simtime now)
{
    struct call call = {.instance = instance, .seat = seat, .now = now};
    const struct asim_context context = show_context(&call);
    policy_enter(seat->use, "tick");
    seat->use->policy->tick(&context);
    policy_leave(seat->use);
    grant_wishes(&call);
}

void consult_plan(struct instance *instance, simtime now)
{
    struct residency *residency = instance->residency;
    const struct asim_step step = engine_next_step(instance);
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        struct seat *seat = &residency->seats[i];
        if (seat->use->policy->plan_transfers) {
            struct call call = {.instance = instance, .seat = seat, .now = now};
            const struct asim_context context = show_context(&call);
            policy_enter(seat->use, "plan_transfers");
            seat->use->policy->plan_transfers(&context, &step);
            policy_leave(seat->use);
            grant_wishes(&call);
        }
    }
}

static bool is_sound(struct instance *instance, const struct seat *seat, const struct asim_retention *answer,
                     simtime now)
{
    if ((unsigned)answer->action > ASIM_DROP) {
        policy_fault_set(&instance->residency->fault, seat->use->policy, "on_turn_complete",
                         "action %d; allowed: 0 to %d", (int)answer->action, ASIM_DROP);
        return false;
    }
    if (answer->action == ASIM_PIN && answer->until < now) {
        policy_fault_set(&instance->residency->fault, seat->use->policy, "on_turn_complete",
                         "a pin until %.6f s at %.6f s; allowed: not before now", simtime_to_s(answer->until),
                         simtime_to_s(now));
        return false;
    }
    if (isnan(answer->score)) {
        policy_fault_set(&instance->residency->fault, seat->use->policy, "on_turn_complete",
                         "a score that is not a number");
        return false;
    }
    return true;
}

struct asim_retention consult_completion(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct residency *residency = instance->residency;
    struct asim_retention decision = {.action = ASIM_KEEP, .until = ASIM_NEVER, .tier = ASIM_NONE};
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        struct seat *seat = &residency->seats[i];
        if (!seat->use->policy->on_turn_complete) {
            continue;
        }
        struct call call = {.instance = instance, .seat = seat, .now = now};
        const struct asim_context context = show_context(&call);
        struct asim_turn turn = show_turn(&call, sequence);
        turn.tool = residency_guest(residency, sequence)->facts.tool_after;
        policy_enter(seat->use, "on_turn_complete");
        const struct asim_retention answer = seat->use->policy->on_turn_complete(&context, &turn);
        policy_leave(seat->use);
        if (seat == residency->retention && is_sound(instance, seat, &answer, now)) {
            decision = answer;
        }
        grant_wishes(&call);
    }
    return decision;
}

double consult_evict_order(struct instance *instance, const struct resident *resident, simtime now)
{
    const struct seat *seat = instance->residency->retention;
    if (!seat->use->policy->evict_order) {
        return (double)resident->since;
    }
    struct call call = {.instance = instance, .seat = seat, .now = now};
    const struct asim_context context = show_context(&call);
    const struct asim_resident shown = show_resident(&call, resident);
    policy_enter(seat->use, "evict_order");
    const double order = seat->use->policy->evict_order(&context, &shown);
    policy_leave(seat->use);
    instance->residency->n_wishes = 0;
    if (isnan(order)) {
        policy_fault_set(&instance->residency->fault, seat->use->policy, "evict_order", "a score that is not a number");
        return 0.0;
    }
    return order;
}

/* In a deadlock the pin of the latest program yields; otherwise none does. */
static struct resident *engine_pressure(const struct residency *residency, const struct asim_pressure *pressure,
                                        uint64_t except)
{
    struct resident *latest = NULL;
    for (size_t i = 0; pressure->deadlock && i < residency->n_residents; i++) {
        struct resident *resident = residency->residents[i];
        if (!resident->blocks || resident->program == except) {
            continue;
        }
        if (!latest || resident->program_arrival > latest->program_arrival) {
            latest = resident;
        }
    }
    return latest;
}

struct resident *consult_pressure(struct instance *instance, const struct asim_pressure *pressure, uint64_t except,
                                  simtime now)
{
    struct residency *residency = instance->residency;
    const struct seat *seat = residency->retention;
    if (!seat->use->policy->on_pressure) {
        return engine_pressure(residency, pressure, except);
    }
    struct call call = {.instance = instance, .seat = seat, .now = now};
    const struct asim_context context = show_context(&call);
    policy_enter(seat->use, "on_pressure");
    const uint32_t answer = seat->use->policy->on_pressure(&context, pressure);
    policy_leave(seat->use);
    residency->n_wishes = 0;
    if (answer != ASIM_NONE && answer >= residency->n_residents) {
        policy_fault_set(&instance->residency->fault, seat->use->policy, "on_pressure", "resident %u of %zu", answer,
                         residency->n_residents);
    }
    /* One that is away has nothing to give, and the one for whom room is made has nothing to gain. */
    const bool yields = answer < residency->n_residents && residency->residents[answer]->blocks &&
                        residency->residents[answer]->program != except;
    return yields ? residency->residents[answer] : engine_pressure(residency, pressure, except);
}

struct asim_priority consult_priority(struct instance *instance, const struct sequence *sequence, simtime now)
{
    const struct seat *seat = instance->residency->scheduling;
    struct call call = {.instance = instance, .seat = seat, .now = now};
    const struct asim_context context = show_context(&call);
    const struct asim_turn turn = show_turn(&call, sequence);
    policy_enter(seat->use, "priority");
    const struct asim_priority priority = seat->use->policy->priority(&context, &turn);
    policy_leave(seat->use);
    instance->residency->n_wishes = 0;
    return priority;
}

struct sequence *consult_victim(struct instance *instance, simtime now)
{
    struct residency *residency = instance->residency;
    const struct seat *seat = residency->scheduling;
    if (!seat->use->policy->victim) {
        return NULL;
    }
    struct call call = {.instance = instance, .seat = seat, .now = now};
    const struct asim_context context = show_context(&call);
    if (!context.n_running) {
        return NULL;
    }
    policy_enter(seat->use, "victim");
    const uint32_t answer = seat->use->policy->victim(&context);
    policy_leave(seat->use);
    residency->n_wishes = 0;
    if (answer >= context.n_running) {
        policy_fault_set(&instance->residency->fault, seat->use->policy, "victim", "running turn %u of %u", answer,
                         context.n_running);
        return NULL;
    }
    residency->shown_list = NULL;
    return (struct sequence *)show_at_index(instance, &instance->running, answer);
}

bool consult_admit(struct instance *instance, const struct sequence *sequence, simtime now)
{
    const struct seat *seat = instance->residency->scheduling;
    if (!seat->use->policy->admit) {
        return true;
    }
    struct call call = {.instance = instance, .seat = seat, .now = now};
    const struct asim_context context = show_context(&call);
    const struct asim_turn turn = show_turn(&call, sequence);
    policy_enter(seat->use, "admit");
    const bool answer = seat->use->policy->admit(&context, &turn);
    policy_leave(seat->use);
    grant_wishes(&call);
    return answer;
}
