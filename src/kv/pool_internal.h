/* The inside of a pool, for pool.c and for the checks and tests that walk it. */
#ifndef ASIM_KV_POOL_INTERNAL_H
#define ASIM_KV_POOL_INTERNAL_H

#include "kv/free_queue.h"
#include "kv/pool.h"
#include "kv/prefix_index.h"

#include <stddef.h>

struct kv_pool {
    struct free_queue queue;
    struct prefix_index index;
    uint32_t block_size; /* tokens */
    bool prefix_caching;
    uint32_t usable;
    uint32_t free;        /* blocks in the queue */
    uint32_t cached_free; /* of those, in copies */
    uint32_t anonymous;   /* held blocks that are not in the index, the reserved ones included */
    uint32_t reserved;    /* of those, not claimed by a holder yet */
    uint64_t evicted;
    struct kv_arc *arc; /* NULL: the oldest block goes first */
};

static inline const struct kv_range *kv_holder_range(const struct kv_holder *holder, uint32_t i)
{
    return i + 1 == holder->n_ranges ? &holder->last : &holder->earlier[i];
}

/* Appends a range to the list; nothing is counted. */
void kv_holder_add_range(struct kv_holder *holder, struct kv_range range);

/* As kv_pool_check, and that the ranges of all holders are exactly what the index counts; `holders` must be all holders
 * of the pool's blocks. */
void kv_pool_check_holders(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders);

/* The same without an end: false, and what is wrong, when an invariant does not hold. Safe for any content of the
 * cells, the queue's ends, the counters and the holders' ranges. */
struct kv_fault {
    char text[240];
};
bool kv_pool_is_healthy(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders,
                        struct kv_fault *fault);

/* Blocks that the holders hold together, each counted once; found by walking all of them. */
uint32_t kv_blocks_of_all(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders);

#endif
