#include "support/support.h"

#include "base/mem.h"
#include "hw/profile/curve.h"
#include "hw/profile/layer_table.h"
#include "hw/profile/profile_step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* tests/hw/profile/small: see its README for the sums by hand. Every GEMM is memory-bound on this device. */
static const struct device slow_memory = {
    .bf16_tflops = 1000, .hbm_gbs = 1, .collective = {.fitted = true, .latency_us = 30, .bandwidth_gbs = 1}};
static const struct model_shape tiny = {.name = "tiny",
                                        .hidden = 1000,
                                        .layers = 2,
                                        .heads = 10,
                                        .kv_heads = 2,
                                        .head_dim = 100,
                                        .intermediate = 4000,
                                        .vocab = 32000,
                                        .dtype_bytes = 2};

static struct kernel_model *small_model(const struct device *device, uint32_t tp)
{
    struct diag diag;
    diag_init(&diag);
    const struct step_time_options options = {.device = device,
                                              .model = &tiny,
                                              .tensor_parallel = tp,
                                              .max_num_seqs = 8,
                                              .max_num_batched_tokens = 32,
                                              .max_graph_tokens = 16,
                                              .profile_dir = test_path("hw/profile/small")};
    struct kernel_model *model = profile_model_create(&options, &diag);
    if (!model) {
        fail_msg("%s", diag.entries[0].text);
    }
    diag_fini(&diag);
    return model;
}

static double total(const double part_us[STEP_BOUNDS])
{
    double sum = 0.0;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        sum += part_us[i];
    }
    return sum;
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * (1.0 + fabs(expected)))) {
        fail_msg("%.17g instead of %.17g", value, expected);
    }
}

struct hand_case {
    struct batch_shape shape;
    double us;
};

static const struct prefill_chunk two_chunks[] = {{8, 50, 1}, {8, 100, 1}};
static const struct prefill_chunk short_second[] = {{8, 50, 1}, {4, 0, 0}};
static const struct prefill_chunk one_token[] = {{1, 13, 1}};
static const struct prefill_chunk one_token_first[] = {{1, 13, 1}, {4, 0, 0}};
static const struct prefill_chunk cheap_second[] = {{8, 50, 1}, {16, 0, 0}};
static const struct prefill_chunk unfinished[] = {{4, 0, 0}};
static const struct prefill_chunk long_chunk[] = {{40, 0, 1}};

/* 87 + 15 m for the layers, 107 + 3 s for the sampled, two layers of attention. */
static const struct hand_case hand_cases[] = {
    {{.n_decode = 2, .decode_context = 30}, 87 + 15 * 2 + 107 + 3 * 2 + 2 * 9},
    {{.n_decode = 5, .decode_context = 50}, 87 + 15 * 8 + 107 + 3 * 5 + 2 * 13},     /* graph of 8 */
    {{.n_decode = 10, .decode_context = 100}, 87 + 15 * 16 + 107 + 3 * 10 + 2 * 23}, /* more than max_num_seqs */
    /* 18 tokens: beyond the largest graph, 16; the second chunk adds 18 - 6 */
    {{.n_decode = 2, .decode_context = 20, .n_chunks = 2, .chunks = two_chunks},
     87 + 15 * 18 + 107 + 3 * 4 + 2 * (23 + 12)},
    {{.n_decode = 2, .decode_context = 20, .n_chunks = 2, .chunks = short_second}, 87 + 15 * 16 + 107 + 3 * 3 + 2 * 23},
    {{.n_chunks = 2, .chunks = two_chunks}, 87 + 15 * 16 + 107 + 3 * 2 + 2 * (13 + 12)},
    {{.n_decode = 1, .decode_context = 10, .n_chunks = 1, .chunks = one_token}, 87 + 15 * 2 + 107 + 3 * 2 + 2 * 7.8},
    {{.n_decode = 1, .decode_context = 10, .n_chunks = 2, .chunks = one_token_first},
     87 + 15 * 8 + 107 + 3 * 2 + 2 * 10.8},
    {{.n_chunks = 1, .chunks = one_token}, 87 + 15 * 1 + 107 + 3 * 1 + 2 * 5.8},
    {{.n_chunks = 1, .chunks = unfinished}, 87 + 15 * 4 + 2 * 6},
    {{.n_chunks = 1, .chunks = long_chunk}, 87 + 15 * 40 + 107 + 3}, /* more than max_num_batched_tokens */
    /* a second chunk measured below the launch adds nothing */
    {{.n_chunks = 2, .chunks = cheap_second}, 87 + 15 * 24 + 107 + 3 + 2 * 13},
};

static void prices_steps_by_hand(void **state)
{
    (void)state;
    struct kernel_model *model = small_model(&slow_memory, 1);
    for (size_t i = 0; i < sizeof hand_cases / sizeof hand_cases[0]; i++) {
        double part_us[STEP_BOUNDS];
        model->ops->cost(model, &hand_cases[i].shape, part_us);
        assert_near(total(part_us), hand_cases[i].us);
        assert_true(part_us[STEP_LINK] == 0.0 && part_us[STEP_HOST] == 0.0);
    }
    model->ops->destroy(model);
}

/* Two GPUs: 2 * 2 + 1 all-reduces of 2 bytes * 1000 * padded tokens at 1 GB/s. */
static void counts_all_reduces(void **state)
{
    (void)state;
    struct kernel_model *model = small_model(&slow_memory, 2);
    double part_us[STEP_BOUNDS];
    model->ops->cost(model, &hand_cases[1].shape, part_us);
    assert_near(part_us[STEP_LINK], 5 * (30 + 8 * 2));
    assert_near(total(part_us) - part_us[STEP_LINK], hand_cases[1].us);
    model->ops->destroy(model);
}

static void splits_time_by_bound(void **state)
{
    (void)state;
    double part_us[STEP_BOUNDS];
    struct kernel_model *model = small_model(&slow_memory, 1);
    model->ops->cost(model, &hand_cases[0].shape, part_us);
    assert_near(part_us[STEP_HBM], hand_cases[0].us);
    /* one chunk of 4 with two decodes at 10: 10 us, of lone times 6 and 7 */
    const struct batch_shape mixed = {.n_decode = 2, .decode_context = 20, .n_chunks = 1, .chunks = unfinished};
    model->ops->cost(model, &mixed, part_us);
    assert_near(part_us[STEP_COMPUTE], 2 * 10 * 6.0 / 13.0);
    model->ops->destroy(model);

    /* Fast memory: the GEMMs are 9 + m, 4 + m, 18 + 2 m, 6 + 2 m per layer and 99 + s. */
    const struct device fast_memory = {.bf16_tflops = 1, .hbm_gbs = 1e6};
    model = small_model(&fast_memory, 1);
    model->ops->cost(model, &hand_cases[0].shape, part_us);
    assert_near(part_us[STEP_COMPUTE], 2 * (11 + 6 + 22 + 10) + 101);
    assert_near(total(part_us), hand_cases[0].us);
    model->ops->destroy(model);

    /* In between: at m = 2 tokens [m, k] x [k, n] takes 2 m k n / 1 TFLOP/s = 4 k n / 1e6 us of compute and
     * about 2 k n / 450e3 us of HBM: memory-bound; the LM head has 8 rows below and compute-bound. */
    const struct device balanced = {.bf16_tflops = 1, .hbm_gbs = 450};
    model = small_model(&balanced, 1);
    const struct batch_shape eight = {.n_decode = 8, .decode_context = 80};
    model->ops->cost(model, &hand_cases[0].shape, part_us);
    assert_near(part_us[STEP_COMPUTE], 0);
    model->ops->cost(model, &eight, part_us);
    assert_near(part_us[STEP_COMPUTE], 2 * (17 + 12 + 34 + 22) + 107);
    model->ops->destroy(model);

    /* A GEMM is compute-bound when 1/m + 1/k + 1/n < bytes/us over FLOP/us = 0.1262: at m = 8 gate_up_proj (k 1000,
     * n 8000) and the LM head (n 32000), but not down_proj (k 4000, n 1000) nor those smaller. */
    const struct device narrow = {.bf16_tflops = 1, .hbm_gbs = 126.2};
    model = small_model(&narrow, 1);
    model->ops->cost(model, &eight, part_us);
    assert_near(part_us[STEP_COMPUTE], 2 * 34 + 107);
    model->ops->destroy(model);
}

/* Decode-only costs are linear between knots, so that a row of pieces is the interpolation itself. */
static void knots_bound_linear_pieces(void **state)
{
    (void)state;
    struct kernel_model *model = small_model(&slow_memory, 1);
    const double *knots;
    assert_int_equal(model->ops->decode_knots(model, 2, &knots), 4);
    for (int k = 1; k < 4; k++) {
        double cost[3];
        for (int i = 0; i < 3; i++) {
            const struct batch_shape shape = {.n_decode = 2,
                                              .decode_context = (uint64_t)(knots[k - 1] * (2 - i) + knots[k] * i)};
            double part_us[STEP_BOUNDS];
            model->ops->cost(model, &shape, part_us);
            cost[i] = total(part_us);
        }
        assert_near(cost[1], (cost[0] + cost[2]) / 2);
    }
    model->ops->destroy(model);
}

/* ---- errors of a folder ---- */

struct folder {
    char path[64];
};

static void write_file(const struct folder *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/tp1/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_folder(const struct folder *folder)
{
    static const char *const names[] = {"/tp1/dense.csv", "/tp1/per_sequence.csv", "/tp1/attention.csv", "/tp1", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", folder->path, names[i]);
        remove(path);
    }
}

static void assert_errors(const struct folder *folder, const struct model_shape *shape, size_t n,
                          const char *const ends[])
{
    struct diag diag;
    diag_init(&diag);
    const struct step_time_options options = {.device = &slow_memory,
                                              .model = shape,
                                              .tensor_parallel = 1,
                                              .max_num_seqs = 8,
                                              .max_num_batched_tokens = 32,
                                              .max_graph_tokens = 16,
                                              .profile_dir = folder->path};
    assert_null(profile_model_create(&options, &diag));
    assert_int_equal(diag.n_errors, n);
    for (size_t i = 0; i < n; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "%s/tp1/%s", folder->path, ends[i]);
        assert_string_equal(diag.entries[i].text, expected);
    }
    diag_fini(&diag);
}

static void reports_errors_of_all_files(void **state)
{
    (void)state;
    struct folder folder = {"/tmp/asim-profile-XXXXXX"};
    assert_non_null(mkdtemp(folder.path));
    char tp1[128];
    snprintf(tp1, sizeof tp1, "%s/tp1", folder.path);
    assert_int_equal(mkdir(tp1, 0777), 0);
    write_file(&folder, "dense.csv",
               "layer,tokens,time_us\nembedding,1,1\nlayernorm,1,1\nqk_norm,1,1\nrotary_emb,1,1\no_proj,1,1\n"
               "gate_up_proj,1,1\nact_fn,1,1\nfinal_layernorm,1,1\ndown_proj,1,1\n");
    write_file(&folder, "per_sequence.csv", "layer,sequences,time_us\nlm_head,1,1\n");
    write_file(&folder, "attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,1,1\n");
    static const char *const layers[] = {"dense.csv: no rows of layer `qkv_proj`, which model `tiny` has",
                                         "dense.csv: rows of layer `qk_norm`, which model `tiny` does not have",
                                         "per_sequence.csv: no rows of layer `sampler`",
                                         "attention.csv: no rows with prefill_chunk > 0"};
    assert_errors(&folder, &tiny, 4, layers);
    struct model_shape normed = tiny;
    normed.qk_norm = true;
    static const char *const normed_layers[] = {"dense.csv: no rows of layer `qkv_proj`, which model `tiny` has",
                                                "per_sequence.csv: no rows of layer `sampler`",
                                                "attention.csv: no rows with prefill_chunk > 0"};
    assert_errors(&folder, &normed, 3, normed_layers);
    remove_folder(&folder);
}

static void assert_finding(const struct step_time_options *options, bool loads, const char *expected)
{
    struct diag diag;
    diag_init(&diag);
    struct kernel_model *model = profile_model_create(options, &diag);
    assert_int_equal(model != NULL, loads);
    assert_int_equal(diag.n_entries, expected != NULL);
    if (expected) {
        assert_int_equal(diag.entries[0].is_warning, loads);
        assert_string_equal(diag.entries[0].text, expected);
    }
    if (model) {
        model->ops->destroy(model);
    }
    diag_fini(&diag);
}

/* A wrong folder, a number of GPUs that was not measured or does not fit, a model that was not measured. */
static void reports_a_profile_that_does_not_fit(void **state)
{
    (void)state;
    static char expected[2][512];
    struct folder folder = {"/tmp/asim-profile-XXXXXX"};
    assert_non_null(mkdtemp(folder.path));
    struct step_time_options options = {.device = &slow_memory,
                                        .model = &tiny,
                                        .tensor_parallel = 2,
                                        .max_num_seqs = 8,
                                        .max_num_batched_tokens = 32,
                                        .profile_dir = folder.path};
    snprintf(expected[0], sizeof expected[0],
             "%s: no folder tp2, which tensor parallel size 2 needs; there is no tp1, tp2, .. at all", folder.path);
    assert_finding(&options, false, expected[0]);
    remove_folder(&folder);
    snprintf(expected[0], sizeof expected[0], "%s: no such profile folder", folder.path);
    assert_finding(&options, false, expected[0]);

    options.profile_dir = test_path("hw/profile/small");
    options.tensor_parallel = 10;
    struct model_shape many_kv_heads = tiny;
    many_kv_heads.kv_heads = 10;
    options.model = &many_kv_heads;
    snprintf(expected[0], sizeof expected[0],
             "%s: no folder tp10, which tensor parallel size 10 needs; there is tp1, tp2", options.profile_dir);
    assert_finding(&options, false, expected[0]);
    options.tensor_parallel = 3;
    struct model_shape twelve = tiny;
    twelve.intermediate = 3 * 4000;
    twelve.kv_heads = 1;
    options.model = &twelve;
    assert_finding(&options, false, "tensor parallel size 3 must divide the 10 attention heads of tiny");

    /* 64 MB in the 102 us of one sequence, to be off by less than 1.3 up and 0.4 down */
    struct device device = {.name = "gpu", .bf16_tflops = 1000};
    options.model = &tiny;
    options.tensor_parallel = 1;
    options.device = &device;
    device.hbm_gbs = 630 / 1.25;
    assert_finding(&options, true, NULL);
    device.hbm_gbs = 640 / 1.35;
    snprintf(expected[0], sizeof expected[0],
             "%s: lm_head of `tiny` on 1 GPUs would read its weights at 640 GB/s, where `gpu` has 474: is this the "
             "profile of another model or GPU?",
             options.profile_dir);
    assert_finding(&options, true, expected[0]);
    device.hbm_gbs = 630 / 0.45;
    assert_finding(&options, true, NULL);
    device.hbm_gbs = 640 / 0.35;
    snprintf(expected[1], sizeof expected[1],
             "%s: lm_head of `tiny` on 1 GPUs would read its weights at 640 GB/s, where `gpu` has 1829: is this the "
             "profile of another model or GPU?",
             options.profile_dir);
    assert_finding(&options, true, expected[1]);
}

/* ---- measured profiles ---- */

static void check_layers(const char *folder, const char *name, const struct profile_csv_format *format, int n_layers)
{
    struct diag diag;
    diag_init(&diag);
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct profile_csv csv;
    assert_int_equal(profile_csv_read(path, format, &csv, &diag), ASIM_OK);
    struct arena arena;
    arena_init(&arena);
    struct curve curves[N_DENSE_LAYERS] = {{0}};
    layer_table_build(&csv, &arena, curves);
    size_t points = 0;
    for (int i = 0; i < n_layers; i++) {
        points += curves[i].n;
    }
    assert_int_equal(points, csv.n_rows);
    for (size_t i = 0; i < csv.n_rows; i++) {
        assert_near(curve_at(&curves[csv.rows[i].layer], csv.rows[i].key[0]), csv.rows[i].time_us);
    }
    arena_fini(&arena);
    profile_csv_fini(&csv);
    diag_fini(&diag);
}

static void reproduces_measured_layers(void **state)
{
    (void)state;
    static const char *const folders[] = {
        "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16/tp1", "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16/tp2",
        "profiles/RTXPRO6000/Qwen/Qwen3-32B/bf16/tp1", "profiles/RTXPRO6000/Qwen/Qwen3-32B/bf16/tp2"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        const char *folder = data_path(folders[i]);
        if (!folder) {
            skip();
        }
        check_layers(folder, "dense.csv", &dense_csv_format, N_DENSE_LAYERS);
        check_layers(folder, "per_sequence.csv", &sequence_csv_format, N_SEQUENCE_LAYERS);
    }
}

/* Qwen3-32B on two GPUs, 64 sequences at 2,048 tokens each and 16 of a new prompt behind 512 cached: the sum of the
 * rows of the files, taken from them by hand. */
static void prices_a_measured_step(void **state)
{
    (void)state;
    const char *folder = data_path("profiles/RTXPRO6000/Qwen/Qwen3-32B/bf16");
    if (!folder) {
        skip();
    }
    static const struct device rtx = {
        .bf16_tflops = 468, .hbm_gbs = 1597, .collective = {.fitted = true, .latency_us = 30, .bandwidth_gbs = 16}};
    static const struct model_shape qwen = {.name = "Qwen3-32B",
                                            .hidden = 5120,
                                            .layers = 64,
                                            .heads = 64,
                                            .kv_heads = 8,
                                            .head_dim = 128,
                                            .intermediate = 25600,
                                            .vocab = 151936,
                                            .dtype_bytes = 2,
                                            .qk_norm = true};
    const struct step_time_options options = {.device = &rtx,
                                              .model = &qwen,
                                              .tensor_parallel = 2,
                                              .max_num_seqs = 128,
                                              .max_num_batched_tokens = 2048,
                                              .max_graph_tokens = 256,
                                              .profile_dir = folder};
    struct diag diag;
    diag_init(&diag);
    struct kernel_model *model = profile_model_create(&options, &diag);
    assert_non_null(model);
    const struct prefill_chunk chunk = {.tokens = 16, .context = 512, .sampled = 0};
    const struct batch_shape shape = {.n_decode = 64, .decode_context = 64 * 2048, .n_chunks = 1, .chunks = &chunk};
    double part_us[STEP_BOUNDS];
    model->ops->cost(model, &shape, part_us);
    const double layernorm = 3.04533, attention = 545.006;
    const double layer = 43.744 + 3.6 + 2.869 + 36.2133 + 201.803 + 3.02967 + 101.344;
    const double once = 3.06167 + 3.27433 + 588.503 + 39.2317;
    assert_near(part_us[STEP_LINK], 129 * (30 + 80 * 5120 * 2 / 16e3));
    assert_near(total(part_us), 64 * (2 * layernorm + layer + attention) + once + 129 * (30 + 80 * 5120 * 2 / 16e3));
    model->ops->destroy(model);
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_steps_by_hand),        cmocka_unit_test(counts_all_reduces),
        cmocka_unit_test(splits_time_by_bound),        cmocka_unit_test(knots_bound_linear_pieces),
        cmocka_unit_test(reports_errors_of_all_files), cmocka_unit_test(reports_a_profile_that_does_not_fit),
        cmocka_unit_test(reproduces_measured_layers),  cmocka_unit_test(prices_a_measured_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
