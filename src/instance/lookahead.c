#include "instance/transfers.h"

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
    return instance->n_recalls
               ? event_min(end, (struct event_key){.time = instance->recalls[0].time, .phase = PHASE_ARRIVAL})
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

/* Of turns whose last token is in a batch in flight. */
static simtime effect_in_flight(const struct instance *instance)
{
    simtime first = SIMTIME_NEVER;
    for (uint32_t i = 0; i < instance->n_batches; i++) {
        const struct batch *batch = &instance->batches[(instance->first_batch + i) % ENGINE_MAX_DEPTH];
        for (uint32_t k = 0; k < batch->finishers.n; k++) {
            const simtime effect = sum(batch->end, batch->finishers.items[k]->lead);
            first = effect < first ? effect : first;
        }
    }
    return first;
}

/* Of turns on their way. */
static simtime effect_of_inbox(const struct instance *instance)
{
    simtime first = SIMTIME_NEVER;
    for (const struct sequence *sequence = instance->inbox.head; sequence; sequence = sequence->next) {
        if (has_effect(sequence)) {
            const simtime arrival = sequence->arrived;
            const simtime from = instance->device_free > arrival ? instance->device_free : arrival;
            const simtime effect = sum(from, distance_queued(instance, sequence));
            first = effect < first ? effect : first;
        }
    }
    return first;
}

/* Of turns that wait or are prefilling. Those that are all refused are asked about again when anything happens, which
 * may be an arrival. */
static simtime effect_of_queued(const struct instance *instance)
{
    simtime from = instance->device_free;
    if (instance->residency && !instance->n_batches && instance->compose_at == SIMTIME_NEVER) {
        const simtime passed = engine_passed(instance);
        from = passed > from ? passed : from;
    }
    return sum(from, instance->queued.first);
}

simtime instance_earliest_effect(const struct instance *instance)
{
    simtime first = effect_in_flight(instance);
    const simtime inbox = effect_of_inbox(instance);
    first = inbox < first ? inbox : first;
    const simtime queued = effect_of_queued(instance);
    first = queued < first ? queued : first;
    if (instance->n_recalls) {
        const simtime recalled = sum(instance->recalls[0].time, instance->recalls[0].lead);
        first = recalled < first ? recalled : first;
    }
    if (instance->decoding.n) {
        const simtime ahead = instance->decoding.first - instance->decode.clock * instance->least_step;
        const simtime decoding = sum(instance->device_free, ahead);
        first = decoding < first ? decoding : first;
    }
    return first;
}
