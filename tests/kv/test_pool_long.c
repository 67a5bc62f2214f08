/* All recorded sessions through both pools. */
#include "support/support.h"

#include "kv/lockstep.h"
#include "kv/plain_pool.h"
#include "kv/weka_replay.h"

static void replay(uint32_t n_blocks, uint32_t concurrent)
{
    const char *path = data_path("traces/claude-code-weka/programs.jsonl");
    if (!path) {
        skip();
    }
    const struct weka_totals totals = weka_replay(
        path,
        (struct weka_options){
            .n_blocks = n_blocks, .concurrent = concurrent, .program_stride = 1, .seed = 1, .compare_every = 20000});
    print_message("%u blocks: %llu programs, %llu turns, %llu dropped, %llu steps, %llu blocks hit, %llu evicted\n",
                  n_blocks, (unsigned long long)totals.programs, (unsigned long long)totals.turns,
                  (unsigned long long)totals.dropped, (unsigned long long)totals.steps,
                  (unsigned long long)totals.hit_blocks, (unsigned long long)totals.evicted);
    assert_int_equal(totals.programs, 533);
    assert_int_equal(totals.turns + totals.dropped, 34595);
    assert_true(totals.hit_blocks > 0 && totals.evicted > 0);
}

static void equals_plain_pool_at_20k(void **state)
{
    (void)state;
    replay(20000, 8);
}

static void equals_plain_pool_at_60k(void **state)
{
    (void)state;
    replay(60000, 16);
}

static void equals_plain_pool_at_250k(void **state)
{
    (void)state;
    replay(250000, 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_plain_pool_at_20k),
        cmocka_unit_test(equals_plain_pool_at_60k),
        cmocka_unit_test(equals_plain_pool_at_250k),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
