#include "support/support.h"

#include "hw/config_file.h"
#include "hw/device.h"

#include <string.h>

static struct device device_of(const char *name)
{
    struct diag diag;
    struct device device;
    diag_init(&diag);
    assert_int_equal(device_load(name, &device, &diag), ASIM_OK);
    diag_fini(&diag);
    return device;
}

static struct model_shape model_of(const char *name)
{
    struct diag diag;
    struct model_shape model;
    diag_init(&diag);
    assert_int_equal(model_load(name, &model, &diag), ASIM_OK);
    diag_fini(&diag);
    return model;
}

static void every_built_in_loads(void **state)
{
    (void)state;
    int n = 0;
    for (const char *const *name = device_names(); *name; name++, n++) {
        const struct device device = device_of(*name);
        assert_string_equal(device.name, *name);
        assert_true(n == 0 || strcmp(name[-1], *name) < 0);
    }
    assert_int_equal(n, 6);
    n = 0;
    for (const char *const *name = model_names(); *name; name++, n++) {
        const struct model_shape model = model_of(*name);
        assert_string_equal(model.name, *name);
    }
    assert_int_equal(n, 3);
    assert_true(device_of("a100-sxm").small_defaults && device_of("l40s").small_defaults);
    assert_false(device_of("h100-sxm").small_defaults);
}

static void unknown_names(void **state)
{
    (void)state;
    struct diag diag;
    struct device device;
    struct model_shape model;
    diag_init(&diag);
    assert_int_equal(device_load("h100-sxn", &device, &diag), ASIM_USAGE);
    assert_string_equal(diag.entries[0].text,
                        "unknown device 'h100-sxn'; did you mean 'h100-sxm'?; built in: a100-sxm, b200-sxm, h100-sxm, "
                        "h200, l40s, rtx-pro-6000; a path must contain '/'");
    assert_int_equal(model_load("nothing-like-it", &model, &diag), ASIM_USAGE);
    assert_string_equal(diag.entries[1].text, "unknown model 'nothing-like-it'; built in: llama-3.1-70b, llama-3.1-8b, "
                                              "qwen3-32b; a path must contain '/'");
    assert_int_equal(model_load("./no/such.json", &model, &diag), ASIM_USAGE);
    assert_string_equal(diag.entries[2].text, "./no/such.json: cannot open the model file: No such file or directory");
    assert_int_equal(device_load("/tmp", &device, &diag), ASIM_USAGE);
    assert_string_equal(diag.entries[3].text, "/tmp: cannot read the device file: Is a directory");
    diag_fini(&diag);
}

static void stems(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a/b/h100.yaml", "h100"},         {"h100.yaml", "h100"},      {"./Llama-3.1-8B/config.json", "Llama-3.1-8B"},
        {"config.json", "config"},         {"/config.json", "config"}, {"x/.hidden", ".hidden"},
        {"models/llama-3.1", "llama-3.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char stem[32];
        config_stem(cases[i][0], stem, sizeof stem);
        assert_string_equal(stem, cases[i][1]);
    }
    char cut[4];
    config_stem("a/longer.yaml", cut, sizeof cut);
    assert_string_equal(cut, "lon");
}

/* Published parameter counts: 8.03, 70.55 and 32.76 billion, two bytes each. */
static void weights(void **state)
{
    (void)state;
    struct model_shape model = model_of("llama-3.1-8b");
    assert_int_equal(model_weight_bytes(&model, 1), UINT64_C(2) * 8030261248);
    model.tied_embeddings = true;
    assert_int_equal(model_weight_bytes(&model, 1), UINT64_C(2) * (8030261248 - 128256 * 4096));
    model.qkv_bias = true;
    assert_int_equal(model_weight_bytes(&model, 1),
                     UINT64_C(2) * (8030261248 - 128256 * 4096 + 32 * (4096 + 2 * 1024)));
    model = model_of("llama-3.1-70b");
    assert_int_equal(model_weight_bytes(&model, 1), UINT64_C(2) * 70553706496);
    const uint64_t norms = 2 * (UINT64_C(2) * 80 + 1) * 8192;
    assert_int_equal(8 * (model_weight_bytes(&model, 8) - norms) + norms, UINT64_C(2) * 70553706496);
    model = model_of("qwen3-32b");
    assert_int_equal(model_weight_bytes(&model, 1), UINT64_C(2) * 32762123264);
}

static void kv_bytes(void **state)
{
    (void)state;
    const struct model_shape model = model_of("llama-3.1-70b");
    assert_int_equal(model_kv_bytes_per_token(&model, 1), 2 * 80 * 8 * 128 * 2);
    assert_int_equal(model_kv_bytes_per_token(&model, 4), 2 * 80 * 2 * 128 * 2);
    assert_int_equal(model_kv_bytes_per_token(&model, 16), 2 * 80 * 1 * 128 * 2); /* replicated */
}

static void tensor_parallel(void **state)
{
    (void)state;
    struct model_shape model = model_of("qwen3-32b");
    struct diag diag;
    diag_init(&diag);
    for (uint32_t tp = 1; tp <= 64; tp *= 2) {
        assert_int_equal(model_check_tensor_parallel(&model, tp, &diag), ASIM_OK);
    }
    assert_int_equal(model_check_tensor_parallel(&model, 3, &diag), ASIM_USAGE);
    assert_int_equal(diag.n_errors, 3);
    assert_string_equal(diag.entries[0].text, "tensor parallel size 3 must divide the 64 attention heads of qwen3-32b");
    assert_string_equal(diag.entries[1].text,
                        "tensor parallel size 3 must divide or be a multiple of the 8 KV heads of qwen3-32b");
    assert_string_equal(diag.entries[2].text,
                        "tensor parallel size 3 must divide the intermediate size 25600 of qwen3-32b");
    assert_int_equal(model_check_tensor_parallel(&model, 0, &diag), ASIM_USAGE);
    const struct device device = device_of("h100-sxm");
    const struct step_time_options options = {
        .device = &device, .model = &model, .tensor_parallel = 6, .max_num_seqs = 1, .max_num_batched_tokens = 1};
    assert_null(step_time_create(&options, &diag));
    assert_true(diag.n_errors > 4);
    diag_fini(&diag);
}

/* vLLM reports about 445,000 KV tokens for Llama-3.1-8B on an 80 GB H100 at 0.9 and 8,192 batched tokens. */
static void memory(void **state)
{
    (void)state;
    const struct device device = device_of("h100-sxm");
    struct model_shape model = model_of("llama-3.1-8b");
    const struct memory_fit fit = memory_fit(&device, &model, 1, 0.9, 16, 8192);
    assert_in_range(fit.kv_tokens, 430000, 460000);
    assert_int_equal(fit.block_bytes, 16 * 131072);
    assert_int_equal(fit.kv_bytes, fit.n_blocks * fit.block_bytes);
    assert_int_equal(fit.kv_tokens, fit.n_blocks * 16);
    assert_int_equal(fit.weight_bytes, model_weight_bytes(&model, 1));
    const uint64_t budget = (uint64_t)(0.9 * (double)device.memory_bytes);
    const uint64_t taken = fit.weight_bytes + fit.activation_bytes + MEMORY_FIT_FIXED_BYTES + fit.kv_bytes;
    assert_true(taken <= budget && budget - taken < fit.block_bytes);
    assert_true(memory_fit(&device, &model, 1, 0.9, 16, 16384).n_blocks < fit.n_blocks);
    assert_true(memory_fit(&device, &model, 2, 0.9, 16, 8192).kv_tokens > 2 * fit.kv_tokens);
    model = model_of("llama-3.1-70b");
    assert_int_equal(memory_fit(&device, &model, 1, 0.9, 16, 8192).n_blocks, 0); /* 141 GB of weights */
    assert_true(memory_fit(&device, &model, 4, 0.9, 16, 8192).n_blocks > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_built_in_loads),
        cmocka_unit_test(unknown_names),
        cmocka_unit_test(stems),
        cmocka_unit_test(weights),
        cmocka_unit_test(kv_bytes),
        cmocka_unit_test(tensor_parallel),
        cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
