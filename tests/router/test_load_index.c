#include "support/support.h"

#include "base/rng.h"
#include "router/load_index.h"

enum { MOST = 70, ROUNDS = 400 };

/* The first of the smallest, by a scan. */
static uint32_t scan(const uint64_t *loads, uint32_t n)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < n; i++) {
        least = loads[i] < loads[least] ? i : least;
    }
    return least;
}

/* All at once, or by blocks of any size in any order. */
static void rebuild(struct load_index *index, uint64_t dice)
{
    const uint32_t size = 2u << (dice & 7);
    if (size > index->leaves) {
        load_index_rebuild(index);
        return;
    }
    for (uint32_t first = index->leaves; first > 0; first -= size) {
        load_index_rebuild_block(index, first - size, size);
    }
    load_index_rebuild_above(index, size);
}

/* Single changes and whole rebuilds, with many ties, for every number of instances. */
static void as_a_plain_scan(void **state)
{
    (void)state;
    uint32_t rolled = 0;
    for (uint32_t n = 1; n <= MOST; n++) {
        struct load_index index;
        uint64_t loads[MOST] = {0};
        load_index_init(&index, n);
        assert_int_equal(load_index_least(&index), 0);
        for (int round = 0; round < ROUNDS; round++) {
            const uint64_t dice = rng_u64((struct rng_key){.seed = n}, rolled++);
            const uint64_t range = round % 3 ? 4 : UINT64_C(1) << 40; /* the few small loads tie */
            const uint32_t instance = (uint32_t)(dice % n);
            if (dice >> 60 == 0) {
                for (uint32_t i = 0; i < n; i++) {
                    index.loads[i] = loads[i] = rng_u64((struct rng_key){.seed = n}, rolled++) % range;
                }
                rebuild(&index, dice);
            } else {
                loads[instance] = (dice >> 8) % range;
                load_index_set(&index, instance, loads[instance]);
            }
            assert_int_equal(load_index_least(&index), scan(loads, n));
        }
        load_index_fini(&index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_a_plain_scan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
