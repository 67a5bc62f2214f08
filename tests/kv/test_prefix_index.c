/* What the index holds after hand-made turns: how few nodes, ranges and copies, and which rule each answer follows. */
#include "support/support.h"

#include "base/mem.h"
#include "kv/pool.h"
#include "kv/pool_internal.h"

enum { BLOCK = 16 };

static struct content one_extent(struct extent *extent)
{
    return (struct content){extent, 1, extent->count};
}

static void start(struct kv_pool *pool, struct kv_holder *holder, struct content content)
{
    const struct kv_hit hit = kv_lookup(pool, content, content.n_tokens);
    kv_touch(pool, holder, content, hit);
    kv_alloc(pool, holder, (content.n_tokens + BLOCK - 1) / BLOCK - hit.blocks);
    kv_hash(pool, holder, content, content.n_tokens / BLOCK);
}

static void run(struct kv_pool *pool, struct content content)
{
    struct kv_holder holder = {0};
    start(pool, &holder, content);
    kv_release(pool, &holder);
    kv_holder_fini(&holder);
    kv_pool_check(pool);
}

static uint32_t hit_blocks(struct kv_pool *pool, struct extent extent)
{
    return kv_lookup(pool, one_extent(&extent), extent.count).blocks;
}

/* One block is the null block; a hit leaves at least one token to compute; partial blocks are not cached. */
static void hits_cover_full_blocks_of_all_but_one_token(void **state)
{
    (void)state;
    struct kv_pool *pool = kv_pool_create(101, BLOCK, true);
    assert_int_equal(kv_usable(pool), 100);
    assert_int_equal(kv_free(pool), 100);
    run(pool, one_extent(&(struct extent){1, 0, 70}));
    assert_int_equal(kv_free(pool), 100);
    assert_int_equal(kv_cached_free(pool), 4);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 70}), 4);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 65}), 4);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 64}), 3);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 16}), 0);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 1}), 0);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 1, 70}), 0);
    assert_int_equal(hit_blocks(pool, (struct extent){2, 0, 70}), 0);
    kv_pool_destroy(pool);
}

/* The oldest release goes first, its partial block before its cached ones and its tail before its head. */
static void allocation_eats_the_oldest_tail(void **state)
{
    (void)state;
    struct kv_pool *pool = kv_pool_create(11, BLOCK, true);
    run(pool, one_extent(&(struct extent){1, 0, 5 * BLOCK + 1}));
    run(pool, one_extent(&(struct extent){2, 0, 4 * BLOCK}));
    struct kv_holder holder = {0};
    kv_alloc(pool, &holder, 1); /* the last of the untouched blocks was taken: this is the partial one */
    assert_int_equal(kv_evicted(pool), 0);
    kv_alloc(pool, &holder, 2);
    assert_int_equal(kv_evicted(pool), 2);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 1000}), 3);
    assert_int_equal(hit_blocks(pool, (struct extent){2, 0, 1000}), 4);
    kv_alloc(pool, &holder, 4);
    assert_int_equal(kv_evicted(pool), 6);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 1000}), 0);
    assert_int_equal(hit_blocks(pool, (struct extent){2, 0, 1000}), 3);
    kv_pool_check(pool);
    kv_release(pool, &holder);
    kv_holder_fini(&holder);
    kv_pool_destroy(pool);
}

/* A prompt of whole blocks sent again computes its last block again: one more copy each time, and the first is hit. */
static void duplicates_coexist(void **state)
{
    (void)state;
    struct kv_pool *pool = kv_pool_create(101, BLOCK, true);
    for (uint32_t i = 1; i <= 5; i++) {
        run(pool, one_extent(&(struct extent){1, 0, 8 * BLOCK}));
        assert_int_equal(kv_cached_free(pool), 7 + i);
        assert_int_equal(pool->index.n_live, i == 1 ? 1 : 2);
    }
    const struct kv_hit hit = kv_lookup(pool, one_extent(&(struct extent){1, 0, 9 * BLOCK}), 9 * BLOCK);
    assert_int_equal(hit.blocks, 8);
    assert_int_equal(hit.free_blocks, 8);
    kv_pool_destroy(pool);
}

/* Two turns compute the same content side by side, chunk by chunk; once both are idle and one copy is gone, what is
 * left is one run again. */
static void copies_side_by_side_merge_when_one_is_gone(void **state)
{
    (void)state;
    struct kv_pool *pool = kv_pool_create(65, BLOCK, true);
    struct extent extent = {1, 0, 20 * BLOCK};
    struct kv_holder a = {0};
    struct kv_holder b = {0};
    kv_alloc(pool, &a, 20);
    kv_alloc(pool, &b, 20);
    for (uint32_t blocks = 2; blocks <= 20; blocks += 2) {
        kv_hash(pool, &a, one_extent(&extent), blocks);
        kv_hash(pool, &b, one_extent(&extent), blocks);
        const struct kv_holder *holders[] = {&a, &b};
        kv_pool_check_holders(pool, holders, 2);
    }
    assert_true(a.n_ranges == 1 && b.n_ranges == 1);
    kv_release(pool, &a);
    kv_release(pool, &b);
    assert_int_equal(kv_cached_free(pool), 40);
    assert_int_equal(pool->index.n_live, 1);
    kv_alloc(pool, &a, 24 + 7); /* what was never used, then the tail of the first copy */
    kv_pool_check(pool);
    assert_int_equal(pool->index.n_live, 2);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 1000}), 20);
    kv_alloc(pool, &a, 13);
    assert_int_equal(pool->index.n_live, 1);
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 1000}), 20);
    kv_release(pool, &a);
    kv_holder_fini(&a);
    kv_holder_fini(&b);
    kv_pool_destroy(pool);
}

/* A continuation computed on the second copy of a prefix is hit through the first: the idle copy joins the lane. */
static void a_hit_across_copies_is_one_range(void **state)
{
    (void)state;
    struct kv_pool *pool = kv_pool_create(101, BLOCK, true);
    struct extent prefix = {1, 0, 4 * BLOCK};
    struct extent longer = {1, 0, 9 * BLOCK};
    struct kv_holder a = {0};
    struct kv_holder b = {0};
    kv_alloc(pool, &a, 4);
    kv_alloc(pool, &b, 9);
    kv_hash(pool, &a, one_extent(&prefix), 4);
    kv_hash(pool, &b, one_extent(&longer), 9);
    kv_release(pool, &b);
    start(pool, &b, one_extent(&longer)); /* while a still holds the first copy of the prefix */
    assert_int_equal(b.hashed_blocks, 9);
    assert_int_equal(kv_cached_free(pool), 5);
    const struct kv_holder *holders[] = {&a, &b};
    kv_pool_check_holders(pool, holders, 2);
    assert_int_equal(b.n_ranges, 2); /* its last block is a second copy again, in a lane of its own */
    assert_int_equal(kv_holder_range(&b, 0)->lane, kv_holder_range(&a, 0)->lane);
    kv_release(pool, &a);
    kv_release(pool, &b);
    kv_pool_check(pool);
    kv_holder_fini(&a);
    kv_holder_fini(&b);
    kv_pool_destroy(pool);
}

/* An append-only program is one node and one copy however many turns it has, and a few hundred bytes. */
static void an_append_only_program_is_one_node(void **state)
{
    (void)state;
    enum { PROGRAMS = 1000 };
    struct kv_pool *pool = kv_pool_create(PROGRAMS * 1000, BLOCK, true);
    for (uint32_t turn = 1; turn <= 12; turn++) {
        for (uint32_t program = 0; program < PROGRAMS; program++) {
            struct extent extent = {stream_private(program, 0), 0, turn * 1020};
            struct kv_holder holder = {0};
            start(pool, &holder, one_extent(&extent));
            assert_int_equal(holder.n_ranges, 1);
            kv_release(pool, &holder);
            kv_holder_fini(&holder);
        }
    }
    kv_pool_check(pool);
    assert_int_equal(pool->index.n_live, PROGRAMS);
    const size_t bytes = pool->queue.store.capacity * sizeof(struct kv_cell) +
                         (pool->index.slot_mask + (size_t)1) * sizeof *pool->index.slots;
    assert_true(bytes < PROGRAMS * 300);
    kv_pool_destroy(pool);
}

/* Turns that cut at tokens inside a block add two nodes each, a composite and the run after it; when they are evicted
 * the rest is one node again. */
static void cuts_add_composites_that_go_with_their_blocks(void **state)
{
    (void)state;
    struct kv_pool *pool = kv_pool_create(401, BLOCK, true);
    struct extent_list content;
    extent_list_init(&content);
    extent_list_append(&content, (struct extent){1, 0, 100 * BLOCK + 5});
    for (uint32_t cut = 0; cut < 10; cut++) {
        extent_list_append(&content, (struct extent){2 + cut, 0, 3 * BLOCK - 2});
    }
    run(pool, extent_list_content(&content));
    assert_int_equal(pool->index.n_live, 21);
    assert_int_equal(kv_lookup(pool, extent_list_content(&content), content.n_tokens).blocks, content.n_tokens / BLOCK);
    struct kv_holder holder = {0};
    kv_alloc(pool, &holder, kv_usable(pool) - 60);
    assert_int_equal(pool->index.n_live, 1);
    assert_int_equal(kv_lookup(pool, extent_list_content(&content), content.n_tokens).blocks, 60);
    kv_alloc(pool, &holder, 60);
    assert_int_equal(pool->index.n_live, 0);
    assert_int_equal(kv_cached_free(pool), 0);
    kv_release(pool, &holder);
    kv_holder_fini(&holder);
    extent_list_fini(&content);
    kv_pool_destroy(pool);
}

/* Reserved blocks belong to nobody until they are claimed. */
static void reserved_blocks_are_claimed(void **state)
{
    (void)state;
    struct kv_pool *pool = kv_pool_create(11, BLOCK, true);
    struct kv_holder a = {0};
    struct kv_holder b = {0};
    kv_reserve(pool, 5);
    assert_int_equal(kv_free(pool), 5);
    kv_claim(pool, &a, 3);
    kv_claim(pool, &b, 2);
    kv_hash(pool, &a, one_extent(&(struct extent){1, 0, 2 * BLOCK}), 2);
    assert_true(a.hashed_blocks == 2 && a.anonymous_blocks == 1 && b.anonymous_blocks == 2);
    const struct kv_holder *holders[] = {&a, &b};
    kv_pool_check_holders(pool, holders, 2);
    kv_release(pool, &a);
    kv_release(pool, &b);
    assert_int_equal(kv_free(pool), 10);
    assert_int_equal(kv_cached_free(pool), 2);
    kv_pool_check(pool);
    kv_holder_fini(&a);
    kv_holder_fini(&b);
    kv_pool_destroy(pool);
}

static void without_caching_nothing_is_kept(void **state)
{
    (void)state;
    struct kv_pool *pool = kv_pool_create(101, BLOCK, false);
    run(pool, one_extent(&(struct extent){1, 0, 70}));
    assert_int_equal(hit_blocks(pool, (struct extent){1, 0, 70}), 0);
    assert_int_equal(kv_cached_free(pool), 0);
    assert_int_equal(pool->index.n_live, 0);
    kv_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_cover_full_blocks_of_all_but_one_token),
        cmocka_unit_test(allocation_eats_the_oldest_tail),
        cmocka_unit_test(duplicates_coexist),
        cmocka_unit_test(copies_side_by_side_merge_when_one_is_gone),
        cmocka_unit_test(a_hit_across_copies_is_one_range),
        cmocka_unit_test(an_append_only_program_is_one_node),
        cmocka_unit_test(cuts_add_composites_that_go_with_their_blocks),
        cmocka_unit_test(reserved_blocks_are_claimed),
        cmocka_unit_test(without_caching_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
