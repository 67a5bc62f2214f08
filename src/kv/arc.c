#include "kv/arc.h"

#include "base/mem.h"

#include <assert.h>

void kv_pool_use_arc(struct kv_pool *pool)
{
    assert(!pool->arc && pool->free == pool->usable && !pool->index.n_live && pool->prefix_caching);
    struct kv_arc *arc = mem_zalloc(sizeof *arc);
    ghosts_init(&arc->ghosts);
    arc->mark = cell_store_take(&pool->queue.store);
    free_queue_run(&pool->queue, arc->mark)->node = PREFIX_ROOT; /* not an empty run, nor a copy of anything */
    free_queue_push(&pool->queue, arc->mark);
    pool->arc = arc;
}

void kv_arc_fini(struct kv_arc *arc)
{
    if (arc) {
        ghosts_fini(&arc->ghosts);
        mem_free(arc);
    }
}

/* ---- the queue ---- */

void kv_arc_give_empty(struct kv_pool *pool, uint32_t n)
{
    struct free_queue *queue = &pool->queue;
    if (!n) {
        return;
    }
    pool->free += n;
    if (free_queue_is_anonymous(queue, queue->head)) {
        free_queue_run(queue, queue->head)->count += n;
        return;
    }
    const uint32_t run = free_queue_new_run(queue, KV_NONE);
    free_queue_run(queue, run)->count = n;
    free_queue_insert_after(queue, KV_NONE, run);
}

void kv_arc_push(struct kv_pool *pool, uint32_t copy)
{
    struct free_queue *queue = &pool->queue;
    if (prefix_index_copy_at(&pool->index, copy)->frequent) {
        free_queue_push(queue, copy);
    } else {
        free_queue_insert_after(queue, free_queue_run(queue, pool->arc->mark)->prev, copy);
    }
}

/* Up to n empty blocks. */
static uint32_t take_empty(struct free_queue *queue, uint32_t n)
{
    const uint32_t head = queue->head;
    if (!free_queue_is_anonymous(queue, head)) {
        return 0;
    }
    struct kv_run *run = free_queue_run(queue, head);
    if (n < run->count) {
        run->count -= n;
        return n;
    }
    n = run->count;
    free_queue_unlink(queue, head);
    free_queue_free_run(queue, head);
    return n;
}

/* ---- what goes ---- */

/* The oldest idle copy of a kind that nothing cached continues; KV_NONE: there is none. */
static uint32_t oldest_leaf(const struct kv_pool *pool, bool frequent)
{
    const struct free_queue *queue = &pool->queue;
    const uint32_t mark = pool->arc->mark;
    uint32_t run = frequent ? free_queue_run(queue, mark)->next : queue->head;
    for (; run != KV_NONE && run != mark; run = free_queue_run(queue, run)->next) {
        if (!free_queue_is_anonymous(queue, run) &&
            !prefix_index_node(&pool->index, free_queue_run(queue, run)->node)->n_children) {
            return run;
        }
    }
    return KV_NONE;
}

/* The copy that gives up the next blocks, and how many at most before another may be the one. */
static uint32_t choose_victim(const struct kv_pool *pool, uint32_t *most)
{
    const struct kv_arc *arc = pool->arc;
    const uint32_t recent = arc->blocks[0];
    const bool tie = recent && recent == arc->target && arc->ties;
    const bool frequent = recent <= arc->target && !tie;
    uint32_t victim = oldest_leaf(pool, frequent);
    *most = frequent ? UINT32_MAX : tie ? 1 : recent - arc->target;
    if (victim == KV_NONE) {
        victim = oldest_leaf(pool, !frequent);
        *most = UINT32_MAX;
    }
    assert(victim != KV_NONE && "what is free can be taken");
    return victim;
}

/* The last k blocks of a copy are given up, and remembered. */
static void give_up(struct kv_pool *pool, uint32_t copy, uint32_t k)
{
    struct kv_arc *arc = pool->arc;
    const struct prefix_node *x = prefix_index_node(&pool->index, free_queue_run(&pool->queue, copy)->node);
    const bool frequent = prefix_index_copy_at(&pool->index, copy)->frequent;
    for (uint32_t i = x->n; i > x->n - k; i--) {
        struct block_key key = x->key;
        key.first += (i - 1) * pool->block_size;
        ghosts_put(&arc->ghosts, key, x->depth + i - 1, frequent ? GHOSTS_FREQUENT : GHOSTS_RECENT);
    }
    arc->blocks[frequent] -= k;
    arc->ties -= k < arc->ties ? k : arc->ties;
    pool->cached_free -= k;
    pool->evicted += k;
    prefix_index_evict(&pool->index, copy, k);
}

void kv_arc_take(struct kv_pool *pool, uint32_t n)
{
    assert(n <= pool->free);
    pool->free -= n;
    n -= take_empty(&pool->queue, n);
    while (n) {
        uint32_t most;
        const uint32_t victim = choose_victim(pool, &most);
        const uint32_t length = prefix_index_node(&pool->index, free_queue_run(&pool->queue, victim)->node)->n;
        uint32_t k = most < length ? most : length;
        k = n < k ? n : k;
        give_up(pool, victim, k);
        n -= k;
    }
    pool->arc->ties = 0;
}

/* ---- what comes ---- */

/* A ghost comes back: its kind deserved more room. */
static void learn(struct kv_arc *arc, enum ghost_list list, uint32_t usable)
{
    const uint32_t recent = arc->ghosts.lists[GHOSTS_RECENT].n;
    const uint32_t frequent = arc->ghosts.lists[GHOSTS_FREQUENT].n;
    if (list == GHOSTS_RECENT) {
        const uint32_t by = frequent > recent ? frequent / recent : 1;
        arc->target = by < usable - arc->target ? arc->target + by : usable;
    } else {
        const uint32_t by = recent > frequent ? recent / frequent : 1;
        arc->target = by < arc->target ? arc->target - by : 0;
        arc->ties++;
    }
}

static void expect_block(struct kv_pool *pool, struct block_key key, uint32_t depth)
{
    struct kv_arc *arc = pool->arc;
    const enum ghost_list list = ghosts_find(&arc->ghosts, key, depth);
    if (list == GHOSTS_RECENT || list == GHOSTS_FREQUENT) {
        learn(arc, list, pool->usable);
        ghosts_put(&arc->ghosts, key, depth, GHOSTS_EXPECTED);
    }
}

void kv_expect(struct kv_pool *pool, struct content content, uint32_t from, uint32_t to)
{
    if (!pool->arc) {
        return;
    }
    struct block_cursor cursor = block_cursor_at(content, pool->block_size, from);
    for (uint32_t depth = from; depth < to;) {
        const struct block_run run = block_cursor_next(&cursor, to - depth);
        struct block_key key = run.key;
        for (uint32_t i = 0; i < run.n; i++, key.first += pool->block_size) {
            expect_block(pool, key, depth++);
        }
    }
}

uint32_t kv_arc_admit(struct kv_pool *pool, struct block_run run, uint32_t depth, bool *frequent)
{
    struct ghosts *ghosts = &pool->arc->ghosts;
    uint32_t n = 0;
    for (; n < run.n; n++) {
        struct block_key key = run.key;
        key.first += n * pool->block_size;
        const bool known = ghosts_find(ghosts, key, depth + n) != GHOST_LISTS;
        if (n && known != *frequent) {
            break;
        }
        *frequent = known;
        if (known) {
            ghosts_remove(ghosts, key, depth + n);
        }
    }
    return n;
}

void kv_arc_entered(struct kv_pool *pool, bool frequent, uint32_t n)
{
    struct kv_arc *arc = pool->arc;
    struct ghosts *ghosts = &arc->ghosts;
    arc->blocks[frequent] += n;
    while (ghosts->lists[GHOSTS_RECENT].n && (uint64_t)arc->blocks[0] + ghosts->lists[GHOSTS_RECENT].n > pool->usable) {
        ghosts_forget_oldest(ghosts, GHOSTS_RECENT);
    }
    while (ghosts->lists[GHOSTS_FREQUENT].n && (uint64_t)arc->blocks[0] + arc->blocks[1] +
                                                       ghosts->lists[GHOSTS_RECENT].n +
                                                       ghosts->lists[GHOSTS_FREQUENT].n >
                                                   (uint64_t)2 * pool->usable) {
        ghosts_forget_oldest(ghosts, GHOSTS_FREQUENT);
    }
}

void kv_use(struct kv_pool *pool, const struct kv_holder *holder)
{
    struct kv_arc *arc = pool->arc;
    struct prefix_index *index = &pool->index;
    if (!arc || !holder->n_ranges) {
        return;
    }
    for (uint32_t node = holder->last.end; node != PREFIX_ROOT;) { /* one copy each: one range */
        struct prefix_node *x = prefix_index_node(index, node);
        struct kv_copy *copy = prefix_index_copy_at(index, x->first_copy);
        if (!copy->frequent) {
            copy->frequent = 1;
            arc->blocks[0] -= x->n;
            arc->blocks[1] += x->n;
        }
        node = prefix_index_node(index, prefix_index_merge(index, node))->parent;
    }
}
