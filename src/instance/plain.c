#include "base/mem.h"
#include "instance/evictions.h"
#include "instance/residency/hooks.h"
#include "instance/tiers/hooks.h"

#include <assert.h>

/* Recompute preemption: all blocks are released (what is full stays cached), generated tokens are kept, and the turn
 * stands first in the waiting queue. */
void engine_preempt(struct instance *instance, struct sequence *sequence, simtime now)
{
    const uint32_t computed = engine_computed(instance, sequence);
    engine_settle(instance, sequence);
    if (sequence->state != SEQUENCE_DRAINING) {
        engine_effect_leave(instance, sequence);
    }
    if (sequence->state == SEQUENCE_PREFILLING) {
        instance->n_prefilling--;
    } else {
        kv_hash(instance->pool, &sequence->holder, sequence->content, computed / instance->config->block_size);
        evictions_note_output(instance, sequence, computed);
        sequence->n_tokens = computed + 1;
        sequence->last_in_flight = sequence->state == SEQUENCE_DRAINING;
        if (sequence->token_before) { /* the first one since it was preempted before is in flight */
            engine_note_gap(instance, sequence->token_before, instance->device_free, 1);
        }
        sequence->token_before = instance->device_free; /* all that decode are in every batch */
    }
    if (sequence->state == SEQUENCE_DECODING) {
        if (instance->node) {
            engine_fills_leave(instance, sequence);
        }
        decode_set_leave(&instance->decode, sequence, SEQUENCE_WAITING);
    }
    kv_release(instance->pool, &sequence->holder);
    sequence->state = SEQUENCE_WAITING;
    sequence->computed_before = computed;
    sequence->base = 0;
    sequence->waiting_since = now;
    sequence->preemptions++;
    sequence_list_remove(&instance->running, sequence);
    sequence_list_push_front(&instance->waiting, sequence);
    if (!sequence->last_in_flight) {
        engine_effect_queued(instance, sequence);
    }
    instance->head_blocked = false;
    instance->counters.preemptions++;
    if (instance->residency) {
        engine_leave(instance, sequence, now);
    }
}

/* Blocks for `reach` tokens of `sequence`, preempting from the end of the list; false when it preempted itself. */
static bool ensure_blocks(struct instance *instance, struct sequence *sequence, uint32_t reach, simtime now,
                          bool *preempted)
{
    engine_settle(instance, sequence);
    const uint32_t owned = sequence->holder.hashed_blocks + sequence->holder.anonymous_blocks;
    const uint32_t needed = engine_blocks_of(instance, reach) - owned;
    while (needed > kv_free(instance->pool)) {
        struct sequence *victim = instance->running.tail;
        engine_preempt(instance, victim, now);
        *preempted = true;
        if (victim == sequence) {
            return false;
        }
    }
    kv_alloc(instance->pool, &sequence->holder, needed);
    return true;
}

static void schedule_decode(struct instance *instance, struct sequence *sequence)
{
    const uint32_t computed = engine_computed(instance, sequence) + 1;
    if (computed % instance->config->block_size == 0) {
        kv_hash(instance->pool, &sequence->holder, sequence->content, computed / instance->config->block_size);
        if (sequence->shared_output) {
            evictions_note_output(instance, sequence, computed);
            instance->head_blocked = false;
        }
    }
}

/* One pass over the list, taking and hashing blocks in its order, which decides whose copy of a block a hit takes.
 * Prefill chunks are noted here and added after the tick, because a complete prompt joins the decode set.
 *
 * The budget reaches everybody: no sequence needs more than in the step before, except one whose chunk the budget cut,
 * and that is the last of the list. So every decoding sequence advances in every step. */
static void schedule_in_order(struct instance *instance, simtime now, uint32_t *budget, bool *preempted)
{
    struct sequence *sequence = instance->running.head;
    while (sequence) {
        if (sequence->state == SEQUENCE_DRAINING) {
            sequence = sequence->next;
            continue;
        }
        assert(*budget);
        const uint32_t computed = engine_computed(instance, sequence);
        const bool decoding = sequence->state == SEQUENCE_DECODING;
        const uint32_t tokens = decoding ? 1 : engine_chunk_tokens(instance, sequence->n_tokens - computed, *budget);
        if (!ensure_blocks(instance, sequence, computed + tokens, now, preempted)) {
            return; /* it was the last one */
        }
        if (decoding) {
            schedule_decode(instance, sequence);
        } else {
            kv_hash(instance->pool, &sequence->holder, sequence->content,
                    (computed + tokens) / instance->config->block_size);
            instance->taken =
                mem_grow(instance->taken, &instance->taken_capacity, instance->n_taken + 1, sizeof *instance->taken);
            instance->taken[instance->n_taken++] = (struct taken_chunk){.sequence = sequence, .tokens = tokens};
        }
        *budget -= tokens;
        sequence = sequence->next;
    }
}

bool engine_run_plain(struct instance *instance, struct draft *draft, simtime now, uint32_t *budget)
{
    bool preempted = false;
    instance->n_taken = 0;
    schedule_in_order(instance, now, budget, &preempted);
    draft->n_decode = instance->decode.n;
    decode_set_tick(&instance->decode, 1);
    draft->decode_context = instance->decode.context;
    if (instance->node) {
        engine_fill_decoded(instance, draft->batch);
    }
    engine_drain_finished(instance, draft->batch);
    for (size_t i = 0; i < instance->n_taken; i++) {
        engine_add_chunk(instance, draft, instance->taken[i].sequence, instance->taken[i].tokens);
        instance->head_blocked = false;
    }
    return preempted;
}
