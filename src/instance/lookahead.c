#include "instance/tiers/transfers.h"

/* A lower bound of the steps still to be composed until one ends a turn; no batch in flight does. */
static int64_t steps_to_output(const struct instance *instance)
{
    const struct decode_set *decode = &instance->decode;
    if (!engine_none_to_admit(instance) || instance->n_prefilling || instance->inbox.n || !decode->n) {
        return 1;
    }
    /* A waiting turn, which may be a short one, is let in early by a block in common that fills up, or by a preemption
     * if turns start with the blocks of a part of their prompt. Where the whole prompt's must be free a preemption lets
     * nobody in: its victim stands first then, and gave back less than it needs, by the blocks that were taken. Nor is
     * a pin known that ends meanwhile, where policies decide. */
    if (instance->waiting.n && (decode->n_shared || !instance->config->reserve_full_prompt || instance->residency)) {
        return 1;
    }
    const int64_t ahead = decode_set_next_finish(decode) - decode->clock;
    return ahead > 1 ? ahead : 1;
}

/* When something may happen here. What another member of the node does may bring forward the end of a transfer that a
 * turn here waits for: flows that share links also slow down what others share with them. */
static simtime first_event(const struct instance *instance)
{
    simtime first = instance_next(instance).time;
    const struct node *node = instance->waiting.n ? instance->node : NULL;
    for (size_t i = 0; node && i < node->n_members; i++) {
        const simtime next = instance_next(node->members[i]).time;
        first = next < first ? next : first;
    }
    return first;
}

static struct event_key end_of_a_turn(const struct instance *instance)
{
    const simtime next = first_event(instance);
    if (next == SIMTIME_NEVER) {
        return EVENT_NEVER;
    }
    simtime last_end = 0;
    for (uint32_t i = 0; i < instance->n_batches; i++) {
        const struct batch *batch = &instance->batches[(instance->first_batch + i) % ENGINE_MAX_DEPTH];
        if (batch->finishers.n) {
            return (struct event_key){.time = batch->end, .phase = PHASE_STEP_END};
        }
        last_end = batch->end;
    }
    /* Nothing in flight ends a turn: at least one more step is composed, at or after the next event. */
    const simtime from = last_end > next ? last_end : next;
    return (struct event_key){.time = from + steps_to_output(instance) * instance->least_step, .phase = PHASE_STEP_END};
}

struct event_key instance_earliest_output(const struct instance *instance)
{
    const struct event_key end = end_of_a_turn(instance);
    return engine_has_orders(instance)
               ? event_min(end, (struct event_key){.time = engine_inbox_time(instance), .phase = PHASE_ARRIVAL})
               : end;
}

/* The most that a key adds to the clock: 5 days, so that sums fit. A bound may always be lower. */
#define FARTHEST (INT64_C(432000) * SIMTIME_S)

static simtime bounded(simtime time)
{
    return time < FARTHEST ? time : FARTHEST;
}

/* Each batch still to be composed ends at least `least_step` after the one before it, and gives a sequence one token at
 * most: so many steps, and the lead, lie between the end of the last batch composed and the effect. */
static simtime distance(const struct instance *instance, const struct sequence *sequence, int64_t steps)
{
    return bounded(bounded(steps * instance->least_step) + bounded(sequence->lead));
}

/* Of a turn that is not decoding. n_tokens: the prompt, and after a preemption what was generated on top of it. */
static simtime distance_queued(const struct instance *instance, const struct sequence *sequence)
{
    const int64_t steps = (int64_t)sequence->limit - (sequence->n_tokens - sequence->prompt_toks);
    return distance(instance, sequence, steps > 1 ? steps : 1);
}

static bool has_effect(const struct sequence *sequence)
{
    return sequence->lead != SIMTIME_NEVER;
}

void engine_note_quick(struct instance *instance, struct sequence *sequence, const struct turn_arrival *turn)
{
    sequence->is_quick = turn->lead != SIMTIME_NEVER && turn->next_service < instance->config->telemetry_period;
    instance->n_quick += sequence->is_quick;
}

void engine_effect_queued(struct instance *instance, struct sequence *sequence)
{
    if (has_effect(sequence)) {
        distance_set_enter(&instance->queued, distance_queued(instance, sequence));
    }
}

void engine_effect_decoding(struct instance *instance, struct sequence *sequence)
{
    if (has_effect(sequence)) {
        const int64_t steps = (int64_t)sequence_last_computed(sequence) - engine_computed(instance, sequence);
        sequence_heap_enter(&instance->decoding, sequence->index,
                            instance->decode.clock * instance->least_step + distance(instance, sequence, steps));
    }
}

void engine_effect_leave(struct instance *instance, struct sequence *sequence)
{
    if (!has_effect(sequence)) {
        return;
    }
    if (sequence->state == SEQUENCE_DECODING) {
        sequence_heap_leave(&instance->decoding, sequence->index);
    } else {
        distance_set_leave(&instance->queued, distance_queued(instance, sequence));
    }
}

void engine_effect_prefetch(const struct instance *instance, const struct sequence *sequence)
{
    if (has_effect(sequence)) {
        distance_set_prefetch(&instance->queued, distance_queued(instance, sequence));
    }
}

static simtime sum(simtime time, simtime duration)
{
    return time < SIMTIME_NEVER - duration ? time + duration : SIMTIME_NEVER;
}

struct effects {
    simtime first;
    uint32_t n; /* before a given time */
};

static void add_effect(struct effects *effects, simtime effect, simtime before)
{
    effects->first = effect < effects->first ? effect : effects->first;
    effects->n += effect < before;
}

/* Of turns whose last token is in a batch in flight. */
static void add_in_flight(const struct instance *instance, struct effects *effects, simtime before)
{
    for (uint32_t i = 0; i < instance->n_batches; i++) {
        const struct batch *batch = &instance->batches[(instance->first_batch + i) % ENGINE_MAX_DEPTH];
        for (uint32_t k = 0; k < batch->finishers.n; k++) {
            add_effect(effects, sum(batch->end, batch->finishers.items[k]->lead), before);
        }
    }
}

/* Of turns on their way. */
static void add_inbox(const struct instance *instance, struct effects *effects, simtime before)
{
    for (const struct sequence *sequence = instance->inbox.head; sequence; sequence = sequence->next) {
        if (has_effect(sequence)) {
            const simtime arrival = sequence->arrived;
            const simtime from = instance->device_free > arrival ? instance->device_free : arrival;
            add_effect(effects, sum(from, distance_queued(instance, sequence)), before);
        }
    }
}

/* From when turns that wait or are prefilling have their distances. Those that are all refused, or lack blocks, are
 * asked about again when anything happens, which may be an arrival. */
static simtime queued_from(const struct instance *instance)
{
    simtime from = instance->device_free;
    if (!instance->n_batches && instance->compose_at == SIMTIME_NEVER && engine_may_stand_by(instance)) {
        from = instance->passed > from ? instance->passed : from;
    }
    return from;
}

/* The key less this is the distance from when the device is free. */
static simtime decode_time(const struct instance *instance)
{
    return instance->decode.clock * instance->least_step;
}

/* Of turns that are to be given back: seldom any. */
static __attribute__((noinline)) struct effects of_orders(const struct instance *instance, simtime before)
{
    struct effects effects = {.first = SIMTIME_NEVER};
    for (uint32_t i = 0; i < instance->n_recalls; i++) {
        add_effect(&effects, sum(instance->recalls[i].time, instance->recalls[i].lead), before);
    }
    for (uint32_t i = 0; i < instance->n_leavers; i++) {
        add_effect(&effects, sum(instance->leavers[i].time, instance->leavers[i].lead), before);
    }
    return effects;
}

simtime instance_earliest_effect(const struct instance *instance)
{
    struct effects effects = {.first = SIMTIME_NEVER};
    add_in_flight(instance, &effects, 0);
    add_inbox(instance, &effects, 0);
    if (engine_has_orders(instance)) {
        effects.first = simtime_least(effects.first, of_orders(instance, 0).first);
    }
    add_effect(&effects, sum(queued_from(instance), instance->queued.first), 0);
    if (instance->decoding.n) {
        add_effect(&effects, sum(instance->device_free, instance->decoding.first - decode_time(instance)), 0);
    }
    return effects.first;
}

uint32_t instance_effects_before(const struct instance *instance, simtime time)
{
    struct effects effects = {.first = SIMTIME_NEVER};
    add_in_flight(instance, &effects, time);
    add_inbox(instance, &effects, time);
    if (engine_has_orders(instance)) {
        effects.n += of_orders(instance, time).n;
    }
    return effects.n + distance_set_below(&instance->queued, time - queued_from(instance)) +
           sequence_heap_below(&instance->decoding, time - instance->device_free + decode_time(instance));
}
