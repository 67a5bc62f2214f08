#include "support/support.h"

#include "base/rng.h"
#include "metrics/live_programs.h"

#include <string.h>

/* Random ids come and go; a plain array says what each sum must be. */
static void against_an_array(void **state)
{
    (void)state;
    enum { IDS = 512, STEPS = 200000 };
    uint64_t ids[IDS];
    uint32_t turns[IDS] = {0};
    for (uint32_t i = 0; i < IDS; i++) {
        ids[i] = rng_u64((struct rng_key){.seed = 1}, i);
    }
    struct live_programs live = {0};
    size_t n = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        const uint64_t bits = rng_u64((struct rng_key){.seed = 2}, step);
        const uint32_t i = (uint32_t)(bits % IDS);
        if (turns[i] && (bits >> 32) % 2) {
            const struct live_program taken = live_programs_take(&live, ids[i]);
            assert_int_equal(taken.program, ids[i]);
            assert_int_equal(taken.turns, turns[i]);
            assert_int_equal(taken.prompt_toks, 10 * turns[i]);
            turns[i] = 0;
            n--;
        } else {
            struct live_program *program = live_programs_at(&live, ids[i]);
            assert_int_equal(program->turns, turns[i]);
            program->turns++;
            program->prompt_toks += 10;
            n += turns[i]++ == 0;
        }
        assert_int_equal(live.n, n);
    }
    assert_true(live.capacity <= 2 * IDS); /* removal leaves nothing behind */
    live_programs_fini(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_an_array)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
