/* The invariants of a pool, checked by walking all of it: O(nodes + copies + ranges). */
#include "kv/pool.h"

#include "base/mem.h"
#include "kv/pool_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fail(#condition, __VA_ARGS__);                                                                             \
        }                                                                                                              \
    } while (0)

__attribute__((noreturn, format(printf, 2, 3))) static void fail(const char *condition, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "kv pool: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, ": %s\n", condition);
    va_end(args);
    abort();
}

struct walk {
    const struct kv_pool *pool;
    uint32_t *place;    /* of each run in the queue, from 1; 0 = not queued */
    uint32_t *children; /* counted, by node */
    uint32_t *xors;
    uint64_t held; /* blocks in held copies */
    uint32_t n_live;
    uint32_t n_copies;
    uint32_t n_queued_copies;
};

static bool is_live(const struct kv_pool *pool, uint32_t node)
{
    return node != PREFIX_ROOT && node < pool->queue.store.n_cells && prefix_index_node(&pool->index, node)->n > 0;
}

static void check_queue(struct walk *walk)
{
    const struct kv_pool *pool = walk->pool;
    uint64_t free = 0;
    uint64_t cached = 0;
    uint32_t prev = KV_NONE;
    uint32_t place = 0;
    for (uint32_t r = pool->queue.head; r != KV_NONE; prev = r, r = free_queue_run(&pool->queue, r)->next) {
        const struct kv_run *run = free_queue_run(&pool->queue, r);
        REQUIRE(run->prev == prev, "run %u", r);
        REQUIRE(!walk->place[r], "run %u is queued twice", r);
        walk->place[r] = ++place;
        if (kv_run_is_anonymous(run)) {
            REQUIRE(run->count > 0, "run %u", r);
            REQUIRE(prev == KV_NONE || !kv_run_is_anonymous(free_queue_run(&pool->queue, prev)),
                    "run %u should be joined", r);
            free += run->count;
        } else {
            REQUIRE(is_live(pool, run->node), "run %u of node %u", r, run->node);
            free += prefix_index_node(&pool->index, run->node)->n;
            cached += prefix_index_node(&pool->index, run->node)->n;
            walk->n_queued_copies++;
        }
    }
    REQUIRE(pool->queue.tail == prev, "tail");
    REQUIRE(free == pool->free && cached == pool->cached_free, "queue holds %llu blocks", (unsigned long long)free);
}

/* The copies of a node: lanes increase, queued exactly when nobody holds them. */
static void check_copies(struct walk *walk, uint32_t node)
{
    const struct prefix_node *x = prefix_index_node(&walk->pool->index, node);
    const struct kv_cell *cells = walk->pool->queue.store.cells;
    REQUIRE(x->first_copy != KV_NONE, "node %u has no copy", node);
    uint32_t last = KV_NONE;
    bool home = false;
    for (uint32_t c = x->first_copy; c != KV_NONE; last = c, c = cells[c].run.next_copy) {
        REQUIRE(cells[c].run.node == node, "copy %u of node %u", c, node);
        REQUIRE(last == KV_NONE || cells[last].run.lane < cells[c].run.lane, "copy %u of node %u", c, node);
        REQUIRE((cells[c].run.ref == 0) == (walk->place[c] != 0), "copy %u of node %u", c, node);
        REQUIRE(c == node || cells[c].node.n == 0, "copy %u of node %u", c, node);
        home = home || c == node;
        walk->held += cells[c].run.ref ? x->n : 0;
        walk->n_copies++;
        walk->n_queued_copies -= cells[c].run.ref == 0;
    }
    REQUIRE(home || cells[node].run.node == KV_NONE, "node %u", node);
}

/* Every copy has one of the parent that outlives it: held, or later in the queue. No lane is below the parent's first.
 */
static void check_closure(const struct walk *walk, uint32_t node)
{
    const struct prefix_node *x = prefix_index_node(&walk->pool->index, node);
    const struct kv_cell *cells = walk->pool->queue.store.cells;
    if (x->parent == PREFIX_ROOT) {
        return;
    }
    uint32_t latest = 0;
    for (uint32_t c = prefix_index_node(&walk->pool->index, x->parent)->first_copy; c != KV_NONE;
         c = cells[c].run.next_copy) {
        const uint32_t place = cells[c].run.ref ? UINT32_MAX : walk->place[c];
        latest = place > latest ? place : latest;
    }
    for (uint32_t c = x->first_copy; c != KV_NONE; c = cells[c].run.next_copy) {
        REQUIRE(latest > walk->place[c], "node %u can outlive its parent", node);
        REQUIRE(cells[cells[x->parent].node.first_copy].run.lane <= cells[c].run.lane, "copy %u of node %u", c, node);
        REQUIRE(!cells[c].run.ref || latest == UINT32_MAX, "node %u is held and its parent is not", node);
    }
}

/* Idle pairs may become neighbours in the queue when what stood between them leaves; they are merged when next
 * touched. All other pairs are merged at once. */
static bool all_held(const struct kv_pool *pool, uint32_t node)
{
    bool held = true;
    for (uint32_t c = prefix_index_node(&pool->index, node)->first_copy; c != KV_NONE;
         c = free_queue_run(&pool->queue, c)->next_copy) {
        held = held && free_queue_run(&pool->queue, c)->ref > 0;
    }
    return held;
}

static void check_nodes(struct walk *walk)
{
    const struct kv_pool *pool = walk->pool;
    const struct prefix_index *index = &pool->index;
    for (uint32_t i = 1; i < pool->queue.store.n_cells; i++) {
        const struct prefix_node *x = prefix_index_node(index, i);
        if (!is_live(pool, i)) {
            continue;
        }
        walk->n_live++;
        REQUIRE(x->parent == PREFIX_ROOT || is_live(pool, x->parent), "node %u", i);
        const struct prefix_node *parent = prefix_index_node(index, x->parent);
        REQUIRE(x->depth == parent->depth + parent->n, "node %u", i);
        REQUIRE(!block_key_is_composite(x->key) || x->n == 1, "node %u", i);
        REQUIRE(prefix_index_child(index, x->parent, x->key) == i, "node %u", i);
        walk->children[x->parent]++;
        walk->xors[x->parent] ^= i;
        check_copies(walk, i);
        check_closure(walk, i);
        REQUIRE(!(prefix_index_mergeable(index, i) && all_held(pool, i)), "node %u should be merged", i);
    }
    for (uint32_t i = 0; i < pool->queue.store.n_cells; i++) {
        if (i == PREFIX_ROOT || is_live(pool, i)) {
            REQUIRE(prefix_index_node(index, i)->n_children == walk->children[i], "node %u", i);
            REQUIRE(prefix_index_node(index, i)->child_xor == walk->xors[i], "node %u", i);
        }
    }
    REQUIRE(walk->n_live == index->n_live, "%u live nodes", walk->n_live);
    uint32_t n_slots = 0;
    for (uint64_t i = 0; i <= index->slot_mask; i++) {
        n_slots += index->slots[i].node != KV_NONE;
    }
    REQUIRE(n_slots == index->n_live, "%u children in the table", n_slots);
    REQUIRE(walk->n_queued_copies == 0, "a queued copy is in no node's list");
}

void kv_pool_check(const struct kv_pool *pool)
{
    struct walk walk = {.pool = pool,
                        .place = mem_zalloc(pool->queue.store.n_cells * sizeof *walk.place),
                        .children = mem_zalloc(pool->queue.store.n_cells * sizeof *walk.children),
                        .xors = mem_zalloc(pool->queue.store.n_cells * sizeof *walk.xors)};
    check_queue(&walk);
    check_nodes(&walk);
    REQUIRE(pool->free + walk.held + pool->anonymous == pool->usable, "%llu blocks in held copies",
            (unsigned long long)walk.held);
    REQUIRE(pool->reserved <= pool->anonymous, "reserved");
    mem_free(walk.place);
    mem_free(walk.children);
    mem_free(walk.xors);
}

/* Counts a holder's ranges into ends (by node) and refs (by run). */
static void count_ranges(const struct kv_pool *pool, const struct kv_holder *holder, uint32_t *ends, uint32_t *refs)
{
    const struct prefix_index *index = &pool->index;
    uint32_t depth = 0;
    for (uint32_t i = 0; i < holder->n_ranges; i++) {
        const struct kv_range *range = kv_holder_range(holder, i);
        REQUIRE(is_live(pool, range->end), "range %u", i);
        REQUIRE(range->lo == depth, "range %u", i);
        REQUIRE(i == 0 || kv_holder_range(holder, i - 1)->lane != range->lane, "range %u should be joined", i);
        depth = prefix_index_node(index, range->end)->depth + prefix_index_node(index, range->end)->n;
        ends[range->end]++;
        uint32_t node = range->end;
        for (;; node = prefix_index_node(index, node)->parent) {
            REQUIRE(is_live(pool, node) && prefix_index_node(index, node)->depth >= range->lo, "range %u", i);
            refs[prefix_index_copy(index, node, range->lane)]++;
            if (prefix_index_node(index, node)->depth == range->lo) {
                break;
            }
        }
        const uint32_t above = i ? kv_holder_range(holder, i - 1)->end : PREFIX_ROOT;
        REQUIRE(prefix_index_node(index, node)->parent == above, "range %u does not follow the one before", i);
    }
    REQUIRE(depth == holder->hashed_blocks, "holder with %u hashed blocks", holder->hashed_blocks);
}

void kv_pool_check_holders(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders)
{
    kv_pool_check(pool);
    uint32_t *ends = mem_zalloc(pool->queue.store.n_cells * sizeof *ends);
    uint32_t *refs = mem_zalloc(pool->queue.store.n_cells * sizeof *refs);
    uint64_t anonymous = pool->reserved;
    for (size_t i = 0; i < n_holders; i++) {
        count_ranges(pool, holders[i], ends, refs);
        anonymous += holders[i]->anonymous_blocks;
    }
    REQUIRE(anonymous == pool->anonymous, "holders have %llu anonymous blocks", (unsigned long long)anonymous);
    for (uint32_t i = 1; i < pool->queue.store.n_cells; i++) {
        if (!is_live(pool, i)) {
            continue;
        }
        REQUIRE(prefix_index_node(&pool->index, i)->ends == ends[i], "node %u", i);
        for (uint32_t c = prefix_index_node(&pool->index, i)->first_copy; c != KV_NONE;
             c = free_queue_run(&pool->queue, c)->next_copy) {
            REQUIRE(free_queue_run(&pool->queue, c)->ref == refs[c], "copy %u of node %u", c, i);
        }
    }
    mem_free(ends);
    mem_free(refs);
}
