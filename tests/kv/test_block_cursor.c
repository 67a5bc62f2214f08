#include "support/support.h"

#include "kv/block_cursor.h"

static struct content content_of(const struct extent *extents, uint32_t n)
{
    struct content content = {.extents = extents, .n_extents = n};
    for (uint32_t i = 0; i < n; i++) {
        content.n_tokens += extents[i].count;
    }
    return content;
}

static void assert_run(struct block_run run, uint64_t stream, uint32_t first, uint32_t n)
{
    assert_int_equal(run.key.stream, stream);
    assert_int_equal(run.key.first, first);
    assert_int_equal(run.n, n);
}

static void runs_stop_at_extents_and_at_the_limit(void **state)
{
    (void)state;
    const struct extent extents[] = {{7, 32, 48}, {8, 0, 24}, {9, 100, 40}};
    struct block_cursor cursor = block_cursor_begin(content_of(extents, 3), 16);
    assert_run(block_cursor_next(&cursor, 2), 7, 32, 2);
    assert_run(block_cursor_next(&cursor, 100), 7, 64, 1);
    assert_run(block_cursor_next(&cursor, 100), 8, 0, 1);
    const struct block_run straddling = block_cursor_next(&cursor, 100);
    assert_true(block_key_is_composite(straddling.key));
    assert_int_equal(straddling.n, 1);
    assert_run(block_cursor_next(&cursor, 100), 9, 108, 2);
}

/* However a content is cut into extents, its blocks have the same keys. */
static void equal_tokens_have_equal_keys(void **state)
{
    (void)state;
    const struct extent whole[] = {{7, 0, 20}, {8, 5, 30}, {7, 20, 14}};
    const struct extent pieces[] = {{7, 0, 3}, {7, 3, 17}, {8, 5, 1}, {8, 6, 10}, {8, 16, 19}, {7, 20, 7}, {7, 27, 7}};
    struct block_cursor a = block_cursor_begin(content_of(whole, 3), 16);
    struct block_cursor b = block_cursor_begin(content_of(pieces, 7), 16);
    for (int i = 0; i < 4; i++) {
        const struct block_run left = block_cursor_next(&a, 1);
        const struct block_run right = block_cursor_next(&b, 1);
        assert_run(left, right.key.stream, right.key.first, right.n);
    }
}

/* A composite names its pieces in order: their streams, positions and lengths. */
static void different_pieces_have_different_keys(void **state)
{
    (void)state;
    static const struct extent variants[][3] = {
        {{7, 0, 5}, {8, 0, 6}, {9, 0, 5}}, {{7, 0, 6}, {8, 0, 5}, {9, 0, 5}}, {{7, 1, 5}, {8, 0, 6}, {9, 0, 5}},
        {{8, 0, 5}, {7, 0, 6}, {9, 0, 5}}, {{7, 0, 5}, {8, 0, 6}, {9, 1, 5}}, {{7, 0, 5}, {8, 6, 6}, {9, 0, 5}},
    };
    enum { N = sizeof variants / sizeof variants[0] };
    struct block_key keys[N];
    for (int i = 0; i < N; i++) {
        struct block_cursor cursor = block_cursor_begin(content_of(variants[i], 3), 16);
        keys[i] = block_cursor_next(&cursor, 1).key;
        for (int j = 0; j < i; j++) {
            assert_false(keys[i].stream == keys[j].stream && keys[i].first == keys[j].first);
        }
    }
}

/* Starting at a block gives what walking there gives. */
static void starts_anywhere(void **state)
{
    (void)state;
    const struct extent extents[] = {{7, 0, 16}, {8, 3, 5}, {9, 0, 27}, {10, 0, 1}, {11, 9, 47}};
    const struct content content = content_of(extents, 5);
    struct block_cursor walking = block_cursor_begin(content, 4);
    for (uint32_t block = 0; block < content.n_tokens / 4; block++) {
        struct block_cursor cursor = block_cursor_at(content, 4, block);
        const struct block_run expected = block_cursor_next(&walking, 1);
        assert_run(block_cursor_next(&cursor, 1), expected.key.stream, expected.key.first, 1);
    }
    assert_int_equal(block_cursor_at(content, 4, content.n_tokens / 4).left.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_stop_at_extents_and_at_the_limit),
        cmocka_unit_test(equal_tokens_have_equal_keys),
        cmocka_unit_test(different_pieces_have_different_keys),
        cmocka_unit_test(starts_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
