#include "support/bench.h"

#include "hw/device.h"
#include "hw/step_time.h"
#include "hw/tile/gemm.h"

#include <assert.h>
#include <stdlib.h>

struct setup {
    struct device device;
    struct model_shape model;
    struct step_time_options options;
};

static void load(struct setup *setup)
{
    struct diag diag;
    diag_init(&diag);
    if (device_load("h100-sxm", &setup->device, &diag) != ASIM_OK ||
        model_load("llama-3.1-8b", &setup->model, &diag) != ASIM_OK) {
        abort();
    }
    setup->options = (struct step_time_options){.device = &setup->device,
                                                .model = &setup->model,
                                                .tensor_parallel = 1,
                                                .max_num_seqs = 256,
                                                .max_num_batched_tokens = 8192,
                                                .max_graph_tokens = 512};
    diag_fini(&diag);
}

static struct step_time *create(struct setup *setup)
{
    struct diag diag;
    diag_init(&diag);
    load(setup);
    struct step_time *steps = step_time_create(&setup->options, &diag);
    if (!steps) {
        abort();
    }
    diag_fini(&diag);
    return steps;
}

enum { LOOKUPS = 4096 };

/* Pieces of rows already built, in an unpredictable order of batches and contexts. */
static void step_time_decode_lookup(struct bench_state *state)
{
    struct setup setup;
    struct step_time *steps = create(&setup);
    static uint32_t sequences[LOOKUPS];
    static uint64_t contexts[LOOKUPS];
    uint64_t bits = 1;
    for (int i = 0; i < LOOKUPS; i++) {
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
        sequences[i] = 1 + (uint32_t)(bits >> 40) % 256;
        contexts[i] = (uint64_t)sequences[i] * ((bits >> 20) % 100000);
        step_time_decode(steps, sequences[i], contexts[i]);
    }
    simtime sum = 0;
    while (bench_next(state)) {
        for (int i = 0; i < LOOKUPS; i++) {
            sum += step_time_decode(steps, sequences[i], contexts[i])->base;
        }
    }
    bench_counter(state, "checksum", (double)sum);
    bench_items(state, LOOKUPS);
    step_time_destroy(steps);
}
BENCH(step_time_decode_lookup)

/* One engine that decodes on and on. */
static void step_time_decode_steady(struct bench_state *state)
{
    struct setup setup;
    struct step_time *steps = create(&setup);
    simtime sum = 0;
    while (bench_next(state)) {
        uint64_t context = 64 * 1000;
        for (int i = 0; i < LOOKUPS; i++, context += 64) {
            const struct decode_piece *piece = step_time_decode(steps, 64, context);
            sum += piece->base + piece->slope * (simtime)(context - piece->from);
        }
    }
    bench_counter(state, "checksum", (double)sum);
    bench_items(state, LOOKUPS);
    step_time_destroy(steps);
}
BENCH(step_time_decode_steady)

static void step_time_build_rows(struct bench_state *state)
{
    struct setup setup;
    load(&setup);
    while (bench_next(state)) {
        struct diag diag;
        diag_init(&diag);
        struct step_time *steps = step_time_create(&setup.options, &diag);
        for (uint32_t n = 1; n <= 256; n++) {
            step_time_decode(steps, n, 0);
        }
        step_time_destroy(steps);
        diag_fini(&diag);
    }
    bench_items(state, 256);
}
BENCH(step_time_build_rows)

/* Batches with one chunk, their token counts seen before. */
static void step_time_mixed_batch(struct bench_state *state)
{
    struct setup setup;
    struct step_time *steps = create(&setup);
    simtime sum = 0;
    while (bench_next(state)) {
        for (uint32_t i = 0; i < LOOKUPS; i++) {
            const struct prefill_chunk chunk = {.tokens = 1 + i * 37 % 2000, .context = i * 11, .sampled = 1};
            const struct batch_shape shape = {
                .n_decode = i % 128, .decode_context = i % 128 * 3000, .n_chunks = 1, .chunks = &chunk};
            sum += step_time_batch(steps, &shape).total;
        }
    }
    bench_counter(state, "checksum", (double)sum);
    bench_items(state, LOOKUPS);
    step_time_destroy(steps);
}
BENCH(step_time_mixed_batch)

static void gemm_cost_evaluation(struct bench_state *state)
{
    struct setup setup;
    struct gemm_model model;
    load(&setup);
    gemm_init(&model, &setup.device, 2);
    double sum = 0.0;
    while (bench_next(state)) {
        for (uint32_t m = 1; m <= 4096; m += 13) {
            sum += gemm_cost(&model, m, 6144, 4096).us;
        }
    }
    bench_counter(state, "checksum", sum);
    bench_items(state, 4096 / 13 + 1);
}
BENCH(gemm_cost_evaluation)
