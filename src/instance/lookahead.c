#include "instance/engine.h"

#include <assert.h>

/* A lower bound of the steps still to be composed until one ends a turn; no batch in flight does. */
static int64_t steps_to_output(const struct instance *instance)
{
    const struct decode_set *decode = &instance->decode;
    if (!engine_none_to_admit(instance) || instance->n_prefilling || instance->inbox.n || !decode->n) {
        return 1;
    }
    /* A waiting turn, which may be a short one, is let in early by a block in common that fills up, or by a preemption
     * if turns start with the blocks of a part of their prompt. Where the whole prompt's must be free a preemption lets
     * nobody in: its victim stands first then, and gave back less than it needs, by the blocks that were taken. */
    if (instance->waiting.n && (decode->n_shared || !instance->config.reserve_full_prompt)) {
        return 1;
    }
    /* Stale entries can only be smaller than the true next finish: still a lower bound. */
    const int64_t ahead = heap_top(&decode->finish)->key - decode->clock;
    return ahead > 1 ? ahead : 1;
}

struct event_key instance_earliest_output(const struct instance *instance)
{
    const struct event_key next = instance_next(instance);
    if (next.time == SIMTIME_NEVER) {
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
    const simtime from = last_end > next.time ? last_end : next.time;
    return (struct event_key){.time = from + steps_to_output(instance) * instance->least_step, .phase = PHASE_STEP_END};
}

/* End of the batch in flight that ends `sequence`. */
static simtime end_in_flight(const struct instance *instance, const struct sequence *sequence)
{
    for (uint32_t i = 0; i + 1 < instance->n_batches; i++) {
        const struct batch *batch = &instance->batches[(instance->first_batch + i) % ENGINE_MAX_DEPTH];
        for (size_t k = 0; k < batch->finishers.n; k++) {
            if (batch->finishers.items[k] == sequence) {
                return batch->end;
            }
        }
    }
    return instance->device_free;
}

/* A lower bound of the end of a turn. Each batch still to be composed ends at least `least_step` after the one before
 * it, and each gives a sequence one token at most. */
static simtime earliest_end(const struct instance *instance, const struct sequence *sequence)
{
    if (sequence->state == SEQUENCE_DRAINING || sequence->last_in_flight) {
        return end_in_flight(instance, sequence);
    }
    int64_t steps;
    if (sequence->state == SEQUENCE_DECODING) {
        steps = sequence->finish_clock - instance->decode.clock;
    } else {
        /* n_tokens: the prompt, and after a preemption what was generated on top of it. */
        steps = (int64_t)sequence->limit - (sequence->n_tokens - sequence->turn.prompt_toks);
        steps = steps > 1 ? steps : 1;
    }
    const simtime arrival = sequence->turn.time;
    return (instance->device_free > arrival ? instance->device_free : arrival) + steps * instance->least_step;
}

static simtime earliest_effect(const struct instance *instance, const struct sequence *sequence)
{
    const simtime end = earliest_end(instance, sequence);
    return sequence->turn.lead < SIMTIME_NEVER - end ? end + sequence->turn.lead : SIMTIME_NEVER;
}

void engine_expect_effect(struct instance *instance, struct sequence *sequence)
{
    heap_push(&instance->effects, (struct heap_entry){.key = earliest_effect(instance, sequence),
                                                      .tie = sequence->delivery,
                                                      .payload = (uint64_t)(uintptr_t)sequence});
}

/* Bounds only rise while time passes, so a key may be too low, never too high: the top is brought up to date until it
 * stays on top. */
simtime instance_earliest_effect(struct instance *instance)
{
    for (const struct heap_entry *top; (top = heap_top(&instance->effects));) {
        const struct sequence *sequence = (const struct sequence *)(uintptr_t)top->payload;
        if (sequence->delivery != top->tie) {
            heap_pop(&instance->effects); /* it has ended */
            continue;
        }
        const simtime bound = earliest_effect(instance, sequence);
        assert(bound >= top->key);
        if (bound == top->key) {
            return bound;
        }
        heap_replace_top(&instance->effects,
                         (struct heap_entry){.key = bound, .tie = top->tie, .payload = top->payload});
    }
    return SIMTIME_NEVER;
}
