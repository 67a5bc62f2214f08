#include "support/support.h"

#include "hw/model/kernels.h"

static const struct model_shape normed = {.hidden = 1000,
                                          .layers = 3,
                                          .heads = 12,
                                          .kv_heads = 2,
                                          .head_dim = 100,
                                          .intermediate = 4000,
                                          .vocab = 32001,
                                          .dtype_bytes = 2,
                                          .qk_norm = true};

static struct step_kernels kernels_of(const struct model_shape *model, uint32_t tp, uint32_t max_graph_tokens)
{
    struct step_kernels kernels;
    const struct step_time_options options = {
        .model = model, .tensor_parallel = tp, .max_graph_tokens = max_graph_tokens};
    step_kernels_init(&kernels, &options);
    return kernels;
}

/* The weights that the products of a step read are those of the model but the embedding and the norms. */
static void products_read_the_weights(void **state)
{
    (void)state;
    for (uint32_t tp = 1; tp <= 2; tp++) {
        const struct step_kernels kernels = kernels_of(&normed, tp, 0);
        double bytes = 2.0 * kernels.lm_head.n * kernels.lm_head.k;
        for (int layer = 0; layer < N_DENSE_LAYERS; layer++) {
            const struct kernel_shape *kernel = &kernels.dense[layer];
            bytes += 2.0 * kernel->count * kernel->n * kernel->k;
            assert_int_equal(kernel->n == 0, kernel->bytes_per_row > 0);
            assert_int_equal(kernel->n == 0, kernel->k == 0);
        }
        const double tables = 2.0 * 1000 * ((32001 + tp - 1) / tp);
        const double norms = 2.0 * (3 * (2 * 1000 + 2 * 100) + 1000);
        assert_true(bytes == (double)model_weight_bytes(&normed, tp) - tables - norms);
    }
}

/* Cut in four, the two KV heads are replicated. */
static void layers_of_a_rank(void **state)
{
    (void)state;
    const struct step_kernels kernels = kernels_of(&normed, 4, 0);
    const struct kernel_shape *dense = kernels.dense;
    assert_int_equal(dense[LAYER_QKV_PROJ].n, 300 + 2 * 100);
    assert_int_equal(dense[LAYER_O_PROJ].k, 300);
    assert_int_equal(dense[LAYER_DOWN_PROJ].k, 1000);
    assert_int_equal(kernels.lm_head.n, 8001);
    assert_true(dense[LAYER_QK_NORM].count == 3 && dense[LAYER_QK_NORM].bytes_per_row == 4 * 400);
    assert_true(dense[LAYER_LAYERNORM].count == 6 && dense[LAYER_LAYERNORM].bytes_per_row == 8000);
    assert_true(dense[LAYER_ACT_FN].bytes_per_row == 6000 && dense[LAYER_EMBEDDING].bytes_per_row == 4000);
    assert_true(dense[LAYER_FINAL_LAYERNORM].count == 1 && dense[LAYER_EMBEDDING].count == 1);
    struct model_shape plain = normed;
    plain.qk_norm = false;
    assert_true(kernels_of(&plain, 1, 0).dense[LAYER_QK_NORM].count == 0);
}

static void all_reduces(void **state)
{
    (void)state;
    assert_true(kernels_of(&normed, 1, 0).all_reduces == 0);
    const struct step_kernels two = kernels_of(&normed, 2, 0);
    assert_true(two.all_reduces == 2 * 3 + 1 && two.all_reduce_bytes_per_row == 2000);
}

static void pads_to_graph_sizes(void **state)
{
    (void)state;
    static const uint32_t cases[][3] = {{1, 512, 1},     {2, 512, 2},     {3, 512, 4},     {5, 512, 8},
                                        {8, 512, 8},     {9, 512, 16},    {249, 512, 256}, {257, 512, 272},
                                        {512, 512, 512}, {513, 512, 513}, {257, 256, 257}, {17, 20, 17},
                                        {16, 20, 16},    {3, 2, 3},       {3, 0, 3},       {1, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct step_kernels kernels = kernels_of(&normed, 1, cases[i][1]);
        assert_int_equal(step_kernels_rows(&kernels, cases[i][0]), cases[i][2]);
    }
}

static void counts_a_batch(void **state)
{
    (void)state;
    static const struct prefill_chunk chunks[] = {{.tokens = 7, .context = 50}, {1, 13, 1}, {9, 0, 1}};
    const struct batch_counts counts =
        batch_count(&(struct batch_shape){.n_decode = 2, .decode_context = 30, .n_chunks = 3, .chunks = chunks});
    assert_int_equal(counts.tokens, 2 + 7 + 1 + 9);
    assert_int_equal(counts.sampled, 4);
    assert_int_equal(counts.decodes, 3);
    assert_int_equal(counts.decode_context, 44);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_read_the_weights), cmocka_unit_test(layers_of_a_rank), cmocka_unit_test(all_reduces),
        cmocka_unit_test(pads_to_graph_sizes),       cmocka_unit_test(counts_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
