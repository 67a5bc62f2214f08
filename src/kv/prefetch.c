#include "kv/pool.h"
#include "kv/pool_internal.h"

#include <stddef.h>

void kv_prefetch(const struct kv_pool *pool)
{
    for (size_t line = 0; line < sizeof *pool; line += 64) {
        __builtin_prefetch((const char *)pool + line, 1);
    }
}

void kv_prefetch_ends(const struct kv_pool *pool)
{
    const struct free_queue *queue = &pool->queue;
    __builtin_prefetch(&queue->store.runs[queue->head], 1);
    __builtin_prefetch(&queue->store.runs[queue->tail], 1);
    __builtin_prefetch(&queue->store.runs[queue->store.spare], 1);
}

void kv_prefetch_victim(const struct kv_pool *pool)
{
    const struct free_queue *queue = &pool->queue;
    if (queue->head == KV_NONE) {
        return;
    }
    const struct kv_run *run = &queue->store.runs[queue->head];
    if (run->node != KV_NONE) {
        __builtin_prefetch(&queue->store.cells[run->node], 1);
    }
    if (run->next != KV_NONE) {
        __builtin_prefetch(&queue->store.runs[run->next], 1);
    }
}

/* Where the first child of the root stands in the table, and where the stream ended last. */
void kv_prefetch_slots(const struct kv_pool *pool, struct content content)
{
    const struct extent *first = &content.extents[0];
    const struct extent *last = &content.extents[content.n_extents - 1];
    prefix_index_prefetch(&pool->index, PREFIX_ROOT,
                          (struct block_key){.stream = first->stream, .first = first->first});
    __builtin_prefetch(prefix_index_guess(&pool->index, last->stream));
}

void kv_prefetch_nodes(const struct kv_pool *pool, struct content content)
{
    const struct prefix_index *index = &pool->index;
    const uint32_t guess = *prefix_index_guess(index, content.extents[content.n_extents - 1].stream);
    __builtin_prefetch(prefix_index_node(index, guess), 1);
    __builtin_prefetch(free_queue_run(&pool->queue, guess), 1);
}

void kv_prefetch_release(const struct kv_pool *pool, const struct kv_holder *holder)
{
    if (holder->n_ranges) {
        __builtin_prefetch(prefix_index_node(&pool->index, holder->last.end), 1);
        __builtin_prefetch(free_queue_run(&pool->queue, holder->last.end), 1);
    }
}

void kv_prefetch_path(const struct kv_pool *pool, const struct kv_holder *holder)
{
    if (holder->n_ranges) {
        const struct prefix_node *node = prefix_index_node(&pool->index, holder->last.end);
        __builtin_prefetch(prefix_index_node(&pool->index, node->parent), 1);
        __builtin_prefetch(prefix_index_guess(&pool->index, node->key.stream), 1);
    }
}
