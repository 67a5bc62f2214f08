#include "support/support.h"

#include "base/heap.h"
#include "base/rng.h"

/* Pops come out ordered by (key, tie), whatever the order of pushes. */
static void pops_in_order(void **state)
{
    (void)state;
    struct heap heap;
    heap_init(&heap);
    for (uint32_t i = 0; i < 1000; i++) {
        const uint64_t bits = rng_u64((struct rng_key){.seed = 1}, i);
        heap_push(&heap, (struct heap_entry){.key = (int64_t)(bits % 50), .tie = bits >> 32, .payload = i});
    }
    struct heap_entry last = heap_pop(&heap);
    for (int i = 1; i < 1000; i++) {
        const struct heap_entry next = heap_pop(&heap);
        assert_true(last.key < next.key || (last.key == next.key && last.tie <= next.tie));
        last = next;
    }
    assert_null(heap_top(&heap));
    heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pops_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
