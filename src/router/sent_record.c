#include "router/sent_record.h"

#include "base/mem.h"
#include "kv/pool.h"
#include "kv/pool_store.h"

#include <inttypes.h>
#include <string.h>

/* Turns that an instance has not ended, by the order in which they were sent, at index `first` to first + n - 1. */
struct queue {
    uint64_t *before; /* tokens that had been sent there before each of them */
    uint64_t total;   /* and before the next one */
    size_t first, n, capacity;
};

struct sent_record {
    uint32_t n_instances;
    uint32_t block_size;
    struct kv_pool **indexes;
    struct queue *queues;
    uint32_t *overlap;
    uint64_t *pending;
    struct kv_holder holder; /* empty between calls */
};

struct sent_record *sent_record_create(uint32_t n_instances, uint32_t usable_blocks, uint32_t block_size)
{
    struct sent_record *record = mem_zalloc(sizeof *record);
    record->n_instances = n_instances;
    record->block_size = block_size;
    record->indexes = mem_zalloc(n_instances * sizeof(struct kv_pool *));
    record->queues = mem_zalloc(n_instances * sizeof *record->queues);
    record->overlap = mem_zalloc(n_instances * sizeof *record->overlap);
    record->pending = mem_zalloc(n_instances * sizeof *record->pending);
    for (uint32_t i = 0; i < n_instances; i++) {
        record->indexes[i] = kv_pool_create(usable_blocks + 1, block_size, true);
    }
    return record;
}

void sent_record_destroy(struct sent_record *record)
{
    if (!record) {
        return;
    }
    kv_holder_fini(&record->holder);
    for (uint32_t i = 0; i < record->n_instances; i++) {
        kv_pool_destroy(record->indexes[i]);
        mem_free(record->queues[i].before);
    }
    mem_free(record->indexes);
    mem_free(record->queues);
    mem_free(record->overlap);
    mem_free(record->pending);
    mem_free(record);
}

const uint32_t *sent_record_overlap(struct sent_record *record, struct content content, uint32_t prompt_toks)
{
    for (uint32_t i = 0; i < record->n_instances; i++) {
        record->overlap[i] = kv_lookup(record->indexes[i], content, prompt_toks).blocks;
    }
    return record->overlap;
}

const uint64_t *sent_record_pending(const struct sent_record *record)
{
    return record->pending;
}

/* ---- queues ---- */

static void push(struct queue *queue, uint32_t tokens)
{
    if (queue->first > queue->n) { /* no more is moved than has gone */
        memmove(queue->before, queue->before + queue->first, queue->n * sizeof *queue->before);
        queue->first = 0;
    }
    queue->before = mem_grow(queue->before, &queue->capacity, queue->first + queue->n + 1, sizeof *queue->before);
    queue->before[queue->first + queue->n++] = queue->total;
    queue->total += tokens;
}

void sent_record_observe(struct sent_record *record, uint32_t instance, uint32_t outstanding, uint32_t unbegun)
{
    struct queue *queue = &record->queues[instance];
    /* More is only claimed by an instance out of a damaged file. */
    const uint32_t left = outstanding < queue->n ? outstanding : (uint32_t)queue->n;
    const uint32_t waiting = unbegun < left ? unbegun : left;
    queue->first += queue->n - left;
    queue->n = left;
    record->pending[instance] = waiting ? queue->total - queue->before[queue->first + queue->n - waiting] : 0;
}

/* ---- indexes ---- */

/* The prompt's full blocks become the last that go. */
static void enter(struct sent_record *record, struct kv_pool *index, struct content content, uint32_t prompt_toks)
{
    const uint32_t blocks = prompt_toks / record->block_size;
    /* A look-up leaves the last token out: with one more, a prompt of full blocks finds itself. */
    const uint32_t reach = blocks * record->block_size + 1;
    const struct kv_hit hit = kv_lookup(index, content, reach < content.n_tokens ? reach : content.n_tokens);
    kv_touch(index, &record->holder, content, hit);
    if (blocks > hit.blocks) {
        kv_alloc(index, &record->holder, blocks - hit.blocks);
        kv_hash(index, &record->holder, content, blocks);
    }
    kv_release(index, &record->holder);
}

void sent_record_enter(struct sent_record *record, uint32_t instance, struct content content, uint32_t prompt_toks)
{
    const uint32_t uncached = prompt_toks - record->overlap[instance] * record->block_size;
    push(&record->queues[instance], uncached);
    record->pending[instance] += uncached;
    enter(record, record->indexes[instance], content, prompt_toks);
}

uint32_t sent_record_blocks(const struct sent_record *record, uint32_t instance)
{
    return kv_cached_free(record->indexes[instance]);
}

/* ---- saved states ---- */

void sent_record_save(const struct sent_record *record, struct store_writer *writer)
{
    for (uint32_t i = 0; i < record->n_instances; i++) {
        const struct queue *queue = &record->queues[i];
        kv_pool_save(record->indexes[i], writer);
        store_put_u64(writer, queue->n);
        for (size_t k = 0; k < queue->n; k++) {
            const size_t at = queue->first + k;
            store_put_u32(writer,
                          (uint32_t)((k + 1 < queue->n ? queue->before[at + 1] : queue->total) - queue->before[at]));
        }
    }
}

static void load_queue(struct queue *queue, uint32_t outstanding, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, sizeof(uint32_t));
    if (n != outstanding) {
        store_refuse(reader, "%" PRIu64 " turns in the record of an instance that has %" PRIu32, n, outstanding);
    }
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        push(queue, store_get_u32(reader));
    }
}

bool sent_record_load(struct sent_record *record, uint32_t instance, uint32_t outstanding, uint32_t unbegun,
                      struct store_reader *reader)
{
    if (!kv_pool_load(record->indexes[instance], reader) ||
        !kv_pool_accept(record->indexes[instance], NULL, 0, reader)) {
        return false;
    }
    load_queue(&record->queues[instance], outstanding, reader);
    if (store_failed(reader)) {
        return false;
    }
    sent_record_observe(record, instance, outstanding, unbegun);
    return true;
}
