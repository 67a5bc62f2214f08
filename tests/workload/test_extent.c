#include "support/support.h"

#include "workload/extent.h"

static void streams_are_disjoint(void **state)
{
    (void)state;
    const uint64_t last_program = (UINT64_C(1) << 38) - 1;
    assert_true(stream_private(0, 0) < stream_private(0, 1));
    assert_true(stream_private(0, (1u << 24) - 1) < stream_private(1, 0));
    assert_true(stream_private(last_program, (1u << 24) - 1) < stream_common(STREAM_SHARED, 0));
    assert_true(stream_common(STREAM_SHARED, UINT32_MAX) < stream_common(STREAM_INTERNED, 0));
}

static void appends_and_merges(void **state)
{
    (void)state;
    struct extent_list list;
    extent_list_init(&list);
    extent_list_append(&list, (struct extent){.stream = 1, .first = 0, .count = 10});
    extent_list_append(&list, (struct extent){.stream = 1, .first = 10, .count = 5});
    extent_list_append(&list, (struct extent){.stream = 9, .first = 15, .count = 0});
    assert_int_equal(list.n, 1);
    extent_list_append(&list, (struct extent){.stream = 1, .first = 16, .count = 1}); /* a hole: not adjacent */
    extent_list_append(&list, (struct extent){.stream = 2, .first = 17, .count = 1});
    const struct content content = extent_list_content(&list);
    assert_int_equal(content.n_extents, 3);
    assert_int_equal(content.n_tokens, 17);
    assert_int_equal(content.extents[0].count, 15);
    extent_list_fini(&list);
}

static void cuts_anywhere(void **state)
{
    (void)state;
    for (uint32_t keep = 0; keep <= 30; keep++) {
        struct extent_list list;
        extent_list_init(&list);
        for (uint32_t i = 0; i < 3; i++) {
            extent_list_append(&list, (struct extent){.stream = i, .first = 100 * i, .count = 10});
        }
        extent_list_cut(&list, keep);
        assert_int_equal(list.n_tokens, keep);
        assert_int_equal(list.n, (keep + 9) / 10);
        uint32_t sum = 0;
        for (size_t i = 0; i < list.n; i++) {
            assert_int_equal(list.items[i].first, 100 * i);
            assert_true(list.items[i].count > 0);
            sum += list.items[i].count;
        }
        assert_int_equal(sum, keep);
        extent_list_fini(&list);
    }
}

static uint32_t common(const struct extent *a, uint32_t n_a, const struct extent *b, uint32_t n_b)
{
    return content_common_toks((struct content){a, n_a, 0}, (struct content){b, n_b, 0});
}

static void finds_what_is_in_common(void **state)
{
    (void)state;
    const struct extent whole[] = {{7, 0, 30}, {8, 5, 10}};
    const struct extent pieces[] = {{7, 0, 10}, {7, 10, 20}, {8, 5, 4}, {8, 9, 9}};
    const struct extent other[] = {{7, 0, 30}, {8, 6, 10}};
    assert_int_equal(common(whole, 2, pieces, 4), 40);
    assert_int_equal(common(pieces, 4, whole, 2), 40);
    assert_int_equal(common(pieces, 2, whole, 2), 30);
    assert_int_equal(common(whole, 2, other, 2), 30);
    assert_int_equal(common(&whole[1], 1, other, 2), 0);
    assert_int_equal(common(whole, 0, other, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_disjoint),
        cmocka_unit_test(appends_and_merges),
        cmocka_unit_test(cuts_anywhere),
        cmocka_unit_test(finds_what_is_in_common),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
