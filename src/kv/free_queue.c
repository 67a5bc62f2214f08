#include "kv/free_queue.h"

#include <assert.h>

void free_queue_init(struct free_queue *queue)
{
    *queue = (struct free_queue){.head = KV_NONE, .tail = KV_NONE};
    cell_store_init(&queue->store);
}

void free_queue_fini(struct free_queue *queue)
{
    cell_store_fini(&queue->store);
    free_queue_init(queue);
}

uint32_t free_queue_new_run(struct free_queue *queue, uint32_t node)
{
    const bool home = node != KV_NONE && free_queue_run(queue, node)->node == KV_NONE;
    const uint32_t run = home ? node : cell_store_take(&queue->store);
    free_queue_run(queue, run)->node = node;
    return run;
}

void free_queue_free_run(struct free_queue *queue, uint32_t run)
{
    const bool home = free_queue_run(queue, run)->node == run;
    free_queue_run(queue, run)->node = KV_NONE;
    if (!home) {
        cell_store_give(&queue->store, run);
    }
}

void free_queue_insert_after(struct free_queue *queue, uint32_t at, uint32_t run)
{
    struct kv_run *runs = queue->store.runs;
    const uint32_t next = at == KV_NONE ? queue->head : runs[at].next;
    runs[run].prev = at;
    runs[run].next = next;
    *(at == KV_NONE ? &queue->head : &runs[at].next) = run;
    *(next == KV_NONE ? &queue->tail : &runs[next].prev) = run;
}

void free_queue_push(struct free_queue *queue, uint32_t run)
{
    free_queue_insert_after(queue, queue->tail, run);
}

void free_queue_push_anonymous(struct free_queue *queue, uint32_t count)
{
    if (!count) {
        return;
    }
    if (queue->tail != KV_NONE && free_queue_is_anonymous(queue, queue->tail)) {
        free_queue_run(queue, queue->tail)->count += count;
        return;
    }
    const uint32_t run = free_queue_new_run(queue, KV_NONE);
    free_queue_run(queue, run)->count = count;
    free_queue_push(queue, run);
}

static void detach(struct free_queue *queue, uint32_t run)
{
    struct kv_run *runs = queue->store.runs;
    const uint32_t prev = runs[run].prev;
    const uint32_t next = runs[run].next;
    *(prev == KV_NONE ? &queue->head : &runs[prev].next) = next;
    *(next == KV_NONE ? &queue->tail : &runs[next].prev) = prev;
}

void free_queue_unlink(struct free_queue *queue, uint32_t run)
{
    struct kv_run *runs = queue->store.runs;
    const uint32_t prev = runs[run].prev;
    const uint32_t next = runs[run].next;
    detach(queue, run);
    if (prev != KV_NONE && next != KV_NONE && free_queue_is_anonymous(queue, prev) &&
        free_queue_is_anonymous(queue, next)) {
        free_queue_run(queue, prev)->count += free_queue_run(queue, next)->count;
        detach(queue, next);
        free_queue_free_run(queue, next);
    }
}
