/* Time of one evaluation of the profile model: what a step costs the simulator before step_time.c caches it. */
#include "support/bench.h"

#include "hw/kernel_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct device device = {.bf16_tflops = 468, .hbm_gbs = 1597};
static const struct model_shape llama = {.name = "Llama-3.1-8B",
                                         .hidden = 4096,
                                         .layers = 32,
                                         .heads = 32,
                                         .kv_heads = 8,
                                         .head_dim = 128,
                                         .intermediate = 14336,
                                         .vocab = 128256,
                                         .dtype_bytes = 2};

/* NULL where the recorded profiles are absent (ASIM_DATA_DIR, else ../shared/data beside the source folder). */
static struct kernel_model *load(void)
{
    static const char below[] = "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16";
    const char *folder = getenv("ASIM_DATA_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder ? folder : ASIM_SOURCE_FOLDER "/../shared/data", below);
    const struct step_time_options options = {.device = &device,
                                              .model = &llama,
                                              .tensor_parallel = 1,
                                              .max_num_seqs = 256,
                                              .max_num_batched_tokens = 8192,
                                              .max_graph_tokens = 512,
                                              .profile_dir = path};
    struct diag diag;
    diag_init(&diag);
    struct kernel_model *model = access(path, R_OK) == 0 ? profile_model_create(&options, &diag) : NULL;
    diag_fini(&diag);
    return model;
}

static void evaluate(struct bench_state *state, uint32_t n_chunks)
{
    struct kernel_model *model = load();
    struct prefill_chunk chunks[4];
    uint32_t i = 0;
    double sum = 0.0;
    while (bench_next(state)) {
        if (!model) {
            continue;
        }
        const uint32_t n_decode = 1 + i * 37 % 200;
        for (uint32_t k = 0; k < n_chunks; k++) {
            chunks[k] = (struct prefill_chunk){.tokens = 17 + (i * 101 + k) % 1500, .context = i * 57 % 9000};
        }
        const struct batch_shape shape = {.n_decode = n_decode,
                                          .decode_context = n_decode * (uint64_t)(i * 29 % 12000 + 1),
                                          .n_chunks = n_chunks,
                                          .chunks = chunks};
        double part_us[STEP_BOUNDS];
        model->ops->cost(model, &shape, part_us);
        sum += part_us[STEP_HBM];
        i++;
    }
    bench_items(state, model ? 1 : 0);
    bench_counter(state, "mean_hbm_us", model && i > 0 ? sum / i : 0.0);
    if (model) {
        model->ops->destroy(model);
    }
}

static void profile_cost_decode(struct bench_state *state)
{
    evaluate(state, 0);
}
BENCH(profile_cost_decode)

static void profile_cost_mixed(struct bench_state *state)
{
    evaluate(state, 1);
}
BENCH(profile_cost_mixed)

static void profile_cost_mixed_4_chunks(struct bench_state *state)
{
    evaluate(state, 4);
}
BENCH(profile_cost_mixed_4_chunks)

static void profile_load(struct bench_state *state)
{
    while (bench_next(state)) {
        struct kernel_model *model = load();
        if (model) {
            model->ops->destroy(model);
        }
    }
}
BENCH(profile_load)
