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

static const struct extent *last_extent(struct content content)
{
    return &content.extents[content.n_extents - 1];
}

static struct block_key first_key(const struct extent *extent)
{
    return (struct block_key){.stream = extent->stream, .first = extent->first};
}

/* Where the first child of the root stands in the table, and where the stream ended last. */
void kv_prefetch_slots(const struct kv_pool *pool, struct content content)
{
    prefix_index_prefetch(&pool->index, PREFIX_ROOT, first_key(&content.extents[0]));
    __builtin_prefetch(prefix_index_guess(&pool->index, last_extent(content)->stream));
}

void kv_prefetch_nodes(const struct kv_pool *pool, struct content content)
{
    const struct prefix_index *index = &pool->index;
    const uint32_t guess = *prefix_index_guess(index, last_extent(content)->stream);
    __builtin_prefetch(prefix_index_node(index, guess), 1);
    __builtin_prefetch(free_queue_run(&pool->queue, guess), 1);
    const uint32_t first = prefix_index_near(index, PREFIX_ROOT, first_key(&content.extents[0]));
    if (first != KV_NONE) {
        __builtin_prefetch(prefix_index_node(index, first), 1);
        prefix_index_prefetch(index, first, first_key(last_extent(content)));
    }
}

/* The queue's runs beside that of the node, which leaves it; or, where the guess is wrong, what may be below the first
 * node. */
void kv_prefetch_neighbours(const struct kv_pool *pool, struct content content)
{
    const struct prefix_index *index = &pool->index;
    const uint32_t guess = *prefix_index_guess(index, last_extent(content)->stream);
    const struct prefix_node *node = prefix_index_node(index, guess);
    if (node->key.stream == last_extent(content)->stream) {
        const struct kv_run *run = free_queue_run(&pool->queue, guess);
        __builtin_prefetch(prefix_index_node(index, node->parent), 1);
        __builtin_prefetch(free_queue_run(&pool->queue, run->prev), 1);
        __builtin_prefetch(free_queue_run(&pool->queue, run->next), 1);
        return;
    }
    const uint32_t first = prefix_index_near(index, PREFIX_ROOT, first_key(&content.extents[0]));
    if (first != KV_NONE) {
        const uint32_t second = prefix_index_near(index, first, first_key(last_extent(content)));
        if (second != KV_NONE) {
            __builtin_prefetch(prefix_index_node(index, second), 1);
        }
    }
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
