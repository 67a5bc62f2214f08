#include "base/mem.h"
#include "instance/evictions.h"
#include "instance/residency/hooks.h"
#include "instance/tiers/hooks.h"

#include <assert.h>

enum { OWNER_LINES = 4 };

void sequence_array_push(struct sequence_array *array, struct sequence *sequence)
{
    if (array->n == array->capacity) {
        size_t capacity = array->capacity;
        array->items = mem_grow_from(array->first, array->items, &capacity, array->n + 1, sizeof *array->items);
        array->capacity = (uint32_t)capacity;
    }
    array->items[array->n++] = sequence;
}

uint32_t engine_chunk_tokens(const struct instance *instance, uint32_t wanted, uint32_t budget)
{
    const uint32_t threshold = instance->config->long_prefill_token_threshold;
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

/* Its last token comes out when the batch ends: until then what that touches is on its way into the caches. */
static void add_finisher(struct batch *batch, struct sequence *sequence)
{
    sequence_array_push(&batch->finishers, sequence);
    const char *record = (const char *)&sequence->program;
    __builtin_prefetch(record, 1);
    if (sequence->owner) {
        const char *owner = sequence->owner;
        for (int i = 0; i < OWNER_LINES; i++) {
            __builtin_prefetch(owner + i * 64, 1);
        }
    }
}

void engine_drain_finished(struct instance *instance, struct batch *batch)
{
    struct decode_set *decode = &instance->decode;
    while (decode_set_next_finish(decode) <= decode->clock) {
        struct sequence *sequence = sequence_pool_at(&instance->sequences, decode_set_next(decode));
        engine_effect_leave(instance, sequence);
        if (instance->node) {
            engine_fills_leave(instance, sequence);
        }
        decode_set_leave(decode, sequence, SEQUENCE_DRAINING);
        add_finisher(batch, sequence);
    }
}

void engine_add_chunk(struct instance *instance, struct draft *draft, struct sequence *sequence, uint32_t tokens)
{
    const uint32_t before = (uint32_t)sequence->base;
    const uint32_t computed = before + tokens;
    const bool complete = computed == sequence->n_tokens;
    draft->chunks = mem_grow_from(instance->first_chunks, draft->chunks, &draft->chunk_capacity, draft->n_chunks + 1,
                                  sizeof *draft->chunks);
    draft->chunks[draft->n_chunks++] =
        (struct prefill_chunk){.tokens = tokens, .context = before, .sampled = complete && sequence->limit > 0};
    draft->chunk_tokens += tokens;
    if (instance->residency) {
        engine_note_chunk(instance, sequence);
    }
    sequence->base = computed;
    kv_hash(instance->pool, &sequence->holder, sequence->content, computed / instance->config->block_size);
    evictions_note_write(instance, sequence->content, before, computed);
    if (instance->node) {
        engine_fill_computed(instance, draft->batch, sequence);
    }
    if (!complete) {
        return;
    }
    assert(sequence->state == SEQUENCE_PREFILLING);
    instance->n_prefilling--;
    engine_effect_leave(instance, sequence);
    sequence_array_push(&draft->batch->completions, sequence);
    if (computed >= sequence_last_computed(sequence)) {
        sequence->state = SEQUENCE_DRAINING;
        add_finisher(draft->batch, sequence);
    } else {
        decode_set_enter(&instance->decode, sequence, computed);
        engine_effect_decoding(instance, sequence);
        if (instance->node) {
            engine_fills_enter(instance, sequence);
        }
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
    return time > 0 ? (time - 1) / instance->config->telemetry_period : -1;
}
