#include "base/mem.h"
#include "instance/decision_log.h"
#include "instance/tiers/transfers.h"
#include "policy/policy_call.h"

#include <assert.h>
#include <math.h>

/* ---- what a policy is shown ---- */

/* The handle of the host's functions: of one call. */
struct call {
    struct instance *instance;
    const struct seat *seat;
    simtime now;
};

static bool is_oracle(const struct seat *seat)
{
    return seat->use->policy->flags & ASIM_POLICY_ORACLE;
}

static simtime served(const struct guest *guest, simtime now)
{
    return guest->served + (guest->running_since == SIMTIME_NEVER ? 0 : now - guest->running_since);
}

static struct asim_turn show_turn(const struct call *call, const struct sequence *sequence)
{
    const struct instance *instance = call->instance;
    const struct guest *guest = residency_guest(instance->residency, sequence);
    const struct turn_facts *facts = &guest->facts;
    const struct resident *resident = residency_find(instance->residency, sequence->program);
    const bool oracle = is_oracle(call->seat);
    const bool decodes = sequence->state == SEQUENCE_DECODING || sequence->state == SEQUENCE_DRAINING;
    const uint32_t computed = sequence->state == SEQUENCE_WAITING ? 0 : engine_computed(instance, sequence);
    /* What was generated before a preemption is computed again like a prompt. */
    const uint32_t known = decodes ? computed + 1 : sequence->n_tokens;
    const uint32_t generated = known - sequence->prompt_toks;
    return (struct asim_turn){
        .program = sequence->program,
        .turn = sequence->turn,
        .tool = facts->tool_before,
        .prompt_toks = sequence->prompt_toks,
        .output_toks = generated < sequence->limit ? generated : sequence->limit,
        .cached_toks = computed,
        .preemptions = sequence->preemptions,
        .is_last = facts->is_last && !instance->config->pins_until_needed,
        .is_preempted = sequence->state == SEQUENCE_WAITING && sequence->was_admitted,
        .is_retained = resident != NULL,
        .is_pinned = resident && resident->is_pin,
        .program_arrival = facts->program_arrival,
        .ready = sequence->ready,
        .arrived = sequence->arrived,
        .first_scheduled = sequence->was_admitted ? sequence->first_scheduled : ASIM_NEVER,
        .attained = facts->attained,
        .critical = facts->critical,
        .served = served(guest, call->now),
        .tenant = facts->tenant,
        .deadline = facts->deadline,
        .hint_pin = facts->hint_pin,
        .hint_resume = facts->hint_resume,
        .true_gap = oracle ? facts->gap_after : -1,
        .remaining_toks = oracle ? facts->remaining_toks - generated : -1,
    };
}

static struct asim_resident show_resident(const struct call *call, const struct resident *resident)
{
    return (struct asim_resident){
        .program = resident->program,
        .turn = resident->turn,
        .tool = resident->tool,
        .context_toks = resident->context_toks,
        .blocks = resident->blocks,
        .private_blocks = resident->private_blocks,
        .has_returned = resident->has_returned,
        .is_offloading = resident->is_offloading,
        .program_arrival = resident->program_arrival,
        .since = resident->since,
        .pinned_until = resident->is_pin ? resident->until : 0,
        .score = resident->score,
        .true_return = is_oracle(call->seat) ? resident->returns : -1,
    };
}

/* ---- what a policy may ask ---- */

static asim_time host_prefill_time(void *handle, uint32_t context_toks, uint32_t cached_toks)
{
    const struct call *call = handle;
    const struct engine_config *config = call->instance->config;
    simtime time = 0;
    while (cached_toks < context_toks) {
        const uint32_t left = context_toks - cached_toks;
        const uint32_t tokens = left < config->max_num_batched_tokens ? left : config->max_num_batched_tokens;
        const struct prefill_chunk chunk = {.tokens = tokens, .context = cached_toks, .sampled = tokens == left};
        time +=
            step_time_batch(call->instance->step_time, &(struct batch_shape){.n_chunks = 1, .chunks = &chunk}).total;
        time += host_time_exposed(&config->host, tokens);
        cached_toks += tokens;
    }
    return time;
}

static asim_time host_load_time(void *handle, uint32_t tier, uint32_t toks)
{
    const struct call *call = handle;
    const struct instance *instance = call->instance;
    if (!instance->node || tier >= instance->node->plan->n_tiers) {
        return ASIM_NEVER;
    }
    return tier_load_time(instance->node->plan, tier, engine_blocks_of(instance, toks));
}

static void host_resident(void *handle, uint32_t index, struct asim_resident *out)
{
    const struct call *call = handle;
    const struct residency *residency = call->instance->residency;
    *out =
        index < residency->n_residents ? show_resident(call, residency->residents[index]) : (struct asim_resident){0};
}

/* Lists have no numbers: they are written down when a function first asks. */
static void write_down(struct residency *residency, const struct sequence_list *list)
{
    residency->n_shown = 0;
    for (const struct sequence *sequence = list->head; sequence; sequence = sequence->next) {
        if (sequence->state != SEQUENCE_DRAINING) {
            residency->shown = mem_grow(residency->shown, &residency->shown_capacity, residency->n_shown + 1,
                                        sizeof *residency->shown);
            residency->shown[residency->n_shown++] = sequence;
        }
    }
}

static const struct sequence *at_index(const struct instance *instance, const struct sequence_list *list,
                                       uint32_t index)
{
    struct residency *residency = instance->residency;
    if (residency->shown_list != list) {
        write_down(residency, list);
        residency->shown_list = list;
    }
    return index < residency->n_shown ? residency->shown[index] : NULL;
}

static void show_at(const struct call *call, const struct sequence_list *list, uint32_t index, struct asim_turn *out)
{
    const struct sequence *sequence = at_index(call->instance, list, index);
    *out = sequence ? show_turn(call, sequence) : (struct asim_turn){0};
}

static void host_waiting(void *handle, uint32_t index, struct asim_turn *out)
{
    const struct call *call = handle;
    show_at(call, &call->instance->waiting, index, out);
}

static void host_running(void *handle, uint32_t index, struct asim_turn *out)
{
    const struct call *call = handle;
    show_at(call, &call->instance->running, index, out);
}

static void wish(void *handle, struct wish wish)
{
    const struct call *call = handle;
    struct residency *residency = call->instance->residency;
    residency->wishes =
        mem_grow(residency->wishes, &residency->wish_capacity, residency->n_wishes + 1, sizeof *residency->wishes);
    residency->wishes[residency->n_wishes++] = wish;
}

static void host_pin(void *handle, uint64_t program, asim_time until)
{
    wish(handle, (struct wish){.kind = WISH_PIN, .program = program, .until = until});
}

static void host_release(void *handle, uint64_t program)
{
    wish(handle, (struct wish){.kind = WISH_RELEASE, .program = program});
}

static void host_offload(void *handle, uint64_t program, uint32_t tier)
{
    (void)tier; /* what is stored goes down through all tiers */
    wish(handle, (struct wish){.kind = WISH_OFFLOAD, .program = program});
}

static void host_prefetch(void *handle, uint64_t program)
{
    wish(handle, (struct wish){.kind = WISH_PREFETCH, .program = program});
}

static const struct asim_host host = {
    .struct_size = sizeof host,
    .prefill_time = host_prefill_time,
    .load_time = host_load_time,
    .resident = host_resident,
    .waiting = host_waiting,
    .running = host_running,
    .pin = host_pin,
    .release = host_release,
    .offload = host_offload,
    .prefetch = host_prefetch,
};

static struct asim_context show(struct call *call)
{
    struct instance *instance = call->instance;
    struct residency *residency = instance->residency;
    residency->shown_list = NULL;
    return (struct asim_context){
        .state = call->seat->state,
        .parameters = call->seat->use->parameters,
        .host = &host,
        .handle = call,
        .now = call->now,
        .instance = instance->id,
        .block_size = instance->config->block_size,
        .usable_blocks = instance->usable_blocks,
        .free_blocks = kv_free(instance->pool),
        .retained_blocks = residency->retained_blocks,
        .n_running = instance->decode.n + instance->n_prefilling, /* those that drain are over */
        .n_waiting = instance->waiting.n,
        .n_residents = (uint32_t)residency->n_residents,
        .running_toks = instance->decode.context,
        .n_tiers = instance->node ? instance->node->plan->n_tiers : 0,
    };
}

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
        const struct asim_context context = show(&call);
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
        const struct asim_context context = show(&call);
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
            const struct asim_context context = show(&call);
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
    const struct asim_context context = show(&call);
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
            const struct asim_context context = show(&call);
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
        const struct asim_context context = show(&call);
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
    const struct asim_context context = show(&call);
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
    const struct asim_context context = show(&call);
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
    const struct asim_context context = show(&call);
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
    const struct asim_context context = show(&call);
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
    return (struct sequence *)at_index(instance, &instance->running, answer);
}

bool consult_admit(struct instance *instance, const struct sequence *sequence, simtime now)
{
    const struct seat *seat = instance->residency->scheduling;
    if (!seat->use->policy->admit) {
        return true;
    }
    struct call call = {.instance = instance, .seat = seat, .now = now};
    const struct asim_context context = show(&call);
    const struct asim_turn turn = show_turn(&call, sequence);
    policy_enter(seat->use, "admit");
    const bool answer = seat->use->policy->admit(&context, &turn);
    policy_leave(seat->use);
    grant_wishes(&call);
    return answer;
}
