/* Several recorders that each hear a part of a run, merged, against one that hears all of it. */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "metrics/recorder.h"
#include "metrics/summary.h"

#include <string.h>

enum { MAX_RECORDERS = 9 };

static uint32_t below(uint64_t seed, uint32_t draw, uint32_t n)
{
    return (uint32_t)(rng_u64((struct rng_key){.seed = seed}, draw) % n);
}

static struct turn_record random_turn(uint64_t program, uint32_t turn)
{
    const simtime scale = SIMTIME_MS << below(program, 10 * turn + 1, 12);
    const simtime ready = (simtime)(program * 3 + turn * 50) * SIMTIME_S;
    const simtime scheduled = ready + scale + below(program, 10 * turn + 2, 1000000);
    const simtime first = scheduled + scale * below(program, 10 * turn + 3, 50);
    return (struct turn_record){.program = program,
                                .turn = turn,
                                .instance = below(program, 10 * turn + 4, 4),
                                .ready = ready,
                                .arrived = ready + SIMTIME_US,
                                .first_scheduled = scheduled,
                                .first_token = first,
                                .last_token = first + scale * below(program, 10 * turn + 5, 50),
                                .requeue_wait = below(program, 10 * turn + 6, 3) * scale,
                                .prompt_toks = 1000,
                                .output_toks = below(program, 10 * turn + 7, 50),
                                .hit_toks = below(program, 10 * turn + 8, 1000),
                                .preemptions = below(program, 10 * turn + 9, 3),
                                .recomputed_toks = turn,
                                .length_limited = turn == 3};
}

/* Runs `programs` programs side by side over `n` recorders that take their turns at random. */
static void run(struct recorder **recorders, uint32_t n, uint32_t programs, uint64_t seed)
{
    enum { MAX_TURNS = 7 };
    struct program_sums *sums = mem_zalloc(programs * sizeof *sums);
    uint32_t draw = 0;
    for (uint32_t t = 0; t < MAX_TURNS; t++) {
        for (uint32_t p = 0; p < programs; p++) {
            const uint32_t turns = 1 + below(p, 0, MAX_TURNS);
            if (t >= turns) {
                continue;
            }
            const struct turn_record turn = random_turn(p, t);
            recorder_turn(recorders[below(seed, draw++, n)], &turn, &sums[p]);
            if (t + 1 == turns) {
                const struct program_record program = {.program = p,
                                                       .name = p % 2 ? "odd" : "even",
                                                       .arrival = (simtime)p * SIMTIME_S,
                                                       .end = turn.last_token,
                                                       .tool_time = (simtime)p * SIMTIME_MS,
                                                       .n_turns = turns};
                recorder_program(recorders[below(seed, draw++, n)], &program, &sums[p]);
            }
            if (n > 1 && seed % 2 && draw % 64 == 0) {
                recorders_bound(recorders, n);
            }
        }
    }
    mem_free(sums);
}

/* Merges two at random until one is left. */
static struct recorder *merge_all(struct recorder **recorders, uint32_t n, uint64_t seed)
{
    for (uint32_t draw = 1 << 30; n > 1; draw += 2) {
        const uint32_t from = below(seed, draw, n);
        const uint32_t into = (from + 1 + below(seed, draw + 1, n - 1)) % n;
        recorder_merge(recorders[into], recorders[from]);
        assert_int_equal(recorder_turn_count(recorders[from]), 0);
        recorder_destroy(recorders[from]);
        recorders[from] = recorders[--n];
    }
    return recorders[0];
}

static char *summary_of(struct recorder *recorder)
{
    struct summary_input in = {.digest = recorder_digest(recorder)};
    recorder_summarise(recorder, &in.recorder);
    return summary_json(&in);
}

static void assert_same(struct recorder *a, struct recorder *b)
{
    char *summary_a = summary_of(a);
    char *summary_b = summary_of(b);
    assert_string_equal(summary_a, summary_b);
    mem_free(summary_a);
    mem_free(summary_b);
    uint64_t na, nb;
    const struct turn_record *ta = recorder_turns(a, &na);
    const struct turn_record *tb = recorder_turns(b, &nb);
    assert_int_equal(na, nb);
    for (uint64_t i = 0; i < na; i++) {
        assert_int_equal(ta[i].program, tb[i].program);
        assert_int_equal(ta[i].turn, tb[i].turn);
        assert_int_equal(ta[i].last_token, tb[i].last_token);
    }
    const struct program_row *pa = recorder_programs(a, &na);
    const struct program_row *pb = recorder_programs(b, &nb);
    assert_int_equal(na, nb);
    for (uint64_t i = 0; i < na; i++) {
        assert_int_equal(pa[i].record.program, pb[i].record.program);
        assert_string_equal(pa[i].record.name, pb[i].record.name);
        assert_memory_equal(&pa[i].sums, &pb[i].sums, sizeof pa[i].sums);
    }
}

static void check_split(uint64_t seed)
{
    const uint32_t programs = 1 + below(seed, 100, 3) * below(seed, 101, 700);
    static const uint64_t limits[] = {0, 50, 500, 2000};
    static const uint32_t rows[] = {0, 1, 30, 1000, UINT32_MAX};
    const struct recorder_options options = {.keep_turns = below(seed, 102, 2),
                                             .program_rows = rows[below(seed, 103, 5)],
                                             .exact_values = limits[below(seed, 104, 4)],
                                             .warmup = below(seed, 106, 2) * 700 * SIMTIME_S};
    struct recorder *whole = recorder_create(&options);
    run(&whole, 1, programs, seed);
    struct recorder *parts[MAX_RECORDERS];
    const uint32_t n = 1 + below(seed, 105, MAX_RECORDERS);
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = recorder_create(&options);
    }
    run(parts, n, programs, seed);
    struct recorder *merged = merge_all(parts, n, seed);
    assert_same(whole, merged);
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
    run(&whole, 1, 300, 1);
    run(&whole, 1, 100, 1);
    run(&whole, 1, 200, 1);
    run(&a, 1, 300, 1);
    recorder_merge(b, a);
    run(&a, 1, 100, 1);
    run(&b, 1, 200, 1);
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
