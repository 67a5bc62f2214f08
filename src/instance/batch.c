#include "base/mem.h"
#include "instance/engine.h"

#include <assert.h>

void sequence_array_push(struct sequence_array *array, struct sequence *sequence)
{
    array->items = mem_grow(array->items, &array->capacity, array->n + 1, sizeof *array->items);
    array->items[array->n++] = sequence;
}

uint32_t engine_chunk_tokens(const struct instance *instance, uint32_t wanted, uint32_t budget)
{
    const uint32_t threshold = instance->config.long_prefill_token_threshold;
    if (threshold && wanted > threshold) {
        wanted = threshold;
    }
    return wanted < budget ? wanted : budget;
}

void engine_settle(struct instance *instance, struct sequence *sequence)
{
    struct kv_holder *holder = &sequence->holder;
    const uint32_t wanted = engine_blocks_of(instance, engine_computed(instance, sequence));
    const uint32_t owned = holder->hashed_blocks + holder->anonymous_blocks;
    if (wanted > owned) {
        kv_claim(instance->pool, holder, wanted - owned);
    }
}

void engine_drain_finished(struct instance *instance, struct batch *batch)
{
    struct sequence *sequence;
    while ((sequence = decode_set_finished(&instance->decode))) {
        engine_effect_leave(instance, sequence);
        decode_set_leave(&instance->decode, sequence, SEQUENCE_DRAINING);
        sequence_array_push(&batch->finishers, sequence);
    }
}

void engine_add_chunk(struct instance *instance, struct batch *batch, struct sequence *sequence, uint32_t tokens)
{
    const uint32_t before = (uint32_t)sequence->base;
    const uint32_t computed = before + tokens;
    const bool complete = computed == sequence->n_tokens;
    batch->chunks = mem_grow(batch->chunks, &batch->chunk_capacity, batch->n_chunks + 1, sizeof *batch->chunks);
    batch->chunks[batch->n_chunks++] =
        (struct prefill_chunk){.tokens = tokens, .context = before, .sampled = complete && sequence->limit > 0};
    batch->chunk_tokens += tokens;
    sequence->base = computed;
    kv_hash(instance->pool, &sequence->holder, sequence->turn.content, computed / instance->config.block_size);
    if (!complete) {
        return;
    }
    assert(sequence->state == SEQUENCE_PREFILLING);
    instance->n_prefilling--;
    engine_effect_leave(instance, sequence);
    sequence_array_push(&batch->completions, sequence);
    if (computed >= sequence_last_computed(sequence)) {
        sequence->state = SEQUENCE_DRAINING;
        sequence_array_push(&batch->finishers, sequence);
    } else {
        decode_set_enter(&instance->decode, sequence, computed);
        engine_effect_decoding(instance, sequence);
    }
}

const struct decode_piece *engine_piece(struct instance *instance, uint32_t n, uint64_t context)
{
    const struct decode_piece *piece = instance->piece;
    if (!piece || instance->piece_n != n || context < piece->from || context >= piece->to) {
        piece = step_time_decode(instance->step_time, n, context);
        instance->piece = piece;
        instance->piece_n = n;
    }
    return piece;
}

int64_t engine_instant_before(const struct instance *instance, simtime time)
{
    return time > 0 ? (time - 1) / instance->config.telemetry_period : -1;
}
