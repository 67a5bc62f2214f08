#include "instance/checkpoint.h"

#include "base/mem.h"
#include "instance/checkpoint_parts.h"
#include "instance/tiers/fills.h"

#include <assert.h>

static void put_snapshot(struct store_writer *writer, const struct load_snapshot *snapshot)
{
    store_put_u32(writer, snapshot->running);
    store_put_u32(writer, snapshot->waiting);
    store_put_u32(writer, snapshot->used_blocks);
    store_put_u64(writer, snapshot->received);
}

static void put_counters(struct store_writer *writer, const struct instance_counters *counters)
{
    store_put_u64(writer, counters->steps);
    store_put_u64(writer, counters->fast_forwarded);
    store_put_u64(writer, counters->jumps);
    store_put_u64(writer, counters->plain_steps);
    store_put_u64(writer, counters->preemptions);
    store_put_u64(writer, counters->scheduled_tokens);
    for (int i = 0; i < STEP_BOUNDS; i++) {
        store_put_i64(writer, counters->part[i]);
    }
    store_put_u32(writer, counters->peak_used_blocks);
    store_put_u64(writer, counters->kv_blocks_sent);
    store_put_u64(writer, counters->kv_blocks_taken);
    store_put_u64(writer, counters->kv_blocks_refused);
}

static void put_sequence(struct store_writer *writer, const struct sequence *sequence)
{
    store_put_u64(writer, sequence->program);
    store_put_u32(writer, sequence->turn);
    store_put_u32(writer, sequence->slot);
    store_put_i64(writer, sequence->ready);
    store_put_i64(writer, sequence->arrived);
    store_put_i64(writer, sequence->lead);
    store_put_u32(writer, sequence->prompt_toks);
    store_put_u32(writer, sequence->limit);
    store_put_u8(writer, sequence->shared_output);
    store_put_u8(writer, sequence->length_limited);
    store_put_u8(writer, sequence->state);
    store_put_u8(writer, sequence->last_in_flight);
    store_put_u8(writer, sequence->was_admitted);
    store_put_i64(writer, sequence->base);
    store_put_u64(writer, sequence->stamp);
    store_put_u32(writer, sequence->n_tokens);
    store_put_u32(writer, sequence->computed_before);
    store_put_u32(writer, sequence->hit_toks);
    store_put_u32(writer, sequence->kv_blocks);
    store_put_u32(writer, sequence->preemptions);
    store_put_u32(writer, sequence->recomputed_toks);
    store_put_i64(writer, sequence->waiting_since);
    store_put_i64(writer, sequence->first_scheduled);
    store_put_i64(writer, sequence->first_token);
    store_put_i64(writer, sequence->requeue_wait);
    store_put_i64(writer, sequence->token_before);
    kv_holder_save(&sequence->holder, writer);
}

static void put_list(struct store_writer *writer, const struct sequence_list *list)
{
    store_put_u64(writer, list->n);
    for (const struct sequence *sequence = list->head; sequence; sequence = sequence->next) {
        put_sequence(writer, sequence);
    }
}

static void put_recalls(struct store_writer *writer, const struct instance *instance)
{
    store_put_u64(writer, instance->n_recalls);
    for (uint32_t i = 0; i < instance->n_recalls; i++) {
        store_put_u64(writer, instance->recalls[i].program);
        store_put_u32(writer, instance->recalls[i].turn);
        store_put_u32(writer, instance->recalls[i].kv_to);
        store_put_i64(writer, instance->recalls[i].time);
        store_put_i64(writer, instance->recalls[i].lead);
    }
}

static void put_leavers(struct store_writer *writer, const struct instance *instance)
{
    store_put_u64(writer, instance->n_leavers);
    for (uint32_t i = 0; i < instance->n_leavers; i++) {
        const struct leaver *leaver = &instance->leavers[i];
        put_sequence(writer, leaver->sequence);
        store_put_i64(writer, leaver->time);
        store_put_i64(writer, leaver->lead);
        store_put_u32(writer, leaver->to);
    }
}

static void put_references(struct store_writer *writer, const struct sequence_array *array, const uint32_t *positions)
{
    store_put_u64(writer, array->n);
    for (uint32_t i = 0; i < array->n; i++) {
        store_put_u32(writer, positions[array->items[i]->index]);
    }
}

static void put_fills(struct store_writer *writer, const struct fill_list *list, const uint32_t *positions)
{
    store_put_u64(writer, list->n);
    for (size_t i = 0; i < list->n; i++) {
        store_put_u32(writer, positions[list->items[i].sequence->index]);
        store_put_u32(writer, list->items[i].blocks);
    }
}

/* Those in flight, the oldest first. Their sequences are named by their position in the running list and the waiting
 * queue behind it. */
static void put_batches(struct store_writer *writer, const struct instance *instance)
{
    uint32_t *positions = mem_alloc(instance->sequences.n * sizeof *positions);
    uint32_t n = 0;
    for (const struct sequence *sequence = instance->running.head; sequence; sequence = sequence->next) {
        positions[sequence->index] = n++;
    }
    for (const struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        positions[sequence->index] = n++;
    }
    store_put_u32(writer, instance->n_batches);
    for (uint32_t i = 0; i < instance->n_batches; i++) {
        const struct batch *batch = &instance->batches[(instance->first_batch + i) % ENGINE_MAX_DEPTH];
        store_put_i64(writer, batch->end);
        put_references(writer, &batch->completions, positions);
        put_references(writer, &batch->finishers, positions);
        if (instance->fills) {
            put_fills(writer, &instance->fills->batches[batch - instance->batches], positions);
        }
    }
    mem_free(positions);
}

void instance_save(const struct instance *instance, struct store_writer *writer)
{
    assert(!instance->n_ends && !instance->n_changes);
    store_put_u32(writer, instance->id);
    store_put_i64(writer, instance->compose_at);
    store_put_i64(writer, instance->device_free);
    store_put_i64(writer, instance->decode.clock);
    store_put_u64(writer, instance->next_stamp);
    store_put_u64(writer, instance->received);
    store_put_u8(writer, instance->head_blocked);
    put_snapshot(writer, &instance->state);
    put_snapshot(writer, &instance->snapshot);
    store_put_i64(writer, instance->snapshot_index);
    put_counters(writer, &instance->counters);
    kv_pool_save(instance->pool, writer);
    put_list(writer, &instance->running);
    put_list(writer, &instance->waiting);
    put_list(writer, &instance->inbox);
    put_recalls(writer, instance);
    put_leavers(writer, instance);
    put_batches(writer, instance);
    store_put_i64(writer, instance->passed);
    store_put_u8(writer, instance->residency != NULL);
    if (instance->residency) {
        residency_save(instance, writer);
    }
}
