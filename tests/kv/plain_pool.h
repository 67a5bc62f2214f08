/* The oracle of src/kv: vLLM's block pool as it is written there. One record per block, a linked free list, a hash over
 * the tokens of each block chained to the block before, and per hash the blocks that hold it in order of entry. Costs
 * O(blocks) an operation and O(tokens) a content; nothing is shared with the code it checks.
 */
#ifndef ASIM_TESTS_KV_PLAIN_POOL_H
#define ASIM_TESTS_KV_PLAIN_POOL_H

#include "workload/extent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plain_name {
    uint64_t low; /* chained hash over (stream, position) of every token up to the block's end */
    uint64_t high;
    uint64_t label; /* what the extent pool calls the same prefix; carried along for comparisons, never compared here */
};

struct plain_block {
    uint32_t prev;
    uint32_t next;
    uint32_t chain; /* next block of the bucket, in order of entry */
    uint32_t ref;
    bool cached;
    struct plain_name name;
    struct plain_name above; /* of the block before; zeros: it is the first */
};

struct plain_pool {
    struct plain_block *blocks;
    uint32_t n_blocks;
    uint32_t head;
    uint32_t tail;
    uint32_t free;
    uint32_t cached_free;
    uint64_t evicted;
    bool prefix_caching;
    uint32_t block_size;
    uint32_t *buckets;
    uint32_t bucket_mask;
};

struct plain_holder {
    uint32_t *blocks;
    size_t capacity;
    uint32_t n;
    uint32_t hashed;
};

#define PLAIN_NONE UINT32_MAX

void plain_pool_init(struct plain_pool *pool, uint32_t n_blocks, uint32_t block_size, bool prefix_caching);
void plain_pool_fini(struct plain_pool *pool);

/* Names the blocks [from, to) of a content; names[from - 1] is known if from > 0. Leaves the labels alone. */
void plain_names(struct content content, uint32_t block_size, struct plain_name *names, uint32_t from, uint32_t to);

/* The first block of that name, or PLAIN_NONE. */
uint32_t plain_find(const struct plain_pool *pool, const struct plain_name *name);

uint32_t plain_lookup(const struct plain_pool *pool, const struct plain_name *names, uint32_t n_tokens,
                      uint32_t *free_blocks);
void plain_touch(struct plain_pool *pool, struct plain_holder *holder, const struct plain_name *names, uint32_t blocks);
void plain_alloc(struct plain_pool *pool, struct plain_holder *holder, uint32_t n);
void plain_hash(struct plain_pool *pool, struct plain_holder *holder, const struct plain_name *names, uint32_t blocks);
void plain_release(struct plain_pool *pool, struct plain_holder *holder);

/* The blocks without a name. */
void plain_trim(struct plain_pool *pool, struct plain_holder *holder);

/* All but the first `blocks`. */
void plain_shorten(struct plain_pool *pool, struct plain_holder *holder, uint32_t blocks);

/* As plain_release; a block that nobody else holds loses its name, unless another one has it or follows the block. */
void plain_drop(struct plain_pool *pool, struct plain_holder *holder);

/* Blocks that nobody else holds. */
uint32_t plain_private(const struct plain_pool *pool, const struct plain_holder *holder);

/* And those that only `other` holds beside it. */
uint32_t plain_private_beside(const struct plain_pool *pool, const struct plain_holder *holder,
                              const struct plain_holder *other);
void plain_holder_fini(struct plain_holder *holder);

#endif
