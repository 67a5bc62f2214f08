/* Whose the blocks of a pool are, in cases that can be counted. Blocks have 4 tokens. */
#include "support/support.h"

#include "kv/ledger.h"

enum { BLOCK = 4 };

/* A content of a common beginning and something of its own. */
struct text {
    struct extent extents[2];
    struct content content;
};

static void make_text(struct text *text, uint32_t common, uint64_t own, uint32_t more)
{
    text->extents[0] = (struct extent){.stream = stream_common(STREAM_SHARED, 1), .count = common};
    text->extents[1] = (struct extent){.stream = stream_private(own, 0), .first = common, .count = more};
    text->content = (struct content){
        .extents = common ? text->extents : text->extents + 1, .n_extents = common ? 2 : 1, .n_tokens = common + more};
}

/* Takes the whole content: what is there, and blocks for the rest, of which full ones are named. */
static void hold(struct kv_pool *pool, struct kv_holder *holder, const struct text *text)
{
    const uint32_t full = text->content.n_tokens / BLOCK;
    const struct kv_hit hit = kv_find(pool, text->content, full);
    kv_touch(pool, holder, text->content, hit);
    kv_alloc(pool, holder, (text->content.n_tokens + BLOCK - 1) / BLOCK - hit.blocks);
    kv_hash(pool, holder, text->content, full);
}

static void check_share(const struct kv_ledger *ledger, uint64_t owner, uint32_t blocks, uint32_t held, uint32_t shared)
{
    const struct kv_share share = kv_ledger_share(ledger, owner);
    assert_int_equal(share.blocks, blocks);
    assert_int_equal(share.held, held);
    assert_int_equal(share.shared, shared);
}

static void check_totals(const struct kv_ledger *ledger, uint32_t known, uint32_t held, uint32_t shared)
{
    assert_int_equal(ledger->known, known);
    assert_int_equal(ledger->held, held);
    assert_int_equal(ledger->shared, shared);
}

struct fixture {
    struct kv_pool *pool;
    struct text a, b;
    struct kv_holder of_a, of_b, again;
    struct kv_ledger ledger;
};

/* Three blocks in common; a has 2 more, b one more and one that is not full. */
static struct fixture begin(void)
{
    struct fixture f = {.pool = kv_pool_create(41, BLOCK, true)};
    return f;
}

static void fill(struct fixture *f)
{
    make_text(&f->a, 3 * BLOCK, 7, 2 * BLOCK);
    make_text(&f->b, 3 * BLOCK, 8, BLOCK + 1);
    hold(f->pool, &f->of_a, &f->a);
    hold(f->pool, &f->of_b, &f->b);
    kv_ledger_init(&f->ledger, f->pool);
}

static void end(struct fixture *f)
{
    kv_ledger_fini(&f->ledger);
    kv_release(f->pool, &f->of_a);
    kv_release(f->pool, &f->of_b);
    kv_release(f->pool, &f->again);
    kv_holder_fini(&f->of_a);
    kv_holder_fini(&f->of_b);
    kv_holder_fini(&f->again);
    kv_pool_destroy(f->pool);
}

static void blocks_that_two_hold(void **state)
{
    (void)state;
    struct fixture f = begin();
    fill(&f);
    kv_ledger_hold(&f.ledger, 7, &f.of_a, 0);
    kv_ledger_hold(&f.ledger, 8, &f.of_b, 0);
    kv_ledger_close(&f.ledger);
    check_share(&f.ledger, 7, 5, 5, 3);
    check_share(&f.ledger, 8, 5, 5, 3);
    check_share(&f.ledger, 9, 0, 0, 0);
    check_totals(&f.ledger, 7, 7, 3);
    assert_int_equal(kv_usable(f.pool) - kv_free(f.pool), 7);
    end(&f);
}

/* One owner of both, one of which has reserved blocks besides: nothing is shared. */
static void holders_of_one_owner(void **state)
{
    (void)state;
    struct fixture f = begin();
    fill(&f);
    kv_reserve(f.pool, 2);
    kv_ledger_hold(&f.ledger, 3, &f.of_a, 2);
    kv_ledger_hold(&f.ledger, 3, &f.of_b, 0);
    kv_ledger_hold(&f.ledger, 3, &f.of_b, 0); /* its anonymous block is counted again, what has a name is not */
    kv_ledger_close(&f.ledger);
    check_share(&f.ledger, 3, 10, 10, 0);
    check_totals(&f.ledger, 10, 10, 0);
    kv_claim(f.pool, &f.of_a, 2);
    end(&f);
}

static void what_is_found(void **state)
{
    (void)state;
    struct fixture f = begin();
    fill(&f);
    kv_release(f.pool, &f.of_a);
    kv_ledger_hold(&f.ledger, 8, &f.of_b, 0);
    kv_ledger_find(&f.ledger, 7, kv_find(f.pool, f.a.content, 5));
    kv_ledger_find(&f.ledger, 8, kv_find(f.pool, f.b.content, 4)); /* which it holds */
    kv_ledger_find(&f.ledger, 9, kv_find(f.pool, f.a.content, 4)); /* not to the end of what is there */
    kv_ledger_find(&f.ledger, 9, kv_find(f.pool, f.a.content, 2));
    kv_ledger_find(&f.ledger, 9, (struct kv_hit){0});
    kv_ledger_close(&f.ledger);
    check_share(&f.ledger, 7, 5, 0, 0);
    check_share(&f.ledger, 8, 5, 5, 0);
    check_share(&f.ledger, 9, 4, 0, 0);
    check_totals(&f.ledger, 7, 5, 0);
    end(&f);
}

/* Two turns of the same content, computed side by side: each block is there twice. */
static void copies(void **state)
{
    (void)state;
    struct fixture f = begin();
    make_text(&f.a, 0, 7, 3 * BLOCK);
    kv_alloc(f.pool, &f.of_a, 3);
    kv_alloc(f.pool, &f.again, 3);
    kv_hash(f.pool, &f.of_a, f.a.content, 3);
    kv_hash(f.pool, &f.again, f.a.content, 3);
    kv_ledger_init(&f.ledger, f.pool);
    kv_ledger_hold(&f.ledger, 1, &f.of_a, 0);
    kv_ledger_hold(&f.ledger, 1, &f.again, 0);
    kv_ledger_hold(&f.ledger, 2, &f.again, 0);
    kv_ledger_find(&f.ledger, 2, kv_find(f.pool, f.a.content, 3)); /* the first copy; it has the second */
    kv_ledger_close(&f.ledger);
    check_share(&f.ledger, 1, 6, 6, 3);
    check_share(&f.ledger, 2, 3, 3, 3);
    check_totals(&f.ledger, 6, 6, 3);
    end(&f);
}

static void nothing(void **state)
{
    (void)state;
    struct fixture f = begin();
    kv_ledger_init(&f.ledger, f.pool);
    kv_ledger_close(&f.ledger);
    check_share(&f.ledger, 0, 0, 0, 0);
    check_totals(&f.ledger, 0, 0, 0);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_that_two_hold), cmocka_unit_test(holders_of_one_owner),
                                       cmocka_unit_test(what_is_found), cmocka_unit_test(copies),
                                       cmocka_unit_test(nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
