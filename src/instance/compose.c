#include "instance/engine.h"

#include <assert.h>

/* The first waiting turn starts or resumes with `tokens` on top of its cached prefix. */
static void admit(struct instance *instance, struct draft *draft, simtime now, struct kv_hit hit, uint32_t tokens)
{
    struct sequence *sequence = instance->waiting.head;
    assert(!sequence->last_in_flight);
    const uint32_t hit_toks = hit.blocks * instance->config->block_size;
    sequence_list_remove(&instance->waiting, sequence);
    sequence_list_push_back(&instance->running, sequence);
    sequence->stamp = instance->next_stamp++;
    sequence->state = SEQUENCE_PREFILLING;
    instance->n_prefilling++;
    if (!sequence->was_admitted) {
        sequence->was_admitted = true;
        sequence->first_scheduled = now;
        sequence->hit_toks = hit_toks;
    } else {
        sequence->requeue_wait += now - sequence->waiting_since;
        if (sequence->computed_before > hit_toks) {
            sequence->recomputed_toks += sequence->computed_before - hit_toks;
        }
    }
    kv_touch(instance->pool, &sequence->holder, sequence->content, hit);
    kv_alloc(instance->pool, &sequence->holder, engine_blocks_of(instance, hit_toks + tokens) - hit.blocks);
    sequence->base = hit_toks;
    engine_add_chunk(instance, draft, sequence, tokens);
}

/* Waiting turns in order, until one does not fit: nobody behind it is tried. */
static void admit_waiting(struct instance *instance, struct draft *draft, simtime now, uint32_t budget)
{
    const struct engine_config *config = instance->config;
    if (!draft->n_decode && !draft->n_chunks) {
        instance->head_blocked = false; /* it may have lacked the watermark's blocks only, which count beside others */
    }
    while (instance->waiting.head && budget && instance->running.n < config->max_num_seqs && !instance->head_blocked) {
        const struct sequence *sequence = instance->waiting.head;
        const struct kv_hit hit = kv_lookup(instance->pool, sequence->content, sequence->n_tokens);
        const uint32_t hit_toks = hit.blocks * config->block_size;
        const uint32_t wanted = sequence->n_tokens - hit_toks;
        const uint32_t tokens = engine_chunk_tokens(instance, wanted, budget);
        if (!config->chunked_prefill && tokens < engine_chunk_tokens(instance, wanted, UINT32_MAX)) {
            return;
        }
        const uint32_t reach = config->reserve_full_prompt ? sequence->n_tokens : hit_toks + tokens;
        const bool beside_others = draft->n_decode || draft->n_chunks;
        const uint32_t needed = engine_blocks_of(instance, reach) - hit.blocks + hit.free_blocks +
                                (beside_others ? config->watermark_blocks : 0);
        if (needed > kv_free(instance->pool)) {
            instance->head_blocked = config->stepping != ENGINE_PLAIN;
            return;
        }
        admit(instance, draft, now, hit, tokens);
        budget -= tokens;
    }
}

/* Queues a batch of device time `cost` and exposed host time behind those in flight. */
static void enqueue(struct instance *instance, struct batch *batch, simtime now, const struct step_cost *cost,
                    simtime exposed)
{
    const simtime idle_until = instance->device_free > now ? instance->device_free : now;
    const simtime prepared = now + instance->config->host.hideable;
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

static struct step_cost price(struct instance *instance, const struct draft *draft)
{
    if (draft->n_chunks) {
        return step_time_batch(instance->step_time, &(struct batch_shape){.n_decode = draft->n_decode,
                                                                          .decode_context = draft->decode_context,
                                                                          .n_chunks = (uint32_t)draft->n_chunks,
                                                                          .chunks = draft->chunks});
    }
    const struct decode_piece *piece = engine_piece(instance, draft->n_decode, draft->decode_context);
    const simtime grown = piece->slope * (simtime)(draft->decode_context - piece->from);
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
    batch->completions.n = batch->finishers.n = 0;
    struct draft *draft = &instance->draft;
    draft->batch = batch;
    draft->n_chunks = 0;
    draft->chunk_tokens = draft->n_decode = 0;
    draft->decode_context = 0;
    uint32_t budget = instance->config->max_num_batched_tokens;
    bool preempted = false;
    if (instance->running.n && !engine_run_steady(instance, draft, &budget)) {
        preempted = engine_run_plain(instance, draft, now, &budget);
        instance->counters.plain_steps++;
    }
    if (!preempted) {
        admit_waiting(instance, draft, now, budget);
    }
    if (!draft->n_decode && !draft->n_chunks) {
        return false;
    }
    const uint32_t tokens = draft->n_decode + draft->chunk_tokens;
    const struct step_cost cost = price(instance, draft);
    enqueue(instance, batch, now, &cost, host_time_exposed(&instance->config->host, tokens));
    instance->counters.steps++;
    instance->counters.scheduled_tokens += tokens;
    const uint32_t used = engine_used_blocks(instance);
    if (used > instance->counters.peak_used_blocks) {
        instance->counters.peak_used_blocks = used;
    }
    return true;
}
