/* Which of a holder's blocks are its own. */
#include "kv/pool.h"
#include "kv/pool_internal.h"

uint32_t kv_private_blocks(const struct kv_pool *pool, const struct kv_holder *holder)
{
    uint32_t blocks = holder->anonymous_blocks;
    for (uint32_t i = 0; i < holder->n_ranges; i++) {
        const struct kv_range *range = kv_holder_range(holder, i);
        const struct prefix_node *x;
        uint32_t node = range->end;
        do {
            x = prefix_index_node(&pool->index, node);
            if (prefix_index_copy_at(&pool->index, prefix_index_copy(&pool->index, node, range->lane))->ref == 1) {
                blocks += x->n;
            }
            node = x->parent;
        } while (x->depth != range->lo);
    }
    return blocks;
}

/* Adds to the references of all that a holder holds. */
static void refer_again(struct kv_pool *pool, const struct kv_holder *holder, int32_t by)
{
    for (uint32_t i = 0; i < holder->n_ranges; i++) {
        const struct kv_range *range = kv_holder_range(holder, i);
        const struct prefix_node *x;
        uint32_t node = range->end;
        do {
            x = prefix_index_node(&pool->index, node);
            prefix_index_copy_at(&pool->index, prefix_index_copy(&pool->index, node, range->lane))->ref += (uint32_t)by;
            node = x->parent;
        } while (x->depth != range->lo);
    }
}

uint32_t kv_private_beside(struct kv_pool *pool, const struct kv_holder *holder, const struct kv_holder *const *others,
                           size_t n)
{
    for (size_t i = 0; i < n; i++) {
        refer_again(pool, others[i], -1);
    }
    const uint32_t blocks = kv_private_blocks(pool, holder);
    for (size_t i = 0; i < n; i++) {
        refer_again(pool, others[i], 1);
    }
    return blocks;
}
