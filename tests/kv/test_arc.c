/* ARC in a pool: on prefixes of one block it is the algorithm of the paper, and on others the same as block by block on
 * plain lists, whatever comes and goes at the same time. */
#include "support/support.h"

#include "base/rng.h"
#include "kv/arc.h"
#include "kv/plain_arc.h"
#include "kv/reload.h"

#include <string.h>

enum { BLOCK = 16 };

static uint64_t draw(uint64_t seed, uint32_t *rolled, uint64_t n)
{
    return rng_u64((struct rng_key){.seed = seed, .program = 5}, (*rolled)++) % n;
}

static struct kv_pool *new_pool(uint32_t usable)
{
    struct kv_pool *pool = kv_pool_create(usable + 1, BLOCK, true);
    kv_pool_use_arc(pool);
    return pool;
}

/* ---- the paper's figure 4, page by page ---- */

enum { PAGES = 200 };

struct pages {
    uint32_t n;
    uint32_t items[PAGES]; /* the least recently used first */
};

struct textbook {
    uint32_t c, p;
    struct pages t1, t2, b1, b2;
};

static bool take(struct pages *list, uint32_t page)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->items[i] == page) {
            list->n--;
            memmove(&list->items[i], &list->items[i + 1], (list->n - i) * sizeof list->items[0]);
            return true;
        }
    }
    return false;
}

static void put(struct pages *list, uint32_t page)
{
    list->items[list->n++] = page;
}

static uint32_t take_oldest(struct pages *list)
{
    const uint32_t page = list->items[0];
    take(list, page);
    return page;
}

static void textbook_replace(struct textbook *x, bool in_b2)
{
    if (x->t1.n >= 1 && ((in_b2 && x->t1.n == x->p) || x->t1.n > x->p)) {
        put(&x->b1, take_oldest(&x->t1));
    } else {
        put(&x->b2, take_oldest(&x->t2));
    }
}

/* Case IV: the page is nowhere. */
static void textbook_miss(struct textbook *x, uint32_t page)
{
    const uint32_t all = x->t1.n + x->t2.n + x->b1.n + x->b2.n;
    if (x->t1.n + x->b1.n == x->c) {
        if (x->t1.n < x->c) {
            take_oldest(&x->b1);
            textbook_replace(x, false);
        } else {
            take_oldest(&x->t1);
        }
    } else if (all >= x->c) {
        if (all == 2 * x->c) {
            take_oldest(&x->b2);
        }
        textbook_replace(x, false);
    }
    put(&x->t1, page);
}

static void textbook_request(struct textbook *x, uint32_t page)
{
    const uint32_t b1 = x->b1.n;
    const uint32_t b2 = x->b2.n;
    if (take(&x->t1, page) || take(&x->t2, page)) {
        put(&x->t2, page);
    } else if (take(&x->b1, page)) {
        const uint32_t by = b1 >= b2 ? 1 : b2 / b1;
        x->p = x->p + by < x->c ? x->p + by : x->c;
        textbook_replace(x, false);
        put(&x->t2, page);
    } else if (take(&x->b2, page)) {
        const uint32_t by = b2 >= b1 ? 1 : b1 / b2;
        x->p -= by < x->p ? by : x->p;
        textbook_replace(x, true);
        put(&x->t2, page);
    } else {
        textbook_miss(x, page);
    }
}

static void pool_request(struct kv_pool *pool, uint32_t page)
{
    const struct extent extent = {page, 0, BLOCK};
    const struct content content = {&extent, 1, BLOCK};
    struct kv_holder holder = {0};
    const struct kv_hit hit = kv_find(pool, content, 1);
    kv_touch(pool, &holder, content, hit);
    if (hit.blocks) {
        kv_use(pool, &holder);
    } else {
        kv_expect(pool, content, 0, 1);
        kv_alloc(pool, &holder, 1);
        kv_hash(pool, &holder, content, 1);
    }
    kv_release(pool, &holder);
    kv_holder_fini(&holder);
}

static void compare_ghosts(const struct ghosts *ghosts, enum ghost_list list, const struct pages *pages)
{
    assert_int_equal(ghosts->lists[list].n, pages->n);
    uint32_t id = ghosts->lists[list].oldest;
    for (uint32_t i = 0; i < pages->n; i++, id = ghosts->items[id].next) {
        assert_int_equal(ghosts->items[id].key.stream, pages->items[i]);
    }
}

static void compare_with_textbook(const struct kv_pool *pool, const struct textbook *x)
{
    const struct free_queue *queue = &pool->queue;
    uint32_t run = queue->head;
    while (free_queue_is_anonymous(queue, run)) {
        run = free_queue_run(queue, run)->next;
    }
    for (uint32_t i = 0; i < x->t1.n; i++, run = free_queue_run(queue, run)->next) {
        const struct prefix_node *node = prefix_index_node(&pool->index, free_queue_run(queue, run)->node);
        assert_int_equal(node->key.stream, x->t1.items[i]);
    }
    assert_int_equal(run, pool->arc->mark);
    run = free_queue_run(queue, run)->next;
    for (uint32_t i = 0; i < x->t2.n; i++, run = free_queue_run(queue, run)->next) {
        const struct prefix_node *node = prefix_index_node(&pool->index, free_queue_run(queue, run)->node);
        assert_int_equal(node->key.stream, x->t2.items[i]);
    }
    assert_int_equal(run, KV_NONE);
    assert_int_equal(pool->arc->target, x->p);
    compare_ghosts(&pool->arc->ghosts, GHOSTS_RECENT, &x->b1);
    compare_ghosts(&pool->arc->ghosts, GHOSTS_FREQUENT, &x->b2);
}

/* Some pages often, many seldom, now and then a scan. */
static void is_the_papers_on_single_blocks(void **state)
{
    (void)state;
    uint64_t moved = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint32_t rolled = 0;
        static struct textbook x;
        memset(&x, 0, sizeof x);
        x.c = 1 + (uint32_t)draw(seed, &rolled, 40);
        const uint32_t often = 1 + (uint32_t)draw(seed, &rolled, 2 * x.c);
        struct kv_pool *pool = new_pool(x.c);
        uint32_t scan = 0;
        for (uint32_t i = 0; i < 1500; i++) {
            const uint64_t dice = draw(seed, &rolled, 10);
            uint32_t page = (uint32_t)draw(seed, &rolled, dice < 5 ? often : 4 * x.c);
            if (i / 100 % 3 == 2 && dice > 2) {
                page = 1000 + scan++;
            }
            const uint32_t before = x.p;
            textbook_request(&x, page);
            pool_request(pool, page);
            compare_with_textbook(pool, &x);
            kv_pool_check(pool);
            moved += x.p != before;
        }
        kv_pool_destroy(pool);
    }
    print_message("the target moved %llu times\n", (unsigned long long)moved);
    assert_true(moved > 1000);
}

/* ---- prefixes, block by block ---- */

enum { SLOTS = 5, TRUNKS = 4, LEAVES = 12, TRUNK_TOKS = 7 * BLOCK + 5, LEAF_TOKS = 9 * BLOCK };

/* What goes on at a time: a content is stored, or used. */
struct job {
    bool is_live;
    struct extent extents[2];
    struct content content;
    uint32_t blocks;
    struct kv_holder ours;
    struct plain_arc_holder plain;
};

struct both {
    uint64_t seed;
    uint32_t rolled;
    struct kv_pool *pool;
    struct plain_arc *plain;
    struct job jobs[SLOTS];
    uint64_t ghosts_back, adopted, given_up;
};

/* The idle blocks of the pool, the oldest first, with their kinds. */
static uint32_t list_idle(const struct kv_pool *pool, struct plain_arc_block *out)
{
    const struct free_queue *queue = &pool->queue;
    uint32_t n = 0;
    for (uint32_t run = queue->head; run != KV_NONE; run = free_queue_run(queue, run)->next) {
        if (free_queue_is_anonymous(queue, run) || run == pool->arc->mark) {
            continue;
        }
        const struct prefix_node *x = prefix_index_node(&pool->index, free_queue_run(queue, run)->node);
        for (uint32_t i = x->n; i-- > 0;) {
            out[n] = (struct plain_arc_block){.key = x->key, .depth = x->depth + i};
            out[n].key.first += i * BLOCK;
            out[n++].frequent = prefix_index_copy_at(&pool->index, run)->frequent;
        }
    }
    return n;
}

static void compare_both(const struct both *both)
{
    static struct plain_arc_block ours[PLAIN_ARC_MOST];
    const struct plain_arc *plain = both->plain;
    const struct kv_arc *arc = both->pool->arc;
    const uint32_t n = list_idle(both->pool, ours);
    assert_int_equal(n, plain->idle[0].n + plain->idle[1].n);
    for (uint32_t i = 0; i < n; i++) {
        const bool frequent = i >= plain->idle[0].n;
        const int32_t id = frequent ? plain->idle[1].items[i - plain->idle[0].n] : plain->idle[0].items[i];
        assert_true(block_key_equal(ours[i].key, plain->blocks[id].key));
        assert_int_equal(ours[i].depth, plain->blocks[id].depth);
        assert_int_equal(ours[i].frequent, frequent);
    }
    assert_int_equal(kv_free(both->pool), plain_arc_free(plain));
    assert_int_equal(arc->target, plain->target);
    assert_int_equal(arc->blocks[0], plain_arc_cached(plain, false));
    assert_int_equal(arc->blocks[1], plain_arc_cached(plain, true));
    for (int list = 0; list < GHOST_LISTS; list++) {
        assert_int_equal(arc->ghosts.lists[list].n, plain->ghosts[list].n);
        uint32_t id = arc->ghosts.lists[list].oldest;
        for (uint32_t i = 0; i < plain->ghosts[list].n; i++, id = arc->ghosts.items[id].next) {
            assert_true(block_key_equal(arc->ghosts.items[id].key, plain->ghosts[list].items[i].key));
            assert_int_equal(arc->ghosts.items[id].depth, plain->ghosts[list].items[i].depth);
        }
    }
    const struct kv_holder *holders[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        holders[i] = &both->jobs[i].ours;
    }
    kv_pool_check_holders(both->pool, holders, SLOTS);
}

static void start_job(struct both *both, struct job *job)
{
    const uint64_t trunk = draw(both->seed, &both->rolled, TRUNKS);
    const uint64_t leaf = draw(both->seed, &both->rolled, LEAVES);
    const uint32_t trunk_toks = leaf % 3 ? TRUNK_TOKS : TRUNK_TOKS - TRUNK_TOKS % BLOCK;
    job->extents[0] = (struct extent){stream_common(STREAM_SHARED, trunk), 0, trunk_toks};
    job->extents[1] = (struct extent){stream_private(trunk * LEAVES + leaf, 0), 0, LEAF_TOKS};
    job->content = (struct content){job->extents, 2, trunk_toks + LEAF_TOKS};
    uint32_t blocks = 1 + (uint32_t)draw(both->seed, &both->rolled, job->content.n_tokens / BLOCK);
    uint32_t idle;
    const struct kv_hit hit = kv_find(both->pool, job->content, blocks);
    assert_int_equal(hit.blocks, plain_arc_find(both->plain, job->content, blocks, &idle));
    assert_int_equal(hit.free_blocks, idle);
    const bool is_use = draw(both->seed, &both->rolled, 2);
    blocks = is_use ? hit.blocks : blocks;
    if (!blocks || blocks - hit.blocks + hit.free_blocks > kv_free(both->pool)) {
        return;
    }
    job->is_live = true;
    job->blocks = blocks;
    kv_touch(both->pool, &job->ours, job->content, hit);
    plain_arc_touch(both->plain, &job->plain, job->content, hit.blocks);
    if (is_use) {
        kv_use(both->pool, &job->ours);
        plain_arc_use(both->plain, &job->plain);
        return;
    }
    const uint32_t target = both->plain->target;
    const uint64_t evicted = kv_evicted(both->pool);
    kv_expect(both->pool, job->content, hit.blocks, blocks);
    plain_arc_expect(both->plain, job->content, hit.blocks, blocks);
    kv_alloc(both->pool, &job->ours, blocks - hit.blocks);
    plain_arc_alloc(both->plain, &job->plain, blocks - hit.blocks);
    both->ghosts_back += both->plain->target != target;
    both->given_up += kv_evicted(both->pool) - evicted;
}

static void end_job(struct both *both, struct job *job)
{
    const uint32_t free = kv_free(both->pool);
    if (draw(both->seed, &both->rolled, 12)) { /* else it comes to nothing */
        kv_hash(both->pool, &job->ours, job->content, job->blocks);
        plain_arc_hash(both->plain, &job->plain, job->content, job->blocks);
    }
    both->adopted += kv_free(both->pool) > free;
    compare_both(both);
    kv_release(both->pool, &job->ours);
    plain_arc_release(both->plain, &job->plain);
    job->is_live = false;
}

static void reload(struct both *both)
{
    struct kv_holder *holders[SLOTS];
    char message[256];
    for (int i = 0; i < SLOTS; i++) {
        holders[i] = &both->jobs[i].ours;
    }
    struct kv_pool *loaded = reload_pool(both->pool, holders, SLOTS, message, sizeof message);
    if (!loaded) {
        fail_msg("refused: %s", message);
    }
    kv_pool_destroy(both->pool);
    both->pool = loaded;
}

static void run_both(struct both *both, uint64_t seed)
{
    static struct plain_arc plain;
    both->seed = seed;
    both->rolled = 0;
    both->plain = &plain;
    const uint32_t usable = 8 + (uint32_t)draw(seed, &both->rolled, 150);
    plain_arc_init(&plain, usable, BLOCK);
    both->pool = new_pool(usable);
    for (uint32_t step = 0; step < 250; step++) {
        struct job *job = &both->jobs[draw(seed, &both->rolled, SLOTS)];
        if (job->is_live) {
            end_job(both, job);
        } else {
            start_job(both, job);
        }
        compare_both(both);
        if (step % 100 == 99) {
            reload(both);
        }
    }
    for (int i = 0; i < SLOTS; i++) {
        if (both->jobs[i].is_live) {
            end_job(both, &both->jobs[i]);
        }
        kv_holder_fini(&both->jobs[i].ours);
    }
    kv_pool_destroy(both->pool);
}

static void equals_plain_lists(void **state)
{
    (void)state;
    struct both both = {0};
    for (uint64_t seed = 1; seed <= 150; seed++) {
        run_both(&both, seed);
    }
    print_message("%llu stores moved the target, %llu found their content there meanwhile, %llu blocks given up\n",
                  (unsigned long long)both.ghosts_back, (unsigned long long)both.adopted,
                  (unsigned long long)both.given_up);
    assert_true(both.ghosts_back > 500 && both.adopted > 30 && both.given_up > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_the_papers_on_single_blocks),
                                       cmocka_unit_test(equals_plain_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
