#include "kv/pool.h"

#include "base/mem.h"
#include "kv/arc.h"
#include "kv/block_cursor.h"
#include "kv/pool_internal.h"

#include <assert.h>

struct kv_pool *kv_pool_create(uint32_t n_blocks, uint32_t block_size, bool prefix_caching)
{
    assert(n_blocks > 0 && block_size > 0);
    struct kv_pool *pool = mem_zalloc(sizeof *pool);
    free_queue_init(&pool->queue);
    prefix_index_init(&pool->index, &pool->queue, block_size);
    pool->block_size = block_size;
    pool->prefix_caching = prefix_caching;
    pool->usable = n_blocks - 1;
    pool->free = pool->usable;
    free_queue_push_anonymous(&pool->queue, pool->usable);
    return pool;
}

void kv_pool_destroy(struct kv_pool *pool)
{
    if (pool) {
        kv_arc_fini(pool->arc);
        prefix_index_fini(&pool->index);
        free_queue_fini(&pool->queue);
        mem_free(pool);
    }
}

/* ---- guesses ----
 *
 * A turn mostly continues where the turn before it ended, so the pool remembers by stream where a holder ended last.
 * From there the way up is two lines of memory, where the way down through the table is five, each waiting for the one
 * before. A guess may be wrong, or the node another one by now: every step down it is compared. */

enum { GUESSED_DEPTH = 8 };

/* The nodes of a path; below the root first. */
struct path {
    uint32_t nodes[GUESSED_DEPTH];
    uint32_t next;
};

static struct path path_to(const struct prefix_index *index, uint32_t node)
{
    struct path path = {.next = GUESSED_DEPTH};
    if (prefix_index_node(index, node)->n) {
        for (; node != PREFIX_ROOT && path.next; node = prefix_index_node(index, node)->parent) {
            path.nodes[--path.next] = node;
        }
        path.next = node == PREFIX_ROOT ? path.next : GUESSED_DEPTH;
    }
    return path;
}

static uint32_t next_on_path(const struct prefix_index *index, struct path *path, uint32_t node, struct block_key key)
{
    if (path->next < GUESSED_DEPTH) {
        const uint32_t guess = path->nodes[path->next++];
        const struct prefix_node *x = prefix_index_node(index, guess);
        if (x->parent == node && block_key_equal(x->key, key)) {
            return guess;
        }
        path->next = GUESSED_DEPTH;
    }
    return prefix_index_child(index, node, key);
}

/* ---- operations ---- */

struct kv_hit kv_find(struct kv_pool *pool, struct content content, uint32_t blocks)
{
    assert((uint64_t)blocks * pool->block_size <= content.n_tokens);
    struct kv_hit hit = {0};
    uint32_t left = blocks;
    if (!pool->prefix_caching || !left) {
        return hit;
    }
    const struct prefix_index *index = &pool->index;
    const uint32_t guess = *prefix_index_guess(index, content.extents[content.n_extents - 1].stream);
    __builtin_prefetch(free_queue_run(&pool->queue, guess));
    __builtin_prefetch(prefix_index_node(index, pool->queue.head)); /* an allocation follows */
    struct path path = path_to(index, guess);
    struct block_cursor cursor = block_cursor_begin(content, pool->block_size);
    uint32_t node = PREFIX_ROOT;
    while (left) {
        struct block_run run = block_cursor_next(&cursor, left);
        left -= run.n;
        while (run.n) {
            node = next_on_path(index, &path, node, run.key);
            if (node == KV_NONE) {
                return hit;
            }
            hit.end = node;
            const struct prefix_node *x = prefix_index_node(index, node);
            const uint32_t n = run.n < x->n ? run.n : x->n;
            hit.blocks += n;
            if (prefix_index_copy_at(index, x->first_copy)->ref == 0) {
                hit.free_blocks += n;
                const struct kv_run *run_of_copy = free_queue_run(&pool->queue, x->first_copy);
                __builtin_prefetch(free_queue_run(&pool->queue, run_of_copy->prev)); /* a hit unlinks it */
                __builtin_prefetch(free_queue_run(&pool->queue, run_of_copy->next));
            }
            if (n < x->n) {
                return hit; /* the run ends inside the node, so whatever follows it differs */
            }
            block_run_advance(&run, n, pool->block_size);
        }
    }
    return hit;
}

struct kv_hit kv_lookup(struct kv_pool *pool, struct content content, uint32_t n_tokens)
{
    assert(n_tokens <= content.n_tokens);
    return kv_find(pool, content, n_tokens ? (n_tokens - 1) / pool->block_size : 0);
}

void kv_holder_add_range(struct kv_holder *holder, struct kv_range range)
{
    if (holder->n_ranges) {
        size_t capacity = holder->capacity;
        holder->earlier = mem_grow(holder->earlier, &capacity, holder->n_ranges, sizeof *holder->earlier);
        holder->capacity = (uint32_t)capacity;
        holder->earlier[holder->n_ranges - 1] = holder->last;
    }
    holder->last = range;
    holder->n_ranges++;
}

/* Makes the copy of `node` named `lane` the holder's next one; `node` is a child of where the holder ends. */
static void extend_ranges(struct kv_pool *pool, struct kv_holder *holder, uint32_t node, uint32_t lane)
{
    struct prefix_node *x = prefix_index_node(&pool->index, node);
    struct kv_range *last = &holder->last;
    if (holder->n_ranges && last->lane == lane) {
        prefix_index_node(&pool->index, last->end)->ends--;
        last->end = node;
    } else {
        kv_holder_add_range(holder, (struct kv_range){.end = node, .lane = lane, .lo = x->depth});
    }
    x->ends++;
}

/* Takes the first copy of `node` for a holder whose last lane is `lane`; returns the lane of the copy. */
static uint32_t hold_first_copy(struct kv_pool *pool, uint32_t node, uint32_t lane)
{
    const struct prefix_node *x = prefix_index_node(&pool->index, node);
    struct kv_copy *copy = prefix_index_copy_at(&pool->index, x->first_copy);
    if (copy->ref++ == 0) {
        free_queue_unlink(&pool->queue, x->first_copy);
        pool->free -= x->n;
        pool->cached_free -= x->n;
        assert(lane <= copy->lane);
        copy->lane = lane; /* one range goes on instead of two */
    }
    return copy->lane;
}

/* Takes the first blocks of `run`, which are those of `child`, for a holder that ends at `node` above it; returns the
 * node where it ends then. */
static inline uint32_t hold_child(struct kv_pool *pool, struct kv_holder *holder, uint32_t node, uint32_t child,
                                  struct block_run *run)
{
    struct prefix_index *index = &pool->index;
    if (run->n < prefix_index_node(index, child)->n) {
        child = prefix_index_split(index, child, run->n);
    }
    block_run_advance(run, prefix_index_node(index, child)->n, pool->block_size);
    const uint32_t lane = hold_first_copy(pool, child, holder->n_ranges ? holder->last.lane : 0);
    extend_ranges(pool, holder, child, lane);
    prefix_index_merge(index, node);
    return child;
}

void kv_touch(struct kv_pool *pool, struct kv_holder *holder, struct content content, struct kv_hit hit)
{
    assert(!holder->n_ranges && !holder->hashed_blocks && !holder->anonymous_blocks);
    const uint32_t free_before = pool->free;
    struct prefix_index *index = &pool->index;
    struct block_cursor cursor = block_cursor_begin(content, pool->block_size);
    struct path path = path_to(index, hit.end);
    uint32_t node = PREFIX_ROOT;
    for (uint32_t left = hit.blocks; left;) {
        struct block_run run = block_cursor_next(&cursor, left);
        left -= run.n;
        while (run.n) {
            const uint32_t child = next_on_path(index, &path, node, run.key);
            assert(child != KV_NONE && "nothing changed since the look-up");
            node = hold_child(pool, holder, node, child, &run);
        }
    }
    holder->hashed_blocks = hit.blocks;
    holder->rest = cursor.left;
    assert(free_before - pool->free == hit.free_blocks);
    (void)free_before;
}

/* Takes n blocks from the head of the queue and evicts what they cache. */
static void take_blocks(struct kv_pool *pool, uint32_t n)
{
    assert(n <= pool->free);
    pool->free -= n;
    while (n) {
        struct kv_run *run = free_queue_run(&pool->queue, pool->queue.head);
        const bool anonymous = free_queue_is_anonymous(&pool->queue, pool->queue.head);
        const uint32_t length = anonymous ? run->count : prefix_index_node(&pool->index, run->node)->n;
        const uint32_t k = n < length ? n : length;
        n -= k;
        if (!anonymous) {
            pool->cached_free -= k;
            pool->evicted += k;
            prefix_index_evict(&pool->index, pool->queue.head, k);
        } else if (k < length) {
            run->count -= k;
        } else {
            const uint32_t emptied = pool->queue.head;
            free_queue_unlink(&pool->queue, emptied);
            free_queue_free_run(&pool->queue, emptied);
        }
    }
}

void kv_alloc(struct kv_pool *pool, struct kv_holder *holder, uint32_t n)
{
    if (pool->arc) {
        kv_arc_take(pool, n);
    } else {
        take_blocks(pool, n);
    }
    pool->anonymous += n;
    holder->anonymous_blocks += n;
}

void kv_reserve(struct kv_pool *pool, uint32_t n)
{
    assert(!pool->arc);
    take_blocks(pool, n);
    pool->anonymous += n;
    pool->reserved += n;
}

void kv_claim(struct kv_pool *pool, struct kv_holder *holder, uint32_t n)
{
    assert(n <= pool->reserved);
    pool->reserved -= n;
    holder->anonymous_blocks += n;
}

/* True when `run` goes on in `node`, and the holder that ends there is the only one to see it: one copy, and of a
 * leaf's copies all ranges end at the leaf. */
static bool grows_in_place(const struct kv_pool *pool, uint32_t node, const struct block_run *run)
{
    const struct prefix_node *x = prefix_index_node(&pool->index, node);
    return node != PREFIX_ROOT && x->n_children == 0 && x->ends == 1 && prefix_index_one_copy(&pool->index, x) &&
           prefix_node_continues(x, run->key, pool->block_size);
}

/* Enters the first blocks of `run` after `node`, where the holder ends; returns the node where it ends then. */
static uint32_t enter_blocks(struct kv_pool *pool, struct kv_holder *holder, uint32_t node, struct block_run *run)
{
    struct prefix_index *index = &pool->index;
    const uint32_t lane = holder->n_ranges ? holder->last.lane : 0;
    uint32_t child = prefix_index_child(index, node, run->key);
    if (child == KV_NONE && grows_in_place(pool, node, run)) {
        prefix_index_node(index, node)->n += run->n;
        run->n = 0;
        return node;
    }
    if (child == KV_NONE) {
        child = prefix_index_add(index, node, *run);
    } else if (run->n < prefix_index_node(index, child)->n) {
        child = prefix_index_split(index, child, run->n);
    }
    const uint32_t copy = prefix_index_add_copy(index, child, lane);
    extend_ranges(pool, holder, child, prefix_index_copy_at(index, copy)->lane);
    block_run_advance(run, prefix_index_node(index, child)->n, pool->block_size);
    prefix_index_merge(index, node);
    return child;
}

/* The same where there is one copy of everything; out of the way of the usual pool. */
__attribute__((noinline)) static uint32_t enter_once(struct kv_pool *pool, struct kv_holder *holder, uint32_t node,
                                                     struct block_run *run)
{
    struct prefix_index *index = &pool->index;
    uint32_t child = prefix_index_child(index, node, run->key);
    if (child != KV_NONE) { /* it has come meanwhile */
        const uint32_t before = run->n;
        child = hold_child(pool, holder, node, child, run);
        kv_arc_give_empty(pool, before - run->n);
        return child;
    }
    bool frequent;
    const struct prefix_node *above = prefix_index_node(index, node);
    struct block_run part = *run;
    part.n = kv_arc_admit(pool, *run, above->depth + above->n, &frequent);
    block_run_advance(run, part.n, pool->block_size);
    if (grows_in_place(pool, node, &part) && prefix_index_copy_at(index, above->first_copy)->frequent == frequent) {
        prefix_index_node(index, node)->n += part.n;
        child = node;
    } else {
        child = prefix_index_add(index, node, part);
        const uint32_t copy = prefix_index_add_copy(index, child, 0);
        prefix_index_copy_at(index, copy)->frequent = frequent;
        extend_ranges(pool, holder, child, 0);
        prefix_index_merge(index, node);
    }
    kv_arc_entered(pool, frequent, part.n);
    return child;
}

void kv_hash(struct kv_pool *pool, struct kv_holder *holder, struct content content, uint32_t blocks)
{
    assert(blocks <= holder->hashed_blocks + holder->anonymous_blocks);
    if (!pool->prefix_caching || blocks <= holder->hashed_blocks) {
        return;
    }
    const uint32_t entered = blocks - holder->hashed_blocks;
    struct block_cursor cursor = (uint64_t)entered * pool->block_size <= holder->rest.count
                                     ? block_cursor_within(holder->rest, pool->block_size)
                                     : block_cursor_at(content, pool->block_size, holder->hashed_blocks);
    uint32_t node = holder->n_ranges ? holder->last.end : PREFIX_ROOT;
    for (uint32_t left = entered; left;) {
        struct block_run run = block_cursor_next(&cursor, left);
        left -= run.n;
        while (run.n) {
            node = pool->arc ? enter_once(pool, holder, node, &run) : enter_blocks(pool, holder, node, &run);
        }
    }
    holder->rest = cursor.left;
    holder->hashed_blocks = blocks;
    holder->anonymous_blocks -= entered;
    pool->anonymous -= entered;
}

/* Lets go of the copy of `node` in `lane`; returns the node that covers its blocks now. */
static inline uint32_t release_one(struct kv_pool *pool, uint32_t node, uint32_t lane)
{
    struct prefix_index *index = &pool->index;
    const uint32_t copy = prefix_index_copy(index, node, lane);
    if (--prefix_index_copy_at(index, copy)->ref == 0) {
        if (pool->arc) {
            kv_arc_push(pool, copy);
        } else {
            free_queue_push(&pool->queue, copy);
        }
        pool->free += prefix_index_node(index, node)->n;
        pool->cached_free += prefix_index_node(index, node)->n;
    }
    return prefix_index_merge(index, node);
}

/* The same; returns the node above it on the way up, or KV_NONE at depth `lo`. */
static inline uint32_t release_copy(struct kv_pool *pool, uint32_t node, uint32_t lane, uint32_t lo)
{
    const struct prefix_node *covering = prefix_index_node(&pool->index, release_one(pool, node, lane));
    return covering->depth == lo ? KV_NONE : covering->parent;
}

/* Lets go of one range: idle copies are queued, deepest first. */
static void release_range(struct kv_pool *pool, const struct kv_range *range)
{
    prefix_index_node(&pool->index, range->end)->ends--;
    for (uint32_t node = range->end; node != KV_NONE;) {
        node = release_copy(pool, node, range->lane, range->lo);
    }
}

/* Blocks without a name, in the last place or where empty blocks are. */
static inline void free_anonymous(struct kv_pool *pool, uint32_t n)
{
    pool->anonymous -= n;
    if (pool->arc) {
        kv_arc_give_empty(pool, n);
        return;
    }
    free_queue_push_anonymous(&pool->queue, n);
    pool->free += n;
}

void kv_release(struct kv_pool *pool, struct kv_holder *holder)
{
    kv_trim(pool, holder); /* tail first */
    if (holder->n_ranges) {
        *prefix_index_guess(&pool->index, prefix_index_node(&pool->index, holder->last.end)->key.stream) =
            holder->last.end;
    }
    while (holder->n_ranges) {
        release_range(pool, &holder->last);
        if (--holder->n_ranges) {
            holder->last = holder->earlier[holder->n_ranges - 1];
        }
    }
    holder->hashed_blocks = 0;
}

void kv_trim(struct kv_pool *pool, struct kv_holder *holder)
{
    free_anonymous(pool, holder->anonymous_blocks);
    holder->anonymous_blocks = 0;
    holder->rest.count = 0;
}

/* The last node of the holder's last range goes, cut where `blocks` end. */
static void release_last(struct kv_pool *pool, struct kv_holder *holder, uint32_t blocks)
{
    struct prefix_index *index = &pool->index;
    struct kv_range *range = &holder->last;
    const uint32_t node = range->end;
    if (prefix_index_node(index, node)->depth < blocks) {
        prefix_index_split(index, node, blocks - prefix_index_node(index, node)->depth);
    }
    struct prefix_node *x = prefix_index_node(index, node);
    holder->hashed_blocks = x->depth;
    x->ends--;
    if (x->depth > range->lo) {
        range->end = x->parent;
        prefix_index_node(index, x->parent)->ends++; /* so that it stays a node of its own */
        release_one(pool, node, range->lane);
        return;
    }
    release_one(pool, node, range->lane);
    if (--holder->n_ranges) {
        *range = holder->earlier[holder->n_ranges - 1];
    }
}

void kv_shorten(struct kv_pool *pool, struct kv_holder *holder, uint32_t blocks)
{
    kv_trim(pool, holder);
    while (holder->hashed_blocks > blocks) {
        release_last(pool, holder, blocks);
    }
}

/* As releasing a copy, but blocks that nobody holds then, no other block duplicates and nothing cached continues are
 * anonymous ones. A turn that has blocks without a name holds what they continue: they make no difference. */
static uint32_t drop_copy_of(struct kv_pool *pool, uint32_t node, uint32_t lane, uint32_t lo)
{
    struct prefix_index *index = &pool->index;
    const uint32_t copy = prefix_index_copy(index, node, lane);
    const struct prefix_node *x = prefix_index_node(index, node);
    if (prefix_index_copy_at(index, copy)->ref > 1 || x->n_children || !prefix_index_one_copy(index, x)) {
        return release_copy(pool, node, lane, lo);
    }
    const uint32_t n = x->n;
    const uint32_t above = x->depth == lo ? KV_NONE : x->parent; /* held, so it stays */
    prefix_index_copy_at(index, copy)->ref = 0;
    free_queue_push(&pool->queue, copy);
    prefix_index_evict(index, copy, n);
    free_queue_push_anonymous(&pool->queue, n);
    pool->free += n;
    return above;
}

void kv_drop(struct kv_pool *pool, struct kv_holder *holder)
{
    assert(!pool->arc);
    kv_trim(pool, holder); /* tail first */
    while (holder->n_ranges) {
        const struct kv_range range = holder->last;
        prefix_index_node(&pool->index, range.end)->ends--;
        for (uint32_t node = range.end; node != KV_NONE;) {
            node = drop_copy_of(pool, node, range.lane, range.lo);
        }
        if (--holder->n_ranges) {
            holder->last = holder->earlier[holder->n_ranges - 1];
        }
    }
    kv_release(pool, holder); /* nothing is left */
}

void kv_holder_fini(struct kv_holder *holder)
{
    mem_free(holder->earlier);
    *holder = (struct kv_holder){0};
}

uint32_t kv_usable(const struct kv_pool *pool)
{
    return pool->usable;
}

uint32_t kv_free(const struct kv_pool *pool)
{
    return pool->free;
}

uint32_t kv_cached_free(const struct kv_pool *pool)
{
    return pool->cached_free;
}

uint32_t kv_reserved(const struct kv_pool *pool)
{
    return pool->reserved;
}

uint64_t kv_evicted(const struct kv_pool *pool)
{
    return pool->evicted;
}
