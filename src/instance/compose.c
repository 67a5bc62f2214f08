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
    sequence_array_push(&batch->completions, sequence);
    if (computed >= sequence_last_computed(sequence)) {
        sequence->state = SEQUENCE_DRAINING;
        sequence_array_push(&batch->finishers, sequence);
    } else {
        decode_set_enter(&instance->decode, sequence, computed);
    }
}

/* The first waiting turn starts or resumes with `tokens` on top of its cached prefix. */
static void admit(struct instance *instance, struct batch *batch, simtime now, struct kv_hit hit, uint32_t tokens)
{
    struct sequence *sequence = instance->waiting.head;
    assert(!sequence->last_in_flight);
    const uint32_t hit_toks = hit.blocks * instance->config.block_size;
    sequence_list_remove(&instance->waiting, sequence);
    sequence_list_push_back(&instance->running, sequence);
    sequence->stamp = instance->next_stamp++;
    sequence->state = SEQUENCE_PREFILLING;
    instance->n_prefilling++;
    if (!sequence->was_admitted) {
        sequence->was_admitted = true;
        sequence->record.first_scheduled = now;
        sequence->record.hit_toks = hit_toks;
    } else {
        sequence->record.requeue_wait += now - sequence->waiting_since;
        if (sequence->computed_before > hit_toks) {
            sequence->record.recomputed_toks += sequence->computed_before - hit_toks;
        }
    }
    kv_touch(instance->pool, &sequence->holder, sequence->turn.content, hit);
    kv_alloc(instance->pool, &sequence->holder, engine_blocks_of(instance, hit_toks + tokens) - hit.blocks);
    sequence->base = hit_toks;
    engine_add_chunk(instance, batch, sequence, tokens);
}

/* Waiting turns in order, until one does not fit: nobody behind it is tried. */
static void admit_waiting(struct instance *instance, struct batch *batch, simtime now, uint32_t budget)
{
    const struct engine_config *config = &instance->config;
    if (!batch->n_decode && !batch->n_chunks) {
        instance->head_blocked = false; /* it may have lacked the watermark's blocks only, which count beside others */
    }
    while (instance->waiting.head && budget && instance->running.n < config->max_num_seqs && !instance->head_blocked) {
        const struct sequence *sequence = instance->waiting.head;
        const struct kv_hit hit = kv_lookup(instance->pool, sequence->turn.content, sequence->n_tokens);
        const uint32_t hit_toks = hit.blocks * config->block_size;
        const uint32_t wanted = sequence->n_tokens - hit_toks;
        const uint32_t tokens = engine_chunk_tokens(instance, wanted, budget);
        if (!config->chunked_prefill && tokens < engine_chunk_tokens(instance, wanted, UINT32_MAX)) {
            return;
        }
        const uint32_t reach = config->reserve_full_prompt ? sequence->n_tokens : hit_toks + tokens;
        const bool beside_others = batch->n_decode || batch->n_chunks;
        const uint32_t needed = engine_blocks_of(instance, reach) - hit.blocks + hit.free_blocks +
                                (beside_others ? config->watermark_blocks : 0);
        if (needed > kv_free(instance->pool)) {
            instance->head_blocked = config->stepping != ENGINE_PLAIN;
            return;
        }
        admit(instance, batch, now, hit, tokens);
        budget -= tokens;
    }
}

void engine_enqueue(struct instance *instance, struct batch *batch, simtime now, const struct step_cost *cost,
                    simtime exposed)
{
    const simtime idle_until = instance->device_free > now ? instance->device_free : now;
    const simtime prepared = now + instance->config.host.hideable;
    const simtime start = instance->device_free > prepared ? instance->device_free : prepared;
    struct instance_counters *counters = &instance->counters;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        counters->part[i] += cost->part[i];
    }
    counters->part[STEP_HOST] += exposed + (start - idle_until);
    batch->end = start + cost->total + exposed;
    instance->device_free = batch->end;
    instance->n_batches++;
}

static struct step_cost price(struct instance *instance, const struct batch *batch)
{
    if (batch->n_chunks) {
        return step_time_batch(instance->step_time, &(struct batch_shape){.n_decode = batch->n_decode,
                                                                          .decode_context = batch->decode_context,
                                                                          .n_chunks = (uint32_t)batch->n_chunks,
                                                                          .chunks = batch->chunks});
    }
    const struct decode_piece *piece = engine_piece(instance, batch->n_decode, batch->decode_context);
    const simtime grown = piece->slope * (simtime)(batch->decode_context - piece->from);
    struct step_cost cost = {.total = piece->base + grown};
    for (int i = 0; i < STEP_BOUNDS; i++) {
        cost.part[i] = piece->part[i];
    }
    cost.part[piece->slope_bound] += grown;
    return cost;
}

bool engine_compose(struct instance *instance, simtime now)
{
    struct batch *batch = engine_batch(instance, instance->n_batches);
    batch->completions.n = batch->finishers.n = batch->n_chunks = 0;
    batch->chunk_tokens = batch->n_decode = 0;
    batch->decode_context = 0;
    uint32_t budget = instance->config.max_num_batched_tokens;
    bool preempted = false;
    if (instance->running.n && !engine_run_steady(instance, batch, &budget)) {
        preempted = engine_run_plain(instance, batch, now, &budget);
        instance->counters.plain_steps++;
    }
    if (!preempted) {
        admit_waiting(instance, batch, now, budget);
    }
    if (!batch->n_decode && !batch->n_chunks) {
        return false;
    }
    const uint32_t tokens = batch->n_decode + batch->chunk_tokens;
    const struct step_cost cost = price(instance, batch);
    engine_enqueue(instance, batch, now, &cost, host_time_exposed(&instance->config.host, tokens));
    instance->counters.steps++;
    instance->counters.scheduled_tokens += tokens;
    const uint32_t used = kv_usable(instance->pool) - kv_free(instance->pool);
    if (used > instance->counters.peak_used_blocks) {
        instance->counters.peak_used_blocks = used;
    }
    return true;
}
