#include "kv/lockstep.h"

#include "support/support.h"

#include "base/mem.h"
#include "kv/block_cursor.h"
#include "kv/pool_internal.h"
#include "kv/reload.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#define SAME(both, a, b)                                                                                               \
    do {                                                                                                               \
        if ((uint64_t)(a) != (uint64_t)(b)) {                                                                          \
            fail_msg("seed %" PRIu64 " step %" PRIu64 ": %s = %" PRIu64 ", oracle %" PRIu64, (both)->seed,             \
                     (both)->step, #a, (uint64_t)(a), (uint64_t)(b));                                                  \
        }                                                                                                              \
    } while (0)

void lockstep_init(struct lockstep *both, uint32_t n_blocks, uint32_t block_size, bool caching, uint64_t seed)
{
    *both = (struct lockstep){.block_size = block_size, .seed = seed};
    both->pool = kv_pool_create(n_blocks, block_size, caching);
    plain_pool_init(&both->plain, n_blocks, block_size, caching);
    extent_list_init(&both->pieces);
}

void lockstep_fini(struct lockstep *both)
{
    kv_pool_destroy(both->pool);
    plain_pool_fini(&both->plain);
    extent_list_fini(&both->pieces);
}

uint32_t lockstep_draw(struct lockstep *both, uint32_t n)
{
    return (uint32_t)(rng_u64((struct rng_key){.seed = both->seed}, both->draws++) >> 32) % n;
}

static uint64_t next_label(uint64_t label, struct block_key key)
{
    const uint64_t words[3] = {label, key.stream, key.first};
    return XXH3_64bits(words, sizeof words);
}

void lockstep_name(const struct lockstep *both, struct lockstep_turn *turn, uint32_t known)
{
    const struct content content = extent_list_content(&turn->content);
    const uint32_t from = known / both->block_size;
    const uint32_t to = content.n_tokens / both->block_size;
    turn->names = mem_grow(turn->names, &turn->names_capacity, to, sizeof *turn->names);
    plain_names(content, both->block_size, turn->names, from, to);
    struct block_cursor cursor = block_cursor_at(content, both->block_size, from);
    uint64_t label = from ? turn->names[from - 1].label : 0;
    for (uint32_t i = from; i < to; i++) {
        label = next_label(label, block_cursor_next(&cursor, 1).key);
        turn->names[i].label = label;
    }
}

void lockstep_turn_fini(struct lockstep_turn *turn)
{
    extent_list_fini(&turn->content);
    mem_free(turn->names);
    kv_holder_fini(&turn->holder);
    plain_holder_fini(&turn->plain);
}

/* The content as a caller may pass it: now and then in another place, shorter where `n_tokens` are enough, and with
 * extents cut that could be one. */
static struct content some_form(struct lockstep *both, const struct lockstep_turn *turn, uint32_t n_tokens)
{
    const struct content content = extent_list_content(&turn->content);
    if (lockstep_draw(both, 4)) {
        return content;
    }
    struct extent_list *pieces = &both->pieces;
    pieces->n = 0;
    const uint32_t limit = n_tokens + lockstep_draw(both, content.n_tokens - n_tokens + 1);
    uint32_t at = 0;
    for (uint32_t i = 0; i < content.n_extents; i++) {
        struct extent rest = content.extents[i];
        while (rest.count && at < limit) {
            struct extent piece = rest;
            piece.count = 1 + lockstep_draw(both, rest.count);
            piece.count = piece.count < limit - at ? piece.count : limit - at;
            pieces->items = mem_grow(pieces->items, &pieces->capacity, pieces->n + 1, sizeof *pieces->items);
            pieces->items[pieces->n++] = piece;
            rest.first += piece.count;
            rest.count -= piece.count;
            at += piece.count;
        }
    }
    pieces->n_tokens = limit;
    return extent_list_content(pieces);
}

static void compare_counts(struct lockstep *both)
{
    SAME(both, kv_free(both->pool), both->plain.free);
    SAME(both, kv_cached_free(both->pool), both->plain.cached_free);
    SAME(both, kv_evicted(both->pool), both->plain.evicted);
}

struct kv_hit lockstep_lookup(struct lockstep *both, struct lockstep_turn *turn, uint32_t n_tokens)
{
    const struct kv_hit hit = kv_lookup(both->pool, some_form(both, turn, n_tokens), n_tokens);
    uint32_t free_blocks = 0;
    const uint32_t blocks = plain_lookup(&both->plain, turn->names, n_tokens, &free_blocks);
    SAME(both, hit.blocks, blocks);
    SAME(both, hit.free_blocks, free_blocks);
    const uint32_t whole = n_tokens / both->block_size;
    const uint32_t found = kv_find(both->pool, some_form(both, turn, n_tokens), whole).blocks;
    SAME(both, found, plain_lookup(&both->plain, turn->names, whole * both->block_size + 1, &free_blocks));
    return hit;
}

void lockstep_touch(struct lockstep *both, struct lockstep_turn *turn, struct kv_hit hit)
{
    kv_touch(both->pool, &turn->holder, some_form(both, turn, hit.blocks * both->block_size), hit);
    plain_touch(&both->plain, &turn->plain, turn->names, hit.blocks);
    both->n_hits += hit.blocks;
    compare_counts(both);
}

void lockstep_grow(struct lockstep *both, struct lockstep_turn *turn, uint32_t n, uint32_t blocks, bool decode)
{
    plain_alloc(&both->plain, &turn->plain, n);
    if (decode && both->lazy) {
        kv_reserve(both->pool, n);
        turn->unclaimed += n;
    } else {
        kv_alloc(both->pool, &turn->holder, n);
        kv_hash(both->pool, &turn->holder, some_form(both, turn, blocks * both->block_size), blocks);
        SAME(both, turn->holder.hashed_blocks, both->plain.prefix_caching ? blocks : 0);
    }
    for (uint32_t i = turn->plain.hashed; i < blocks; i++) {
        both->n_duplicates += plain_find(&both->plain, &turn->names[i]) != PLAIN_NONE;
    }
    plain_hash(&both->plain, &turn->plain, turn->names, blocks);
    compare_counts(both);
}

/* Everything that was computed has its name. */
static void settle(struct lockstep *both, struct lockstep_turn *turn)
{
    if (turn->unclaimed) {
        kv_claim(both->pool, &turn->holder, turn->unclaimed);
        turn->unclaimed = 0;
    }
    const uint32_t blocks = turn->plain.hashed;
    if (turn->content.n) {
        kv_hash(both->pool, &turn->holder, some_form(both, turn, blocks * both->block_size), blocks);
    }
    SAME(both, turn->holder.hashed_blocks, turn->plain.hashed);
    SAME(both, turn->holder.hashed_blocks + turn->holder.anonymous_blocks, turn->plain.n);
}

void lockstep_release(struct lockstep *both, struct lockstep_turn *turn)
{
    settle(both, turn);
    kv_release(both->pool, &turn->holder);
    plain_release(&both->plain, &turn->plain);
    compare_counts(both);
}

void lockstep_drop(struct lockstep *both, struct lockstep_turn *turn)
{
    settle(both, turn);
    kv_drop(both->pool, &turn->holder);
    plain_drop(&both->plain, &turn->plain);
    compare_counts(both);
}

void lockstep_keep(struct lockstep *both, struct lockstep_turn *turn, struct lockstep_turn *keeper)
{
    settle(both, turn);
    kv_trim(both->pool, &turn->holder);
    plain_trim(&both->plain, &turn->plain);
    compare_counts(both);
    const struct kv_holder empty = keeper->holder;
    const struct plain_holder plain_empty = keeper->plain;
    keeper->holder = turn->holder;
    keeper->plain = turn->plain;
    turn->holder = empty;
    turn->plain = plain_empty;
}

void lockstep_shorten(struct lockstep *both, struct lockstep_turn *keeper, uint32_t blocks)
{
    kv_shorten(both->pool, &keeper->holder, blocks);
    plain_shorten(&both->plain, &keeper->plain, blocks);
    SAME(both, keeper->holder.hashed_blocks, keeper->plain.hashed);
    compare_counts(both);
}

void lockstep_reload(struct lockstep *both, struct lockstep_turn *turns, size_t n_turns, size_t stride)
{
    struct kv_holder **holders = mem_alloc((n_turns + 1) * sizeof *holders);
    for (size_t i = 0; i < n_turns; i++) {
        holders[i] = &((struct lockstep_turn *)(void *)((char *)turns + i * stride))->holder;
    }
    char message[300];
    struct kv_pool *pool = reload_pool(both->pool, holders, n_turns, message, sizeof message);
    if (!pool) {
        fail_msg("seed %" PRIu64 " step %" PRIu64 ": %s", both->seed, both->step, message);
    }
    kv_pool_destroy(both->pool);
    both->pool = pool;
    mem_free(holders);
}

/* ---- comparison of the whole state ---- */

/* One block: which content, which of its copies; 0 for an anonymous block. */
struct seen {
    uint64_t label;
    uint32_t copy;
    uint32_t ref;
};

struct dump {
    struct seen *items;
    size_t n;
    size_t capacity;
};

static void emit(struct dump *dump, struct seen seen)
{
    dump->items = mem_grow(dump->items, &dump->capacity, dump->n + 1, sizeof *dump->items);
    dump->items[dump->n++] = seen;
}

static uint32_t plain_copy_number(const struct plain_pool *pool, uint32_t id)
{
    uint32_t number = 0;
    const struct plain_name *name = &pool->blocks[id].name;
    for (uint32_t at = pool->buckets[name->low & pool->bucket_mask]; at != id; at = pool->blocks[at].chain) {
        number += pool->blocks[at].name.low == name->low && pool->blocks[at].name.high == name->high;
    }
    return number;
}

static void dump_plain(const struct plain_pool *pool, bool lazy, struct dump *queue, struct dump *copies)
{
    for (uint32_t id = pool->head; id != PLAIN_NONE; id = pool->blocks[id].next) {
        const struct plain_block *block = &pool->blocks[id];
        emit(queue, block->cached
                        ? (struct seen){.label = block->name.label, .copy = lazy ? 0 : plain_copy_number(pool, id)}
                        : (struct seen){0});
    }
    for (uint32_t id = 1; id < pool->n_blocks && !lazy; id++) {
        const struct plain_block *block = &pool->blocks[id];
        if (block->cached) {
            emit(copies, (struct seen){block->name.label, plain_copy_number(pool, id), block->ref});
        }
    }
}

/* Labels of all blocks of all nodes: labels[start[node] + i]. */
struct labels {
    uint64_t *items;
    size_t *start;
};

static void label_node(const struct kv_pool *pool, const struct labels *labels, bool *done, uint32_t node)
{
    const struct prefix_node *x = prefix_index_node(&pool->index, node);
    if (done[node] || x->n == 0) {
        return;
    }
    label_node(pool, labels, done, x->parent);
    const struct prefix_node *parent = prefix_index_node(&pool->index, x->parent);
    uint64_t label = x->parent == PREFIX_ROOT ? 0 : labels->items[labels->start[x->parent] + parent->n - 1];
    struct block_run run = {.key = x->key, .n = x->n};
    for (uint32_t i = 0; i < x->n; i++) {
        label = next_label(label, run.key);
        labels->items[labels->start[node] + i] = label;
        block_run_advance(&run, 1, pool->block_size);
    }
    done[node] = true;
}

static struct labels label_all(const struct kv_pool *pool)
{
    const size_t n = pool->queue.store.n_cells;
    struct labels labels = {.start = mem_alloc(n * sizeof *labels.start)};
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        labels.start[i] = total;
        total += prefix_index_node(&pool->index, i)->n;
    }
    labels.items = mem_alloc((total + 1) * sizeof *labels.items);
    bool *done = mem_zalloc(n * sizeof *done);
    for (uint32_t i = 1; i < n; i++) {
        label_node(pool, &labels, done, i);
    }
    mem_free(done);
    return labels;
}

static uint32_t copy_number(const struct kv_pool *pool, uint32_t copy)
{
    uint32_t number = 0;
    const uint32_t node = free_queue_run(&pool->queue, copy)->node;
    for (uint32_t c = prefix_index_node(&pool->index, node)->first_copy; c != copy;
         c = prefix_index_copy_at(&pool->index, c)->next) {
        number++;
    }
    return number;
}

static void dump_pool(const struct kv_pool *pool, bool lazy, struct dump *queue, struct dump *copies)
{
    const struct labels labels = label_all(pool);
    for (uint32_t r = pool->queue.head; r != KV_NONE; r = free_queue_run(&pool->queue, r)->next) {
        const uint32_t owner = free_queue_run(&pool->queue, r)->node;
        const bool anonymous = owner == KV_NONE;
        const uint32_t number = anonymous || lazy ? 0 : copy_number(pool, r);
        for (uint32_t i = anonymous ? free_queue_run(&pool->queue, r)->count
                                    : prefix_index_node(&pool->index, owner)->n;
             i-- > 0;) {
            emit(queue, (struct seen){anonymous ? 0 : labels.items[labels.start[owner] + i], number, 0});
        }
    }
    for (uint32_t x = 1; x < pool->queue.store.n_cells && !lazy; x++) {
        const struct prefix_node *node = prefix_index_node(&pool->index, x);
        for (uint32_t i = 0; i < node->n; i++) {
            uint32_t number = 0;
            for (uint32_t c = node->first_copy; c != KV_NONE; c = prefix_index_copy_at(&pool->index, c)->next) {
                emit(copies, (struct seen){labels.items[labels.start[x] + i], number++,
                                           prefix_index_copy_at(&pool->index, c)->ref});
            }
        }
    }
    mem_free(labels.items);
    mem_free(labels.start);
}

static int by_content(const void *left, const void *right)
{
    const struct seen *a = left;
    const struct seen *b = right;
    if (a->label != b->label) {
        return a->label < b->label ? -1 : 1;
    }
    return (a->copy > b->copy) - (a->copy < b->copy);
}

static void compare_dumps(struct lockstep *both, const struct dump *ours, const struct dump *oracle)
{
    SAME(both, ours->n, oracle->n);
    for (size_t i = 0; i < ours->n; i++) {
        SAME(both, ours->items[i].label, oracle->items[i].label);
        SAME(both, ours->items[i].copy, oracle->items[i].copy);
        SAME(both, ours->items[i].ref, oracle->items[i].ref);
    }
}

static void compare_private(struct lockstep *both, const struct lockstep_turn *turn, const struct lockstep_turn *other)
{
    if (turn->unclaimed) {
        return;
    }
    SAME(both, kv_private_blocks(both->pool, &turn->holder), plain_private(&both->plain, &turn->plain));
    if (other != turn) {
        const struct kv_holder *const beside = &other->holder;
        SAME(both, kv_private_beside(both->pool, &turn->holder, &beside, 1),
             plain_private_beside(&both->plain, &turn->plain, &other->plain));
    }
}

void lockstep_compare(struct lockstep *both, struct lockstep_turn *turns, size_t n_turns, size_t stride)
{
    const struct kv_holder **holders = mem_alloc((n_turns + 1) * sizeof *holders);
    uint32_t unclaimed = 0;
    for (size_t i = 0; i < n_turns; i++) {
        const struct lockstep_turn *turn = (const void *)((const char *)turns + i * stride);
        holders[i] = &turn->holder;
        unclaimed += turn->unclaimed;
        compare_private(both, turn, (const void *)((const char *)turns + (i + 1) % n_turns * stride));
    }
    SAME(both, both->pool->reserved, unclaimed);
    kv_pool_check_holders(both->pool, holders, n_turns);
    mem_free(holders);

    struct dump dumps[4] = {0};
    dump_pool(both->pool, both->lazy, &dumps[0], &dumps[1]);
    dump_plain(&both->plain, both->lazy, &dumps[2], &dumps[3]);
    compare_dumps(both, &dumps[0], &dumps[2]);
    if (dumps[1].n && dumps[3].n) {
        qsort(dumps[1].items, dumps[1].n, sizeof *dumps[1].items, by_content);
        qsort(dumps[3].items, dumps[3].n, sizeof *dumps[3].items, by_content);
    }
    compare_dumps(both, &dumps[1], &dumps[3]);
    for (int i = 0; i < 4; i++) {
        mem_free(dumps[i].items);
    }
}
