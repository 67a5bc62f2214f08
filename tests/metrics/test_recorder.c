#include "support/support.h"

#include "base/mem.h"
#include "metrics/recorder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct turn_record turn_at(uint64_t program, uint32_t turn)
{
    const simtime ready = (simtime)(program % 10000 * 10 + turn * 3) * SIMTIME_S;
    return (struct turn_record){.program = program,
                                .turn = turn,
                                .instance = (uint32_t)(program % 3),
                                .ready = ready,
                                .arrived = ready + SIMTIME_MS,
                                .first_scheduled = ready + 2 * SIMTIME_MS,
                                .first_token = ready + 100 * SIMTIME_MS,
                                .last_token = ready + SIMTIME_S,
                                .requeue_wait = 5 * SIMTIME_MS,
                                .prompt_toks = 1000,
                                .output_toks = 91,
                                .hit_toks = turn ? 960 : 0,
                                .preemptions = turn,
                                .recomputed_toks = turn * 100,
                                .length_limited = turn == 2};
}

/* Records `n` programs of three turns, forwards or backwards. */
static void record_into(struct recorder *recorder, uint64_t n, bool backwards)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t program = backwards ? n - 1 - i : i;
        struct program_sums sums = {0};
        for (uint32_t turn = 0; turn < 3; turn++) {
            const struct turn_record record = turn_at(program, turn);
            recorder_turn(recorder, &record, &sums);
        }
        char name[32];
        snprintf(name, sizeof name, "session-%d", (int)program);
        const simtime arrival = (simtime)program * 10 * SIMTIME_S;
        recorder_program(recorder,
                         &(struct program_record){.program = program,
                                                  .name = name,
                                                  .arrival = arrival,
                                                  .end = arrival + 7 * SIMTIME_S,
                                                  .tool_time = 4 * SIMTIME_S,
                                                  .n_turns = 3},
                         &sums);
    }
}

static struct recorder *record(uint64_t n, uint32_t rows, bool backwards)
{
    struct recorder *recorder = recorder_create(&(struct recorder_options){.keep_turns = true, .program_rows = rows});
    record_into(recorder, n, backwards);
    return recorder;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

static void definitions(void **state)
{
    (void)state;
    struct recorder *recorder = record(2, UINT32_MAX, false);
    struct recorder_summary s;
    recorder_summarise(recorder, &s);
    assert_int_equal(s.programs_completed, 2);
    assert_int_equal(s.turns_completed, 6);
    assert_int_equal(s.turns_length_limited, 2);
    assert_int_equal(s.prompt_toks, 6000);
    assert_int_equal(s.generated_toks, 546);
    assert_int_equal(s.hit_toks, 4 * 960);
    assert_int_equal(s.recomputed_toks, 600);
    assert_int_equal(s.preemptions, 6);
    assert_true(s.end == 17 * SIMTIME_S);
    assert_true(near(s.ttft.mean, 0.1) && near(s.e2e.p99, 1.0));
    assert_true(near(s.tpot.p50, 0.01));   /* 0.9 s over 90 intervals */
    assert_true(near(s.queue.max, 0.007)); /* 2 ms to the first scheduling, 5 ms after preemption */
    assert_true(near(s.program_jct.mean, 7) && near(s.program_tool.mean, 4) && near(s.program_queue.mean, 0.021));
    assert_true(s.token_latency.n == 2 && fabs(s.token_latency.mean - 7.0 / 273) < 1e-12); /* whole picoseconds */
    assert_false(s.sketched);
    recorder_destroy(recorder);
}

/* Turns that became ready and programs that arrived in the warm-up are in no statistic, but in counts, rows and digest.
 */
static void warmup_trims_statistics_alone(void **state)
{
    (void)state;
    struct recorder *all = record(2, UINT32_MAX, false);
    struct recorder *trimmed = recorder_create(
        &(struct recorder_options){.keep_turns = true, .program_rows = UINT32_MAX, .warmup = 6 * SIMTIME_S});
    record_into(trimmed, 2, false); /* program 0: turns ready at 0, 3, 6 s; program 1: at 10, 13, 16 s */
    struct recorder_summary s, t;
    recorder_summarise(all, &s);
    recorder_summarise(trimmed, &t);
    assert_int_equal(t.turns_warmup, 2); /* the one that is ready at its very end counts */
    assert_int_equal(t.programs_warmup, 1);
    assert_int_equal(s.turns_warmup + s.programs_warmup, 0);
    assert_int_equal(t.turns_completed, 6);
    assert_int_equal(t.programs_completed, 2);
    assert_int_equal(t.turns_length_limited, s.turns_length_limited);
    assert_true(t.ttft.n == 4 && t.tpot.n == 4 && t.e2e.n == 4 && t.queue.n == 4);
    assert_true(t.program_jct.n == 1 && t.program_tool.n == 1 && t.program_queue.n == 1);
    assert_int_equal(t.prompt_toks, 4000);
    assert_int_equal(t.generated_toks, 4 * 91);
    assert_int_equal(t.hit_toks, 3 * 960);
    assert_int_equal(t.recomputed_toks, 500);
    assert_int_equal(t.preemptions, 5);
    assert_true(t.end == s.end);
    const struct digest a = recorder_digest(all);
    const struct digest b = recorder_digest(trimmed);
    assert_memory_equal(&a, &b, sizeof a);
    uint64_t n;
    recorder_turns(trimmed, &n);
    assert_int_equal(n, 6);
    const struct program_row *rows = recorder_programs(trimmed, &n);
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].sums.prompt_toks, 3000);
    recorder_destroy(all);
    recorder_destroy(trimmed);
}

/* TPOT has no value for outputs of one token or none; the other durations count them. */
static void tpot_leaves_out_short_outputs(void **state)
{
    (void)state;
    struct recorder *recorder = recorder_create(&(struct recorder_options){0});
    for (uint32_t output = 0; output < 3; output++) {
        struct turn_record turn = turn_at(1, output);
        turn.output_toks = output;
        recorder_turn(recorder, &turn, &(struct program_sums){0});
    }
    struct recorder_summary s;
    recorder_summarise(recorder, &s);
    assert_int_equal(s.tpot.n, 1);
    assert_true(near(s.tpot.mean, 0.9));
    assert_int_equal(s.ttft.n, 3);
    uint64_t n;
    recorder_turns(recorder, &n);
    assert_int_equal(n, 0); /* not asked for */
    recorder_destroy(recorder);
}

/* The digest covers each of its fields, and nothing else; the text is pinned so that a change of layout shows. */
static void digest_fields(void **state)
{
    (void)state;
    const struct turn_record base = turn_at(3, 1);
    struct turn_record variants[16];
    for (size_t i = 0; i < 16; i++) {
        variants[i] = base;
    }
    variants[1].program++;
    variants[2].turn++;
    variants[3].instance++;
    variants[4].ready--;
    variants[5].arrived++;
    variants[6].first_scheduled++;
    variants[7].first_token++;
    variants[8].last_token++;
    variants[9].hit_toks++;
    variants[10].preemptions++;
    variants[11].requeue_wait++;
    variants[12].prompt_toks++;
    variants[13].output_toks++;
    variants[14].recomputed_toks++;
    variants[15].length_limited = true;
    struct digest digests[16];
    for (size_t i = 0; i < 16; i++) {
        struct recorder *recorder = recorder_create(&(struct recorder_options){0});
        recorder_turn(recorder, &variants[i], &(struct program_sums){0});
        digests[i] = recorder_digest(recorder);
        recorder_destroy(recorder);
    }
    for (size_t i = 1; i < 16; i++) {
        assert_int_equal(memcmp(&digests[0], &digests[i], sizeof digests[0]) != 0, i <= 10);
    }
    unsigned char packed[64];
    const uint64_t words[] = {3,
                              1 | (uint64_t)base.instance << 32,
                              (uint64_t)base.ready,
                              (uint64_t)base.arrived,
                              (uint64_t)base.first_scheduled,
                              (uint64_t)base.first_token,
                              (uint64_t)base.last_token,
                              base.hit_toks | (uint64_t)base.preemptions << 32};
    for (size_t i = 0; i < sizeof packed; i++) {
        packed[i] = (unsigned char)(words[i / 8] >> (i % 8 * 8));
    }
    struct digest expected = {0};
    digest_add(&expected, packed, sizeof packed);
    assert_memory_equal(&expected, &digests[0], sizeof expected);
}

static void order_does_not_matter(void **state)
{
    (void)state;
    struct recorder *forward = record(500, 50, false);
    struct recorder *backward = record(500, 50, true);
    const struct digest a = recorder_digest(forward);
    const struct digest b = recorder_digest(backward);
    assert_memory_equal(&a, &b, sizeof a);
    struct recorder_summary sa, sb;
    memset(&sa, 0, sizeof sa);
    memset(&sb, 0, sizeof sb);
    recorder_summarise(forward, &sa);
    recorder_summarise(backward, &sb);
    assert_true(sa.ttft.mean == sb.ttft.mean && sa.program_jct.p99 == sb.program_jct.p99);
    assert_true(sa.end == sb.end);
    uint64_t na, nb;
    const struct turn_record *ta = recorder_turns(forward, &na);
    const struct turn_record *tb = recorder_turns(backward, &nb);
    assert_int_equal(na, 1500);
    assert_int_equal(nb, 1500);
    for (uint64_t i = 0; i < na; i++) {
        assert_int_equal(ta[i].program, i / 3);
        assert_int_equal(ta[i].turn, i % 3);
        assert_int_equal(tb[i].program, i / 3);
        assert_int_equal(tb[i].turn, i % 3);
    }
    recorder_destroy(forward);
    recorder_destroy(backward);
}

/* The sample depends on ids alone: two orders keep the same rows, sorted by program, each with its own name and sums.
 */
static void program_rows_pair_up(void **state)
{
    (void)state;
    struct recorder *a = record(5000, 100, false);
    struct recorder *b = record(5000, 100, true);
    uint64_t na, nb;
    const struct program_row *ra = recorder_programs(a, &na);
    const struct program_row *rb = recorder_programs(b, &nb);
    assert_int_equal(na, 100);
    assert_int_equal(nb, 100);
    uint64_t above = 0;
    for (uint64_t i = 0; i < na; i++) {
        assert_int_equal(ra[i].record.program, rb[i].record.program);
        assert_true(i == 0 || ra[i - 1].record.program < ra[i].record.program);
        char name[32];
        snprintf(name, sizeof name, "session-%d", (int)ra[i].record.program);
        assert_string_equal(ra[i].record.name, name);
        assert_int_equal(ra[i].sums.prompt_toks, 3000);
        assert_int_equal(ra[i].sums.hit_toks, 1920);
        assert_int_equal(ra[i].sums.generated_toks, 273);
        assert_int_equal(ra[i].sums.preemptions, 3);
        assert_true(ra[i].sums.queue == 21 * SIMTIME_MS && ra[i].sums.ttft_first == 100 * SIMTIME_MS);
        above += ra[i].record.program >= 2500;
    }
    assert_in_range(above, 30, 70); /* spread over the ids */
    recorder_destroy(a);
    recorder_destroy(b);
}

static void all_rows_or_none(void **state)
{
    (void)state;
    struct recorder *all = record(3000, UINT32_MAX, true);
    uint64_t n;
    const struct program_row *rows = recorder_programs(all, &n);
    assert_int_equal(n, 3000);
    assert_int_equal(rows[2999].record.program, 2999);
    recorder_destroy(all);
    struct recorder *none = record(10, 0, false);
    recorder_programs(none, &n);
    assert_int_equal(n, 0);
    recorder_destroy(none);
}

/* A program's row sums up all its turns; the first token time is that of the first. */
static void sums_of_a_program(void **state)
{
    (void)state;
    struct recorder *recorder = recorder_create(&(struct recorder_options){.program_rows = UINT32_MAX});
    struct program_sums sums = {0};
    for (uint32_t turn = 0; turn < 4; turn++) {
        struct turn_record record = turn_at(9, turn);
        record.prompt_toks = 1000 + turn;
        record.first_token += turn * SIMTIME_MS;
        recorder_turn(recorder, &record, &sums);
    }
    assert_int_equal(sums.turns, 4);
    recorder_program(recorder, &(struct program_record){.program = 9, .name = "p", .end = SIMTIME_S, .n_turns = 4},
                     &sums);
    uint64_t n;
    const struct program_row *rows = recorder_programs(recorder, &n);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].sums.prompt_toks, 4006);
    assert_int_equal(rows[0].sums.preemptions, 6);
    assert_true(rows[0].sums.ttft_first == 100 * SIMTIME_MS);
    recorder_destroy(recorder);
}

/* Hits up to what was kept are of the program's own context; the rest of what was kept is lost. */
static void sources_and_levels(void **state)
{
    (void)state;
    static const struct {
        uint32_t hit, kept, loaded;
        simtime first, last; /* token, after ready */
        bool within;
    } turns[] = {
        {0, 0, 0, SIMTIME_S, 2 * SIMTIME_S, true},            /* cold */
        {320, 320, 160, SIMTIME_S + 1, 2 * SIMTIME_S, false}, /* all found, a part below; TTFT beyond */
        {160, 480, 0, SIMTIME_S, 11 * SIMTIME_S, true},       /* the end was lost; TPOT of just 1 s */
        {480, 320, 0, SIMTIME_S, 11 * SIMTIME_S + 10, false}, /* others had more; TPOT beyond */
    };
    struct recorder *recorder = recorder_create(
        &(struct recorder_options){.slo = {.ttft = SIMTIME_S, .tpot = SIMTIME_S, .jct = 40 * SIMTIME_S}});
    struct program_sums sums = {0};
    uint64_t within = 0;
    for (uint32_t i = 0; i < 4; i++) {
        struct turn_record turn = turn_at(0, i);
        turn.hit_toks = turns[i].hit;
        turn.kept_toks = turns[i].kept;
        turn.loaded_toks = turns[i].loaded;
        turn.loaded_from = 1;
        turn.output_toks = 11;
        turn.first_token = turn.ready + turns[i].first;
        turn.last_token = turn.ready + turns[i].last;
        recorder_turn(recorder, &turn, &sums);
        within += turns[i].within;
    }
    assert_int_equal(sums.served, 26 * SIMTIME_S + 10);
    struct program_record program = {.name = "x", .end = 40 * SIMTIME_S, .deadline = 40 * SIMTIME_S, .n_turns = 4};
    recorder_program(recorder, &program, &sums);
    program.end += 1;
    recorder_program(recorder, &program, &sums);
    struct recorder_summary summary;
    recorder_summarise(recorder, &summary);
    assert_int_equal(summary.kept_toks, 1120);
    assert_int_equal(summary.kept_hit_toks, 320 + 160 + 320);
    assert_int_equal(summary.loaded_toks[1], 160);
    assert_int_equal(summary.loaded_toks[0] + summary.loaded_toks[2], 0);
    assert_int_equal(summary.turns_within, within);
    assert_int_equal(summary.programs_within, 1);
    assert_int_equal(summary.programs_due, 2);
    assert_int_equal(summary.programs_in_time, 1);
    recorder_destroy(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_and_levels),

        cmocka_unit_test(definitions),          cmocka_unit_test(tpot_leaves_out_short_outputs),
        cmocka_unit_test(digest_fields),        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(program_rows_pair_up), cmocka_unit_test(all_rows_or_none),
        cmocka_unit_test(sums_of_a_program),    cmocka_unit_test(warmup_trims_statistics_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
