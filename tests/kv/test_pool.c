/* The pool against the plain block-by-block one on random programs. */
#include "support/support.h"

#include "kv/lockstep.h"
#include "kv/plain_pool.h"
#include "kv/random_programs.h"

enum { STEPS = 200 };

static void run_seeds(uint64_t first, uint64_t n, enum random_mode mode)
{
    struct random_totals totals = {0};
    for (uint64_t seed = first; seed < first + n; seed++) {
        random_programs(seed, STEPS, mode, &totals);
    }
    print_message("%llu seeds: %llu admissions, %llu refusals, %llu preemptions, %llu finished, %llu blocks hit, %llu "
                  "duplicates, %llu evicted\n",
                  (unsigned long long)n, (unsigned long long)totals.admissions, (unsigned long long)totals.refusals,
                  (unsigned long long)totals.preemptions, (unsigned long long)totals.finished,
                  (unsigned long long)totals.hit_blocks, (unsigned long long)totals.duplicates,
                  (unsigned long long)totals.evicted);
    assert_true(totals.admissions > n * 20 && totals.finished > n * 10 && totals.preemptions > n);
    assert_true(totals.refusals > n / 2);
    if (mode != RANDOM_NO_CACHING) {
        assert_true(totals.hit_blocks > n * 50 && totals.evicted > n * 20 && totals.duplicates > n);
    }
}

static void equals_plain_pool(void **state)
{
    (void)state;
    run_seeds(1, 1000, RANDOM_EAGER);
}

static void lazy_equals_eager(void **state)
{
    (void)state;
    run_seeds(1, 150, RANDOM_LAZY);
}

static void equals_plain_pool_without_caching(void **state)
{
    (void)state;
    run_seeds(1, 50, RANDOM_NO_CACHING);
}

static void equals_plain_pool_beyond_turns(void **state)
{
    (void)state;
    struct random_totals totals = {0};
    enum { SEEDS = 400 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        random_programs(seed, STEPS, RANDOM_KEPT, &totals);
    }
    assert_true(totals.kept > SEEDS && totals.dropped > SEEDS && totals.shortened > SEEDS);
    assert_true(totals.hit_blocks > SEEDS && totals.evicted > SEEDS && totals.duplicates > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_plain_pool),
        cmocka_unit_test(lazy_equals_eager),
        cmocka_unit_test(equals_plain_pool_without_caching),
        cmocka_unit_test(equals_plain_pool_beyond_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
