#include "support/support.h"

#include "base/mem.h"
#include "hw/device.h"
#include "hw/measured.h"
#include "hw/step_time.h"

/* A measured layer: times at ascending counts. */
struct curve {
    double at[160], us[160];
    int n;
};

static void curve_load(struct curve *curve, const char *path, const char *layer, const char *count)
{
    struct measured table;
    curve->n = 0;
    assert_true(measured_open(&table, path));
    while (measured_next(&table)) {
        if (measured_is(&table, "layer", layer)) {
            assert_true(curve->n < 160);
            curve->at[curve->n] = measured_number(&table, count);
            curve->us[curve->n++] = measured_number(&table, "time_us");
        }
    }
    measured_close(&table);
}

static double curve_at(const struct curve *curve, double x)
{
    int i = 0;
    while (i + 2 < curve->n && curve->at[i + 1] < x) {
        i++;
    }
    const double share = (x - curve->at[i]) / (curve->at[i + 1] - curve->at[i]);
    return curve->us[i] + share * (curve->us[i + 1] - curve->us[i]);
}

/* The measured kernels of a step, summed. */
struct profile {
    struct curve per_layer[9], once[2], per_sequence[2];
    int n_per_layer;
    const char *attention;
};

static bool profile_load(struct profile *profile, const char *folder, bool qk_norm)
{
    static const char *const layers[] = {"layernorm", "layernorm", "qkv_proj",     "rotary_emb", "o_proj",
                                         "act_fn",    "down_proj", "gate_up_proj", "qk_norm"};
    char path[256];
    snprintf(path, sizeof path, "%s/dense.csv", folder);
    const char *dense = data_path(path);
    if (!dense) {
        return false;
    }
    profile->n_per_layer = qk_norm ? 9 : 8;
    for (int i = 0; i < profile->n_per_layer; i++) {
        curve_load(&profile->per_layer[i], dense, layers[i], "tokens");
    }
    curve_load(&profile->once[0], dense, "embedding", "tokens");
    curve_load(&profile->once[1], dense, "final_layernorm", "tokens");
    snprintf(path, sizeof path, "%s/per_sequence.csv", folder);
    const char *per_sequence = data_path(path);
    curve_load(&profile->per_sequence[0], per_sequence, "lm_head", "sequences");
    curve_load(&profile->per_sequence[1], per_sequence, "sampler", "sequences");
    return true;
}

static double profile_us(const struct profile *profile, double layers, double tokens, double sequences,
                         double attention_us)
{
    double layer = attention_us;
    for (int i = 0; i < profile->n_per_layer; i++) {
        layer += curve_at(&profile->per_layer[i], tokens);
    }
    return layers * layer + curve_at(&profile->once[0], tokens) + curve_at(&profile->once[1], tokens) +
           curve_at(&profile->per_sequence[0], sequences) + curve_at(&profile->per_sequence[1], sequences);
}

/* Whole steps against the sums of measured kernels over the whole grid of a serving profile. The profile has no
 * all-reduce. */
static void check_model(const char *name, const char *folder, uint32_t tp, const double limits[3])
{
    static struct profile profile;
    struct diag diag;
    struct device device;
    struct model_shape model;
    diag_init(&diag);
    assert_int_equal(device_load("rtx-pro-6000", &device, &diag), ASIM_OK);
    assert_int_equal(model_load(name, &model, &diag), ASIM_OK);
    if (!profile_load(&profile, folder, model.qk_norm)) {
        skip();
    }
    device.collective = (struct collective_constants){.fitted = true, .latency_us = 0, .bandwidth_gbs = 1e9};
    const struct step_time_options options = {
        .device = &device, .model = &model, .tensor_parallel = tp, .max_num_seqs = 256, .max_num_batched_tokens = 4096};
    struct step_time *steps = step_time_create(&options, &diag);
    char path[256];
    snprintf(path, sizeof path, "%s/attention.csv", folder);
    struct measured table;
    struct accuracy by_kind[3] = {0};
    assert_true(measured_open(&table, data_path(path)));
    while (measured_next(&table)) {
        const struct prefill_chunk chunk = {.tokens = (uint32_t)measured_number(&table, "prefill_chunk"),
                                            .context = (uint32_t)measured_number(&table, "kv_prefill"),
                                            .sampled = 1};
        const double n = measured_number(&table, "n_decode");
        const struct batch_shape shape = {.n_decode = (uint32_t)n,
                                          .decode_context = (uint64_t)(n * measured_number(&table, "kv_decode")),
                                          .n_chunks = chunk.tokens > 0,
                                          .chunks = &chunk};
        const double us = profile_us(&profile, model.layers, n + chunk.tokens, n + shape.n_chunks,
                                     measured_number(&table, "time_us"));
        const int kind = n == 0 ? 1 : shape.n_chunks == 0 ? 0 : 2;
        accuracy_add(&by_kind[kind], (double)step_time_batch(steps, &shape).total / (double)SIMTIME_US, us);
    }
    measured_close(&table);
    static const char *const kinds[] = {"decode-only", "prefill-only", "mixed"};
    for (int kind = 0; kind < 3; kind++) {
        char what[80];
        snprintf(what, sizeof what, "%s tp%u steps, %s", name, tp, kinds[kind]);
        accuracy_check(&by_kind[kind], what, 150, limits[kind]);
    }
    step_time_destroy(steps);
    diag_fini(&diag);
}

static void llama_8b(void **state)
{
    (void)state;
    check_model("llama-3.1-8b", "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16/tp1", 1,
                (const double[]){0.03, 0.03, 0.07});
    check_model("llama-3.1-8b", "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16/tp2", 2,
                (const double[]){0.04, 0.04, 0.075});
}

/* No attention constant was fitted to this model. */
static void qwen3_32b(void **state)
{
    (void)state;
    check_model("qwen3-32b", "profiles/RTXPRO6000/Qwen/Qwen3-32B/bf16/tp1", 1, (const double[]){0.045, 0.06, 0.075});
    check_model("qwen3-32b", "profiles/RTXPRO6000/Qwen/Qwen3-32B/bf16/tp2", 2, (const double[]){0.045, 0.06, 0.075});
}

/* Every step of a reviewed table, so that a change of any constant or formula shows: device, model, tp, decodes, their
 * summed context, chunk tokens (0: none), chunk context -> us: total, compute, HBM, link.
 * ASIM_WRITE_EXPECTED=1 writes the table instead. */
static void golden(void **state)
{
    (void)state;
    static const char *const models[][2] = {{"llama-3.1-8b", "1"}, {"llama-3.1-70b", "4"}, {"qwen3-32b", "2"}};
    static const uint64_t shapes[][4] = {{1, 128, 0, 0},          {1, 100000, 0, 0},       {64, 64000, 0, 0},
                                         {200, 1000000, 0, 0},    {0, 0, 2048, 0},         {0, 0, 8192, 32768},
                                         {8, 400000, 100, 50000}, {128, 256000, 512, 4096}};
    char got[1 << 14] = "";
    static char expected[1 << 14];
    size_t used = 0;
    struct diag diag;
    diag_init(&diag);
    for (const char *const *name = device_names(); *name; name++) {
        for (int m = 0; m < 3; m++) {
            struct device device;
            struct model_shape model;
            assert_int_equal(device_load(*name, &device, &diag), ASIM_OK);
            assert_int_equal(model_load(models[m][0], &model, &diag), ASIM_OK);
            const struct step_time_options options = {.device = &device,
                                                      .model = &model,
                                                      .tensor_parallel = (uint32_t)atoi(models[m][1]),
                                                      .max_num_seqs = 256,
                                                      .max_num_batched_tokens = 8192};
            struct step_time *steps = step_time_create(&options, &diag);
            for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
                const struct prefill_chunk chunk = {
                    .tokens = (uint32_t)shapes[i][2], .context = (uint32_t)shapes[i][3], .sampled = 1};
                const struct batch_shape shape = {.n_decode = (uint32_t)shapes[i][0],
                                                  .decode_context = shapes[i][1],
                                                  .n_chunks = chunk.tokens > 0,
                                                  .chunks = &chunk};
                const struct step_cost cost = step_time_batch(steps, &shape);
                const double us = (double)SIMTIME_US;
                used += (size_t)snprintf(
                    got + used, sizeof got - used, "%-12s %-13s %s %4u %8u %5u %6u %13.3f %13.3f %13.3f %13.3f\n",
                    *name, models[m][0], models[m][1], shape.n_decode, (unsigned)shape.decode_context, chunk.tokens,
                    chunk.context, (double)cost.total / us, (double)cost.part[STEP_COMPUTE] / us,
                    (double)cost.part[STEP_HBM] / us, (double)cost.part[STEP_LINK] / us);
                assert_true(used < sizeof got);
            }
            step_time_destroy(steps);
        }
    }
    diag_fini(&diag);
    const char *path = test_path("hw/tile/golden_steps.txt");
    FILE *file = fopen(path, getenv("ASIM_WRITE_EXPECTED") ? "w+b" : "rb");
    assert_non_null(file);
    if (getenv("ASIM_WRITE_EXPECTED")) {
        fputs(got, file);
        rewind(file);
    }
    const size_t n = fread(expected, 1, sizeof expected - 1, file);
    expected[n] = '\0';
    fclose(file);
    assert_string_equal(got, expected);
}

/* Tensor parallelism cuts the work and adds collectives; one GPU has none. */
static void tensor_parallel(void **state)
{
    (void)state;
    struct diag diag;
    struct device device;
    struct model_shape model;
    diag_init(&diag);
    assert_int_equal(device_load("h100-sxm", &device, &diag), ASIM_OK);
    assert_int_equal(model_load("llama-3.1-70b", &model, &diag), ASIM_OK);
    const struct prefill_chunk chunk = {.tokens = 4096, .sampled = 1};
    const struct batch_shape shapes[] = {{.n_chunks = 1, .chunks = &chunk}, {.n_decode = 32, .decode_context = 64000}};
    struct step_cost last[2] = {{.total = INT64_MAX}, {.total = INT64_MAX}};
    for (uint32_t tp = 1; tp <= 8; tp *= 2) {
        const struct step_time_options options = {.device = &device,
                                                  .model = &model,
                                                  .tensor_parallel = tp,
                                                  .max_num_seqs = 64,
                                                  .max_num_batched_tokens = 16};
        struct step_time *steps = step_time_create(&options, &diag);
        for (int i = 0; i < 2; i++) {
            const struct step_cost cost = step_time_batch(steps, &shapes[i]);
            assert_true(cost.total < last[i].total && (double)cost.total > 0.5 * (double)last[i].total * (tp > 1));
            assert_true((cost.part[STEP_LINK] > 0) == (tp > 1));
            last[i] = cost;
        }
        step_time_destroy(steps);
    }
    diag_fini(&diag);
}

/* A chunk that does not end its prompt samples nothing and saves the LM head. */
static void unsampled_chunk(void **state)
{
    (void)state;
    struct diag diag;
    struct device device;
    struct model_shape model;
    diag_init(&diag);
    assert_int_equal(device_load("h100-sxm", &device, &diag), ASIM_OK);
    assert_int_equal(model_load("llama-3.1-8b", &model, &diag), ASIM_OK);
    const struct step_time_options options = {
        .device = &device, .model = &model, .tensor_parallel = 1, .max_num_seqs = 64, .max_num_batched_tokens = 4096};
    struct step_time *steps = step_time_create(&options, &diag);
    struct prefill_chunk chunk = {.tokens = 1000, .sampled = 1};
    const struct batch_shape shape = {.n_chunks = 1, .chunks = &chunk};
    const simtime sampled = step_time_batch(steps, &shape).total;
    chunk.sampled = 0;
    const double saved = (double)(sampled - step_time_batch(steps, &shape).total) / (double)SIMTIME_US;
    const double read_head = 2.0 * 128256 * 4096 / (device.hbm_gbs * 1e3);
    assert_true(saved > read_head && saved < 2.0 * read_head);
    step_time_destroy(steps);
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama_8b),        cmocka_unit_test(qwen3_32b),       cmocka_unit_test(golden),
        cmocka_unit_test(tensor_parallel), cmocka_unit_test(unsampled_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
