#include "kv/plain_pool.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

static void queue_push(struct plain_pool *pool, uint32_t id)
{
    struct plain_block *block = &pool->blocks[id];
    block->prev = pool->tail;
    block->next = PLAIN_NONE;
    *(pool->tail == PLAIN_NONE ? &pool->head : &pool->blocks[pool->tail].next) = id;
    pool->tail = id;
    pool->free++;
    pool->cached_free += block->cached;
}

static void queue_remove(struct plain_pool *pool, uint32_t id)
{
    const struct plain_block *block = &pool->blocks[id];
    *(block->prev == PLAIN_NONE ? &pool->head : &pool->blocks[block->prev].next) = block->next;
    *(block->next == PLAIN_NONE ? &pool->tail : &pool->blocks[block->next].prev) = block->prev;
    pool->free--;
    pool->cached_free -= block->cached;
}

void plain_pool_init(struct plain_pool *pool, uint32_t n_blocks, uint32_t block_size, bool prefix_caching)
{
    *pool = (struct plain_pool){.n_blocks = n_blocks,
                                .head = PLAIN_NONE,
                                .tail = PLAIN_NONE,
                                .prefix_caching = prefix_caching,
                                .block_size = block_size,
                                .bucket_mask = 15};
    while (pool->bucket_mask < n_blocks) {
        pool->bucket_mask = pool->bucket_mask * 2 + 1;
    }
    pool->buckets = mem_alloc((pool->bucket_mask + (size_t)1) * sizeof *pool->buckets);
    memset(pool->buckets, 0xff, (pool->bucket_mask + (size_t)1) * sizeof *pool->buckets);
    pool->blocks = mem_zalloc(n_blocks * sizeof *pool->blocks);
    for (uint32_t i = 1; i < n_blocks; i++) { /* block 0 is the null block */
        queue_push(pool, i);
    }
}

void plain_pool_fini(struct plain_pool *pool)
{
    mem_free(pool->blocks);
    mem_free(pool->buckets);
}

void plain_names(struct content content, uint32_t block_size, struct plain_name *names, uint32_t from, uint32_t to)
{
    struct token {
        uint64_t stream;
        uint64_t position;
    };
    struct {
        uint64_t low;
        uint64_t high;
        struct token tokens[64];
    } chain = {0};
    assert(block_size <= 64 && (uint64_t)to * block_size <= content.n_tokens);
    if (from) {
        chain.low = names[from - 1].low;
        chain.high = names[from - 1].high;
    }
    uint64_t at = 0;
    uint32_t block = from;
    uint32_t filled = 0;
    for (const struct extent *extent = content.extents; block < to; at += extent->count, extent++) {
        const uint64_t begin = (uint64_t)from * block_size;
        for (uint64_t i = at < begin ? begin - at : 0; i < extent->count && block < to; i++) {
            chain.tokens[filled++] = (struct token){extent->stream, extent->first + i};
            if (filled == block_size) {
                const XXH128_hash_t hash =
                    XXH3_128bits(&chain, 2 * sizeof(uint64_t) + block_size * sizeof(struct token));
                chain.low = names[block].low = hash.low64;
                chain.high = names[block].high = hash.high64;
                block++;
                filled = 0;
            }
        }
    }
}

static uint32_t *bucket_of(const struct plain_pool *pool, const struct plain_name *name)
{
    return &pool->buckets[name->low & pool->bucket_mask];
}

uint32_t plain_find(const struct plain_pool *pool, const struct plain_name *name)
{
    uint32_t id = *bucket_of(pool, name);
    while (id != PLAIN_NONE && (pool->blocks[id].name.low != name->low || pool->blocks[id].name.high != name->high)) {
        id = pool->blocks[id].chain;
    }
    return id;
}

uint32_t plain_lookup(const struct plain_pool *pool, const struct plain_name *names, uint32_t n_tokens,
                      uint32_t *free_blocks)
{
    const uint32_t most = n_tokens && pool->prefix_caching ? (n_tokens - 1) / pool->block_size : 0;
    *free_blocks = 0;
    for (uint32_t i = 0; i < most; i++) {
        const uint32_t id = plain_find(pool, &names[i]);
        if (id == PLAIN_NONE) {
            return i;
        }
        *free_blocks += pool->blocks[id].ref == 0;
    }
    return most;
}

static void append(struct plain_holder *holder, uint32_t id)
{
    holder->blocks = mem_grow(holder->blocks, &holder->capacity, holder->n + (size_t)1, sizeof *holder->blocks);
    holder->blocks[holder->n++] = id;
}

void plain_touch(struct plain_pool *pool, struct plain_holder *holder, const struct plain_name *names, uint32_t blocks)
{
    for (uint32_t i = 0; i < blocks; i++) {
        const uint32_t id = plain_find(pool, &names[i]);
        if (pool->blocks[id].ref++ == 0) {
            queue_remove(pool, id);
        }
        append(holder, id);
    }
    holder->hashed = blocks;
}

static void forget(struct plain_pool *pool, uint32_t id)
{
    struct plain_block *block = &pool->blocks[id];
    uint32_t *link = bucket_of(pool, &block->name);
    while (*link != id) {
        link = &pool->blocks[*link].chain;
    }
    *link = block->chain;
    block->cached = false;
}

void plain_alloc(struct plain_pool *pool, struct plain_holder *holder, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t id = pool->head;
        struct plain_block *block = &pool->blocks[id];
        queue_remove(pool, id);
        if (block->cached) {
            forget(pool, id);
            pool->evicted++;
        }
        block->ref = 1;
        append(holder, id);
    }
}

void plain_hash(struct plain_pool *pool, struct plain_holder *holder, const struct plain_name *names, uint32_t blocks)
{
    for (; pool->prefix_caching && holder->hashed < blocks; holder->hashed++) {
        const uint32_t id = holder->blocks[holder->hashed];
        struct plain_block *block = &pool->blocks[id];
        block->cached = true;
        block->name = names[holder->hashed];
        block->above = holder->hashed ? names[holder->hashed - 1] : (struct plain_name){0};
        block->chain = PLAIN_NONE;
        uint32_t *link = bucket_of(pool, &block->name);
        while (*link != PLAIN_NONE) {
            link = &pool->blocks[*link].chain;
        }
        *link = id;
    }
}

void plain_release(struct plain_pool *pool, struct plain_holder *holder)
{
    while (holder->n) {
        const uint32_t id = holder->blocks[--holder->n];
        if (--pool->blocks[id].ref == 0) {
            queue_push(pool, id);
        }
    }
    holder->hashed = 0;
}

void plain_trim(struct plain_pool *pool, struct plain_holder *holder)
{
    while (holder->n > holder->hashed) {
        const uint32_t id = holder->blocks[--holder->n];
        pool->blocks[id].ref = 0;
        queue_push(pool, id);
    }
}

void plain_shorten(struct plain_pool *pool, struct plain_holder *holder, uint32_t blocks)
{
    plain_trim(pool, holder);
    while (holder->n > blocks) {
        const uint32_t id = holder->blocks[--holder->n];
        if (--pool->blocks[id].ref == 0) {
            queue_push(pool, id);
        }
    }
    holder->hashed = holder->n;
}

static bool same_name(const struct plain_name *a, const struct plain_name *b)
{
    return a->low == b->low && a->high == b->high;
}

/* Another block has its name or follows it. */
static bool is_of_use(const struct plain_pool *pool, uint32_t of)
{
    for (uint32_t id = 1; id < pool->n_blocks; id++) {
        const struct plain_block *block = &pool->blocks[id];
        if (id != of && block->cached &&
            (same_name(&block->above, &pool->blocks[of].name) || same_name(&block->name, &pool->blocks[of].name))) {
            return true;
        }
    }
    return false;
}

void plain_drop(struct plain_pool *pool, struct plain_holder *holder)
{
    while (holder->n) {
        const uint32_t id = holder->blocks[--holder->n];
        struct plain_block *block = &pool->blocks[id];
        if (--block->ref == 0) {
            if (block->cached && !is_of_use(pool, id)) {
                forget(pool, id);
            }
            queue_push(pool, id);
        }
    }
    holder->hashed = 0;
}

uint32_t plain_private(const struct plain_pool *pool, const struct plain_holder *holder)
{
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < holder->n; i++) {
        blocks += pool->blocks[holder->blocks[i]].ref == 1;
    }
    return blocks;
}

uint32_t plain_private_beside(const struct plain_pool *pool, const struct plain_holder *holder,
                              const struct plain_holder *other)
{
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < holder->n; i++) {
        uint32_t ref = pool->blocks[holder->blocks[i]].ref;
        for (uint32_t k = 0; k < other->n; k++) {
            ref -= other->blocks[k] == holder->blocks[i];
        }
        blocks += ref == 1;
    }
    return blocks;
}

void plain_holder_fini(struct plain_holder *holder)
{
    mem_free(holder->blocks);
    *holder = (struct plain_holder){0};
}
