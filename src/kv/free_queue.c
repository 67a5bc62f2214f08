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

static bool has_node(const struct free_queue *queue, uint32_t cell)
{
    return queue->store.cells[cell].node.n > 0;
}

uint32_t free_queue_new_run(struct free_queue *queue, uint32_t node)
{
    const bool home = node != KV_NONE && free_queue_run(queue, node)->node == KV_NONE;
    const uint32_t run = home ? node : cell_store_take(&queue->store);
    *free_queue_run(queue, run) = (struct kv_run){.node = node, .prev = KV_NONE, .next = KV_NONE, .next_copy = KV_NONE};
    return run;
}

void free_queue_free_run(struct free_queue *queue, uint32_t run)
{
    if (has_node(queue, run)) {
        free_queue_run(queue, run)->node = KV_NONE;
    } else {
        cell_store_give(&queue->store, run);
    }
}

void free_queue_insert_after(struct free_queue *queue, uint32_t at, uint32_t run)
{
    struct kv_cell *cells = queue->store.cells;
    const uint32_t next = at == KV_NONE ? queue->head : cells[at].run.next;
    cells[run].run.prev = at;
    cells[run].run.next = next;
    *(at == KV_NONE ? &queue->head : &cells[at].run.next) = run;
    *(next == KV_NONE ? &queue->tail : &cells[next].run.prev) = run;
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
    if (queue->tail != KV_NONE && kv_run_is_anonymous(free_queue_run(queue, queue->tail))) {
        free_queue_run(queue, queue->tail)->count += count;
        return;
    }
    const uint32_t run = free_queue_new_run(queue, KV_NONE);
    free_queue_run(queue, run)->count = count;
    free_queue_push(queue, run);
}

static void detach(struct free_queue *queue, uint32_t run)
{
    struct kv_cell *cells = queue->store.cells;
    const uint32_t prev = cells[run].run.prev;
    const uint32_t next = cells[run].run.next;
    *(prev == KV_NONE ? &queue->head : &cells[prev].run.next) = next;
    *(next == KV_NONE ? &queue->tail : &cells[next].run.prev) = prev;
}

void free_queue_unlink(struct free_queue *queue, uint32_t run)
{
    struct kv_cell *cells = queue->store.cells;
    const uint32_t prev = cells[run].run.prev;
    const uint32_t next = cells[run].run.next;
    detach(queue, run);
    if (prev != KV_NONE && next != KV_NONE && kv_run_is_anonymous(&cells[prev].run) &&
        kv_run_is_anonymous(&cells[next].run)) {
        cells[prev].run.count += cells[next].run.count;
        detach(queue, next);
        free_queue_free_run(queue, next);
    }
}
