#include "metrics/random_run.h"

#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "metrics/series.h"
#include "metrics/summary.h"

uint32_t random_below(uint64_t seed, uint32_t draw, uint32_t n)
{
    return (uint32_t)(rng_u64((struct rng_key){.seed = seed}, draw) % n);
}

struct turn_record random_turn(uint64_t program, uint32_t turn)
{
    const simtime scale = SIMTIME_MS << random_below(program, 10 * turn + 1, 12);
    const simtime ready = (simtime)(program * 3 + turn * 50) * SIMTIME_S;
    const simtime scheduled = ready + scale + random_below(program, 10 * turn + 2, 1000000);
    const simtime first = scheduled + scale * random_below(program, 10 * turn + 3, 50);
    const uint32_t hit = random_below(program, 10 * turn + 8, 1000);
    return (struct turn_record){.program = program,
                                .turn = turn,
                                .instance = random_below(program, 10 * turn + 4, 4),
                                .ready = ready,
                                .arrived = ready + SIMTIME_US,
                                .first_scheduled = scheduled,
                                .first_token = first,
                                .last_token = first + scale * random_below(program, 10 * turn + 5, 50),
                                .requeue_wait = random_below(program, 10 * turn + 6, 3) * scale,
                                .prompt_toks = 1000,
                                .output_toks = random_below(program, 10 * turn + 7, 50),
                                .hit_toks = hit,
                                .loaded_toks = hit / 16 * (turn % 3),
                                .loaded_from = (uint8_t)(program % RECORDER_MAX_TIERS),
                                .kept_toks = 16 * (hit / 13 % 62),
                                .preemptions = random_below(program, 10 * turn + 9, 3),
                                .recomputed_toks = turn,
                                .length_limited = turn == 3};
}

void random_run(struct recorder **recorders, uint32_t n, uint32_t programs, uint64_t seed)
{
    enum { MAX_TURNS = 7 };
    struct program_sums *sums = mem_zalloc(programs * sizeof *sums);
    uint32_t draw = 0;
    for (uint32_t t = 0; t < MAX_TURNS; t++) {
        for (uint32_t p = 0; p < programs; p++) {
            const uint32_t turns = 1 + random_below(p, 0, MAX_TURNS);
            if (t >= turns) {
                continue;
            }
            const struct turn_record turn = random_turn(p, t);
            struct recorder *recorder = recorders[random_below(seed, draw++, n)];
            recorder_turn(recorder, &turn, &sums[p]);
            if (turn.output_toks) {
                series_add_run(recorder_gaps(recorder), turn.first_token - turn.ready, t, turn.output_toks, p);
            }
            if (t + 1 == turns) {
                const struct program_record program = {.program = p,
                                                       .name = p % 2 ? "odd" : "even",
                                                       .arrival = (simtime)p * SIMTIME_S,
                                                       .end = turn.last_token,
                                                       .tool_time = (simtime)p * SIMTIME_MS,
                                                       .deadline = p % 3 ? 0 : turn.last_token + (p % 2 ? 1 : -1),
                                                       .tenant = seed % 3 ? random_below(p, 1, 20) : 0,
                                                       .n_turns = turns};
                recorder_program(recorders[random_below(seed, draw++, n)], &program, &sums[p]);
            }
            if (n > 1 && seed % 2 && draw % 64 == 0) {
                recorders_bound(recorders, n);
            }
        }
    }
    mem_free(sums);
}

char *summary_of(struct recorder *recorder)
{
    static const struct summary_tiers tiers = {.n_tiers = SUMMARY_TIERS, .names = {"a", "b", "c"}};
    struct summary_input in = {.digest = recorder_digest(recorder), .tiers = &tiers, .slo.jct = 1};
    recorder_summarise(recorder, &in.recorder);
    return summary_json(&in);
}

void assert_same_recorders(struct recorder *a, struct recorder *b)
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
