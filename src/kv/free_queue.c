#include "kv/free_queue.h"

#include "base/mem.h"

#include <assert.h>

_Static_assert(sizeof(struct kv_run) == 24, "one per idle program and copy");

void free_queue_init(struct free_queue *queue)
{
    *queue = (struct free_queue){.spare = KV_NONE, .head = KV_NONE, .tail = KV_NONE};
}

void free_queue_fini(struct free_queue *queue)
{
    mem_free(queue->runs);
    free_queue_init(queue);
}

uint32_t free_queue_new_run(struct free_queue *queue, uint32_t node)
{
    uint32_t run = queue->spare;
    if (run != KV_NONE) {
        queue->spare = queue->runs[run].next;
    } else {
        assert(queue->n_runs < KV_NONE);
        queue->runs = mem_grow(queue->runs, &queue->capacity, queue->n_runs + 1, sizeof *queue->runs);
        run = (uint32_t)queue->n_runs++;
    }
    queue->runs[run] = (struct kv_run){.node = node, .prev = KV_NONE, .next = KV_NONE, .next_copy = KV_NONE};
    return run;
}

void free_queue_free_run(struct free_queue *queue, uint32_t run)
{
    queue->runs[run].next = queue->spare;
    queue->spare = run;
}

void free_queue_insert_after(struct free_queue *queue, uint32_t at, uint32_t run)
{
    struct kv_run *runs = queue->runs;
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
    if (queue->tail != KV_NONE && kv_run_is_anonymous(&queue->runs[queue->tail])) {
        queue->runs[queue->tail].count += count;
        return;
    }
    const uint32_t run = free_queue_new_run(queue, KV_NONE);
    queue->runs[run].count = count;
    free_queue_push(queue, run);
}

static void detach(struct free_queue *queue, uint32_t run)
{
    struct kv_run *runs = queue->runs;
    const uint32_t prev = runs[run].prev;
    const uint32_t next = runs[run].next;
    *(prev == KV_NONE ? &queue->head : &runs[prev].next) = next;
    *(next == KV_NONE ? &queue->tail : &runs[next].prev) = prev;
}

void free_queue_unlink(struct free_queue *queue, uint32_t run)
{
    struct kv_run *runs = queue->runs;
    const uint32_t prev = runs[run].prev;
    const uint32_t next = runs[run].next;
    detach(queue, run);
    if (prev != KV_NONE && next != KV_NONE && kv_run_is_anonymous(&runs[prev]) && kv_run_is_anonymous(&runs[next])) {
        runs[prev].count += runs[next].count;
        detach(queue, next);
        free_queue_free_run(queue, next);
    }
}
