/* The pool against the plain block-by-block one: many random programs, and a part of the recorded sessions. */
#include "support/support.h"

#include "kv/lockstep.h"
#include "kv/plain_pool.h"
#include "kv/random_programs.h"
#include "kv/weka_replay.h"

enum { STEPS = 200 };

static void run_seeds(uint64_t first, uint64_t n, enum random_mode mode)
{
    struct random_totals totals = {0};
    for (uint64_t seed = first; seed < first + n; seed++) {
        random_programs(seed, STEPS, mode, &totals);
    }
    print_message("%llu seeds: %llu admissions, %llu preemptions, %llu blocks hit, %llu duplicates, %llu evicted\n",
                  (unsigned long long)n, (unsigned long long)totals.admissions, (unsigned long long)totals.preemptions,
                  (unsigned long long)totals.hit_blocks, (unsigned long long)totals.duplicates,
                  (unsigned long long)totals.evicted);
    assert_true(totals.hit_blocks > n * 50 && totals.evicted > n * 20 && totals.duplicates > n);
}

static void equals_plain_pool(void **state)
{
    (void)state;
    run_seeds(100000, 16000, RANDOM_EAGER);
}

static void lazy_equals_eager(void **state)
{
    (void)state;
    run_seeds(200000, 6000, RANDOM_LAZY);
}

static void equals_plain_pool_beyond_turns(void **state)
{
    (void)state;
    struct random_totals totals = {0};
    enum { SEEDS = 8000 };
    for (uint64_t seed = 300000; seed < 300000 + SEEDS; seed++) {
        random_programs(seed, STEPS, RANDOM_KEPT, &totals);
    }
    assert_true(totals.kept > SEEDS && totals.dropped > SEEDS && totals.shortened > SEEDS);
}

static void replay(struct weka_options options)
{
    const char *path = data_path("traces/claude-code-weka/programs.jsonl");
    if (!path) {
        skip();
    }
    const struct weka_totals totals = weka_replay(path, options);
    print_message("%u blocks: %llu programs, %llu turns, %llu dropped, %llu steps, %llu blocks hit, %llu evicted\n",
                  options.n_blocks, (unsigned long long)totals.programs, (unsigned long long)totals.turns,
                  (unsigned long long)totals.dropped, (unsigned long long)totals.steps,
                  (unsigned long long)totals.hit_blocks, (unsigned long long)totals.evicted);
    assert_int_equal(totals.programs, (533 + options.program_stride - 1) / options.program_stride);
    assert_true(totals.hit_blocks > 1000000 && totals.evicted > 1000000);
}

static void equals_plain_pool_on_sessions_at_20k(void **state)
{
    (void)state;
    replay((struct weka_options){
        .n_blocks = 20000, .concurrent = 8, .program_stride = 6, .seed = 2, .compare_every = 5000});
}

static void equals_plain_pool_on_sessions_at_60k(void **state)
{
    (void)state;
    replay((struct weka_options){
        .n_blocks = 60000, .concurrent = 16, .program_stride = 6, .seed = 3, .compare_every = 5000});
}

static void equals_plain_pool_on_sessions_at_250k(void **state)
{
    (void)state;
    replay((struct weka_options){
        .n_blocks = 250000, .concurrent = 48, .program_stride = 6, .seed = 4, .compare_every = 5000});
}

static void lazy_equals_eager_on_sessions(void **state)
{
    (void)state;
    replay((struct weka_options){
        .n_blocks = 60000, .concurrent = 16, .program_stride = 6, .seed = 5, .compare_every = 5000, .lazy = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_plain_pool),
        cmocka_unit_test(lazy_equals_eager),
        cmocka_unit_test(equals_plain_pool_beyond_turns),
        cmocka_unit_test(equals_plain_pool_on_sessions_at_20k),
        cmocka_unit_test(equals_plain_pool_on_sessions_at_60k),
        cmocka_unit_test(equals_plain_pool_on_sessions_at_250k),
        cmocka_unit_test(lazy_equals_eager_on_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
