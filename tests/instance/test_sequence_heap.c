/* The heap of sequences against a plain table of keys. */
#include "support/support.h"

#include "instance/sequence_heap.h"

#include <stdbool.h>
#include <stdlib.h>

enum { SEQUENCES = 100, MOVES = 20000 };

static int64_t least(const int64_t *keys, const bool *inside)
{
    int64_t first = INT64_MAX;
    for (int i = 0; i < SEQUENCES; i++) {
        first = inside[i] && keys[i] < first ? keys[i] : first;
    }
    return first;
}

static uint32_t below(const int64_t *keys, const bool *inside, int64_t key)
{
    uint32_t n = 0;
    for (int i = 0; i < SEQUENCES; i++) {
        n += inside[i] && keys[i] < key;
    }
    return n;
}

static void the_first_key_is_the_least_of_the_members(void **state)
{
    (void)state;
    struct sequence_heap heap;
    int64_t keys[SEQUENCES];
    bool inside[SEQUENCES] = {false};
    uint32_t n = 0;
    sequence_heap_init(&heap);
    assert_true(heap.first == INT64_MAX);
    srand(1);
    for (int move = 0; move < MOVES; move++) {
        const uint32_t i = (uint32_t)(rand() % SEQUENCES);
        if (inside[i]) {
            sequence_heap_leave(&heap, i);
        } else {
            keys[i] = rand() % 50 - 10; /* many are equal */
            sequence_heap_enter(&heap, i, keys[i]);
        }
        inside[i] = !inside[i];
        n = inside[i] ? n + 1 : n - 1;
        assert_int_equal(heap.n, n);
        assert_true(heap.first == least(keys, inside));
        assert_int_equal(sequence_heap_below(&heap, move % 50 - 10), below(keys, inside, move % 50 - 10));
        assert_true(!n || keys[heap.items[0].sequence] == heap.first);
    }
    sequence_heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_key_is_the_least_of_the_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
