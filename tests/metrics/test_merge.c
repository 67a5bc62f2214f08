/* Several recorders that each hear a part of a run, merged, against one that hears all of it. */
#include "support/support.h"

#include "base/mem.h"
#include "metrics/random_run.h"

enum { MAX_RECORDERS = 9 };

/* Merges two at random until one is left. */
static struct recorder *merge_all(struct recorder **recorders, uint32_t n, uint64_t seed)
{
    for (uint32_t draw = 1 << 30; n > 1; draw += 2) {
        const uint32_t from = random_below(seed, draw, n);
        const uint32_t into = (from + 1 + random_below(seed, draw + 1, n - 1)) % n;
        recorder_merge(recorders[into], recorders[from]);
        assert_int_equal(recorder_turn_count(recorders[from]), 0);
        recorder_destroy(recorders[from]);
        recorders[from] = recorders[--n];
    }
    return recorders[0];
}

static void check_split(uint64_t seed)
{
    const uint32_t programs = 1 + random_below(seed, 100, 3) * random_below(seed, 101, 700);
    static const uint64_t limits[] = {0, 50, 500, 2000};
    static const uint32_t rows[] = {0, 1, 30, 1000, UINT32_MAX};
    const struct recorder_options options = {.keep_turns = random_below(seed, 102, 2),
                                             .program_rows = rows[random_below(seed, 103, 5)],
                                             .exact_values = limits[random_below(seed, 104, 4)],
                                             .warmup = random_below(seed, 106, 2) * 700 * SIMTIME_S};
    struct recorder *whole = recorder_create(&options);
    random_run(&whole, 1, programs, seed);
    struct recorder *parts[MAX_RECORDERS];
    const uint32_t n = 1 + random_below(seed, 105, MAX_RECORDERS);
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = recorder_create(&options);
    }
    random_run(parts, n, programs, seed);
    struct recorder *merged = merge_all(parts, n, seed);
    assert_same_recorders(whole, merged);
    recorder_destroy(whole);
    recorder_destroy(merged);
}

static void any_split_gives_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 150; seed++) {
        check_split(seed);
    }
}

/* A merged recorder, and one that was emptied into another, go on as any. */
static void recorders_go_on_after_a_merge(void **state)
{
    (void)state;
    const struct recorder_options options = {.keep_turns = true, .program_rows = 40, .exact_values = 1500};
    struct recorder *whole = recorder_create(&options);
    struct recorder *a = recorder_create(&options);
    struct recorder *b = recorder_create(&options);
    random_run(&whole, 1, 300, 1);
    random_run(&whole, 1, 100, 1);
    random_run(&whole, 1, 200, 1);
    random_run(&a, 1, 300, 1);
    recorder_merge(b, a);
    random_run(&a, 1, 100, 1);
    random_run(&b, 1, 200, 1);
    recorder_merge(a, b);
    char *expected = summary_of(whole);
    char *got = summary_of(a);
    assert_string_equal(expected, got);
    mem_free(expected);
    mem_free(got);
    recorder_destroy(whole);
    recorder_destroy(a);
    recorder_destroy(b);
}

/* Percentiles turn into those of histograms exactly when there is one value too many, whoever holds them. */
static void exactly_at_the_limit(void **state)
{
    (void)state;
    for (uint32_t n = 7; n <= 9; n++) {
        struct recorder *parts[3];
        for (uint32_t i = 0; i < 3; i++) {
            parts[i] = recorder_create(&(struct recorder_options){.exact_values = 8});
        }
        for (uint32_t i = 0; i < n; i++) {
            const struct turn_record turn = random_turn(i, 0);
            recorder_turn(parts[i % 3], &turn, &(struct program_sums){0});
        }
        recorders_bound(parts, 3);
        struct recorder *merged = merge_all(parts, 3, n);
        struct recorder_summary summary;
        recorder_summarise(merged, &summary);
        assert_int_equal(summary.sketched, n > 8);
        recorder_destroy(merged);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_gives_the_same),
        cmocka_unit_test(recorders_go_on_after_a_merge),
        cmocka_unit_test(exactly_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
