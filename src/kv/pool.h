/* The KV blocks of one instance: vLLM's block pool with prefix caching, over extents.
 *
 * The pool answers exactly as a block-by-block pool with chained block hashes does (tests hold the two together): only
 * full blocks are cached, a hit covers at most n-1 tokens, released blocks enter the free queue tail-of-sequence first,
 * allocation takes the oldest free block and evicts what it cached, duplicates coexist and a hit takes the first copy.
 * One block is set aside (vLLM's null block), so usable = n_blocks - 1.
 */
#ifndef ASIM_KV_POOL_H
#define ASIM_KV_POOL_H

#include "workload/extent.h"

#include <stdbool.h>
#include <stdint.h>

struct kv_pool;

/* A holder's blocks of depth lo up to the end of index node `end`: the copies named `lane` on that path. */
struct kv_range {
    uint32_t end;
    uint32_t lane;
    uint32_t lo;
};

/* The blocks that one running turn holds. Zero-initialised is empty; embedded in the owner's record. Ranges are private
 * to the pool: they follow each other from depth 0, and each but the first starts where the lane changes. The usual one
 * is here, not behind a pointer. */
struct kv_holder {
    struct kv_range *earlier; /* ranges before the last */
    uint32_t n_ranges;
    uint32_t capacity; /* of earlier */
    struct kv_range last;
    uint32_t hashed_blocks;    /* leading blocks that are in the index */
    uint32_t anonymous_blocks; /* blocks after them that are not (yet) */
    struct extent rest; /* tokens after the hashed blocks, as far as is known: content that need not be read again */
};

struct kv_hit {
    uint32_t blocks;      /* longest cached prefix, in blocks, over at most n_tokens - 1 tokens */
    uint32_t free_blocks; /* of those, the ones no turn holds: a hit takes them out of the free queue */
    uint32_t end;         /* index node in which the hit ends; private to the pool */
};

struct kv_pool *kv_pool_create(uint32_t n_blocks, uint32_t block_size, bool prefix_caching);
void kv_pool_destroy(struct kv_pool *pool);

/* From now on a new pool gives up blocks by ARC (kv/arc.h), and keeps one copy of every content. kv_reserve and kv_drop
 * are not for such a pool. It is to be told what is used, and what will be entered before room is made for it; another
 * pool takes no notice. */
void kv_pool_use_arc(struct kv_pool *pool);
void kv_use(struct kv_pool *pool, const struct kv_holder *holder);                        /* all that it holds */
void kv_expect(struct kv_pool *pool, struct content content, uint32_t from, uint32_t to); /* blocks from, to - 1 */

/* Looks up the first n_tokens of `content`. No side effect. */
struct kv_hit kv_lookup(struct kv_pool *pool, struct content content, uint32_t n_tokens);

/* The same for the first `blocks` whole blocks of `content`: to copy them, which needs no token beyond. */
struct kv_hit kv_find(struct kv_pool *pool, struct content content, uint32_t blocks);

/* Takes the blocks of `hit`, the result of such a look-up since which nothing changed, for an empty holder. */
void kv_touch(struct kv_pool *pool, struct kv_holder *holder, struct content content, struct kv_hit hit);

/* `n` more blocks for the holder, from the head of the free queue; needs n <= kv_free(pool). */
void kv_alloc(struct kv_pool *pool, struct kv_holder *holder, uint32_t n);

/* As kv_alloc for holders that are not named yet: steady decode takes the blocks of many turns at once, and each turn
 * claims its own with kv_claim before it hashes or releases. */
void kv_reserve(struct kv_pool *pool, uint32_t n);
void kv_claim(struct kv_pool *pool, struct kv_holder *holder, uint32_t n);

/* Enters the holder's blocks up to `blocks` (full blocks of `content`) in the index: they can be hit from now on. From
 * its kv_touch to its kv_release a holder has one content; a call may pass a longer or shorter part of it. */
void kv_hash(struct kv_pool *pool, struct kv_holder *holder, struct content content, uint32_t blocks);

/* Gives all blocks back, tail first; what is hashed stays cached until its block is needed. The holder is empty then,
 * and keeps its memory for reuse until kv_holder_fini. What a holder still holds then (a run that is ended early) goes
 * with the pool, which can only be destroyed after that. */
void kv_release(struct kv_pool *pool, struct kv_holder *holder);
void kv_holder_fini(struct kv_holder *holder);

/* Gives back the blocks that are not in the index, which nobody can hit. */
void kv_trim(struct kv_pool *pool, struct kv_holder *holder);

/* Gives back all but the first `blocks` of those in the index, last first, and what is not in it. */
void kv_shorten(struct kv_pool *pool, struct kv_holder *holder, uint32_t blocks);

/* As kv_release, but what nobody else holds is not cached any more, unless something cached continues it or another
 * block caches the same. */
void kv_drop(struct kv_pool *pool, struct kv_holder *holder);

/* Blocks that nobody else holds. */
uint32_t kv_private_blocks(const struct kv_pool *pool, const struct kv_holder *holder);

/* Blocks that nobody holds but the holder, and maybe the `n` others. */
uint32_t kv_private_beside(struct kv_pool *pool, const struct kv_holder *holder, const struct kv_holder *const *others,
                           size_t n);

/* Fetching ahead (kv/prefetch.c), each some time after those that it follows: the pool itself; then the ends of its
 * queue; then the oldest block's content. For a look-up: the slots of the content, then its nodes, then
 * what stands beside them. For a release: where
 * the holder ends, then the nodes above. They change nothing, and all but kv_prefetch may wait for memory. */
void kv_prefetch(const struct kv_pool *pool);
void kv_prefetch_ends(const struct kv_pool *pool);
void kv_prefetch_victim(const struct kv_pool *pool);
void kv_prefetch_slots(const struct kv_pool *pool, struct content content);
void kv_prefetch_nodes(const struct kv_pool *pool, struct content content);
void kv_prefetch_neighbours(const struct kv_pool *pool, struct content content);
void kv_prefetch_release(const struct kv_pool *pool, const struct kv_holder *holder);
void kv_prefetch_path(const struct kv_pool *pool, const struct kv_holder *holder);

uint32_t kv_usable(const struct kv_pool *pool);
uint32_t kv_free(const struct kv_pool *pool);        /* length of the free queue: cached-but-idle blocks included */
uint32_t kv_cached_free(const struct kv_pool *pool); /* of those, the ones that still cache something */
uint32_t kv_reserved(const struct kv_pool *pool);    /* blocks that no holder has claimed yet */
uint64_t kv_evicted(const struct kv_pool *pool);     /* cached blocks that allocation has evicted so far */

/* Checks every invariant of the structure by walking it (tests and debug builds); aborts with a message on the first
 * violation. */
void kv_pool_check(const struct kv_pool *pool);

#endif
