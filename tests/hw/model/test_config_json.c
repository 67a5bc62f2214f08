#include "support/support.h"

#include "hw/fixture.h"
#include "hw/model/config_json.h"

static asim_status parse(const char *text, size_t bytes, const char *name, struct diag *diag)
{
    struct model_shape model;
    return model_parse(text, bytes, name, &model, diag);
}

static void fixtures(void **state)
{
    (void)state;
    static const char *const names[] = {
        "good_llama.json", "good_defaults.json", "good_qwen2.json", "mixture_of_experts.json",
        "unmodelled.json", "missing_keys.json",  "bad_values.json", "bad_heads.json",
        "long_value.json", "not_an_object.json", "not_json.json",   "repeated_key.json",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fixture_check("hw/fixtures/model", names[i], parse);
    }
}

static struct model_shape load(const char *name)
{
    struct diag diag;
    struct model_shape model;
    diag_init(&diag);
    assert_int_equal(model_load(name, &model, &diag), ASIM_OK);
    diag_fini(&diag);
    return model;
}

static void check_shape(const struct model_shape *model, const uint32_t expected[8])
{
    const uint32_t got[8] = {model->hidden,   model->layers,       model->heads, model->kv_heads,
                             model->head_dim, model->intermediate, model->vocab, model->max_position};
    assert_memory_equal(got, expected, sizeof got);
    assert_int_equal(model->dtype_bytes, 2);
}

/* The published shapes. */
static void built_in_models(void **state)
{
    (void)state;
    struct model_shape model = load("llama-3.1-8b");
    check_shape(&model, (const uint32_t[]){4096, 32, 32, 8, 128, 14336, 128256, 131072});
    assert_true(!model.qk_norm && !model.qkv_bias && !model.tied_embeddings);
    assert_string_equal(model.name, "llama-3.1-8b");
    model = load("llama-3.1-70b");
    check_shape(&model, (const uint32_t[]){8192, 80, 64, 8, 128, 28672, 128256, 131072});
    model = load("qwen3-32b");
    check_shape(&model, (const uint32_t[]){5120, 64, 64, 8, 128, 25600, 151936, 40960});
    assert_true(model.qk_norm && !model.qkv_bias);
}

static void defaults(void **state)
{
    (void)state;
    struct model_shape model = load(test_path("hw/fixtures/model/good_defaults.json"));
    check_shape(&model, (const uint32_t[]){4096, 32, 32, 32, 128, 14336, 128256, 131072});
    assert_true(!model.tied_embeddings && !model.qkv_bias);
    assert_string_equal(model.name, "good_defaults");
    model = load(test_path("hw/fixtures/model/good_qwen2.json"));
    assert_true(model.tied_embeddings && model.qkv_bias && !model.qk_norm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fixtures), cmocka_unit_test(built_in_models),
                                       cmocka_unit_test(defaults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
