/* The parts that every event goes through: heap, random numbers, digest, tournament tree, recorder. */
#include "support/bench.h"

#include "base/digest.h"
#include "base/heap.h"
#include "base/mem.h"
#include "base/min_tree.h"
#include "base/rng.h"
#include "metrics/recorder.h"
#include "metrics/series.h"

#include <string.h>

enum { CHURN = 4096 };

/* Pops the smallest entry and pushes a later one, as a queue of timers does. */
static void churn(struct bench_state *state, uint64_t size)
{
    struct heap heap;
    heap_init(&heap);
    const struct rng_key key = {.seed = 1, .purpose = RNG_GAP};
    for (uint64_t i = 0; i < size; i++) {
        heap_push(&heap, (struct heap_entry){.key = (int64_t)(rng_u64(key, (uint32_t)i) >> 24), .tie = i});
    }
    while (bench_next(state)) {
        for (int i = 0; i < CHURN; i++) {
            struct heap_entry entry = heap_pop(&heap);
            entry.key += (int64_t)((uint64_t)entry.key * UINT64_C(6364136223846793005) >> 24);
            heap_push(&heap, entry);
        }
    }
    bench_items(state, CHURN);
    heap_fini(&heap);
}

static void base_heap_1k(struct bench_state *state)
{
    churn(state, 1000);
}
BENCH(base_heap_1k)

static void base_heap_100k(struct bench_state *state)
{
    churn(state, 100000);
}
BENCH(base_heap_100k)

static void base_rng_draw(struct bench_state *state)
{
    uint64_t sum = 0;
    struct rng_key key = {.seed = 1, .purpose = RNG_GAP};
    while (bench_next(state)) {
        for (uint32_t i = 0; i < CHURN; i++) {
            key.program = i;
            sum += rng_u64(key, i);
        }
    }
    bench_counter(state, "checksum", (double)sum);
    bench_items(state, CHURN);
}
BENCH(base_rng_draw)

static void base_digest_record(struct bench_state *state)
{
    struct digest digest = {0};
    uint64_t record[8] = {0}; /* the size of a turn in the digest */
    while (bench_next(state)) {
        for (uint64_t i = 0; i < CHURN; i++) {
            record[i & 7] = i;
            digest_add(&digest, record, sizeof record);
        }
    }
    bench_counter(state, "checksum", (double)digest.low);
    bench_items(state, CHURN);
}
BENCH(base_digest_record)

/* The first of n moves on, and the first two are read: one round of the serial engine. */
static void rounds(struct bench_state *state, uint32_t n)
{
    struct min_tree tree;
    min_tree_init(&tree, n);
    for (uint32_t i = 0; i < n; i++) {
        min_tree_set(&tree, i, (struct event_key){.time = i});
    }
    simtime sum = 0;
    uint64_t bits = 1;
    while (bench_next(state)) {
        for (int i = 0; i < CHURN; i++) {
            const uint32_t first = min_tree_first(&tree);
            sum += min_tree_second(&tree).time;
            bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
            min_tree_set(&tree, first,
                         (struct event_key){.time = min_tree_key(&tree, first).time + (simtime)(bits >> 50)});
        }
    }
    bench_counter(state, "checksum", (double)sum);
    bench_items(state, CHURN);
    min_tree_fini(&tree);
}

static void base_min_tree_8(struct bench_state *state)
{
    rounds(state, 8);
}
BENCH(base_min_tree_8)

static void base_min_tree_1024(struct bench_state *state)
{
    rounds(state, 1024);
}
BENCH(base_min_tree_1024)

/* Turns of `programs` programs of 20 turns each, side by side, and the statistics of them all. */
static void record(struct bench_state *state, uint64_t programs)
{
    enum { TURNS = 20 };
    struct recorder_summary summary = {0};
    struct program_sums *sums = mem_alloc(programs * sizeof *sums);
    while (bench_next(state)) {
        struct recorder *recorder = recorder_create(&(struct recorder_options){.program_rows = 1000});
        uint64_t bits = 1;
        memset(sums, 0, programs * sizeof *sums);
        for (uint32_t t = 0; t < TURNS; t++) {
            for (uint64_t p = 0; p < programs; p++) {
                bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
                const simtime ready = t * SIMTIME_S;
                const simtime first = ready + SIMTIME_MS + (simtime)(bits >> 24);
                const struct turn_record turn = {.program = p,
                                                 .turn = t,
                                                 .ready = ready,
                                                 .arrived = ready + SIMTIME_MS,
                                                 .first_scheduled = first,
                                                 .first_token = first + SIMTIME_MS,
                                                 .last_token = first + 2 * SIMTIME_S,
                                                 .prompt_toks = 1000,
                                                 .output_toks = 100};
                recorder_turn(recorder, &turn, &sums[p]);
                if (t + 1 == TURNS) {
                    recorder_program(recorder,
                                     &(struct program_record){
                                         .program = p, .name = "program", .end = turn.last_token, .n_turns = TURNS},
                                     &sums[p]);
                }
            }
        }
        recorder_summarise(recorder, &summary);
        recorder_destroy(recorder);
    }
    mem_free(sums);
    bench_counter(state, "p99_ttft_s", summary.ttft.p99);
    bench_items(state, (int64_t)programs * TURNS);
}

static void base_recorder_10_programs(struct bench_state *state)
{
    record(state, 10);
}
BENCH(base_recorder_10_programs)

static void base_recorder_10000_programs(struct bench_state *state)
{
    record(state, 10000);
}
BENCH(base_recorder_10000_programs)

/* The quantiles of 10^7 exact values between 0.1 s and 18 s. */
static void base_quantiles_10M_values(struct bench_state *state)
{
    struct series series;
    series_init(&series, SERIES_EXACT_LIMIT);
    uint64_t bits = 1;
    for (uint64_t i = 0; i < SERIES_EXACT_LIMIT; i++) {
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
        series_add(&series, SIMTIME_S / 10 + (simtime)(bits >> 20));
    }
    struct quantities quantities = {0};
    while (bench_next(state)) {
        quantities = series_quantities(&series);
    }
    bench_counter(state, "p99_s", quantities.p99);
    bench_items(state, (int64_t)SERIES_EXACT_LIMIT);
    series_fini(&series);
}
BENCH(base_quantiles_10M_values)
