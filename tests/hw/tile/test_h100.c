/* The tile model of an H100 against kernels and whole steps measured on one (tests/data/h100, see its README for what
 * each file can and cannot show). Limits are a little above what is reached. */
#include "support/support.h"

#include "hw/measured.h"
#include "hw/step_time.h"
#include "hw/tile/attention.h"
#include "hw/tile/elementwise.h"
#include "hw/tile/gemm.h"

/* What is loaded runs at the clock of a burst, as most of the measurements do. */
static struct device load_burst(void)
{
    struct diag diag;
    struct device device;
    diag_init(&diag);
    assert_int_equal(device_load("h100-sxm", &device, &diag), ASIM_OK);
    diag_fini(&diag);
    device.sustained_clock = 1.0;
    return device;
}

static void open_data(struct measured *table, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "data/h100/%s", name);
    assert_true(measured_open(table, test_path(path)));
}

/* Summed over a step of the model, products are off by less than one by one: library kernels scatter. */
static void gemms(void **state)
{
    (void)state;
    enum { MOST_ROWS = 32 };
    const struct device device = load_burst();
    struct gemm_model model;
    gemm_init(&model, &device, 2);
    struct accuracy all = {0};
    struct accuracy summed = {0};
    struct {
        double rows, predicted, us;
    } steps[MOST_ROWS] = {{0}};
    struct measured table;
    open_data(&table, "gemm.csv");
    while (measured_next(&table)) {
        const double m = measured_number(&table, "m");
        const double us = measured_number(&table, "time_us");
        const double predicted = gemm_cost(&model, (uint32_t)m, (uint32_t)measured_number(&table, "n"),
                                           (uint32_t)measured_number(&table, "k"))
                                     .us;
        accuracy_add(&all, predicted, us);
        if (measured_is(&table, "model", "llama-3.1-8b") && measured_is(&table, "tp", "1")) {
            const double count = measured_is(&table, "layer", "lm_head") ? 1.0 : 32.0;
            int i = 0;
            while (steps[i].rows != 0.0 && steps[i].rows != m) {
                i++;
            }
            assert_true(i < MOST_ROWS);
            steps[i].rows = m;
            steps[i].predicted += count * predicted;
            steps[i].us += count * us;
        }
    }
    measured_close(&table);
    for (int i = 0; i < MOST_ROWS && steps[i].rows != 0.0; i++) {
        accuracy_add(&summed, steps[i].predicted, steps[i].us);
    }
    accuracy_check(&all, "H100 GEMM", 460, 0.03);
    accuracy_check(&summed, "H100 GEMMs of a step of Llama-3.1-8B", 20, 0.016);
}

/* The slow kernel measured for qk_norm is not one an engine has (see README); writing the cache belongs to attention.
 */
static void elementwise(void **state)
{
    (void)state;
    static const char *const operations[] = {"add_rms_norm", "embedding", "rope", "silu_mul"};
    const struct device device = load_burst();
    struct accuracy all = {0};
    struct measured table;
    open_data(&table, "elementwise.csv");
    while (measured_next(&table)) {
        for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
            if (measured_is(&table, "op", operations[i])) {
                accuracy_add(&all, elementwise_cost(&device, measured_number(&table, "bytes")).us,
                             measured_number(&table, "time_us"));
            }
        }
    }
    measured_close(&table);
    accuracy_check(&all, "H100 elementwise", 300, 0.10);
}

static double attention_us(const struct device *device, const struct measured *table, const struct batch_shape *shape)
{
    struct attention_model model;
    attention_init(&model, device, (uint32_t)measured_number(table, "heads"),
                   (uint32_t)measured_number(table, "kv_heads"), 128, 2);
    double part_us[STEP_BOUNDS] = {0};
    attention_add(&model, shape, 1.0, part_us);
    return part_us[STEP_COMPUTE] + part_us[STEP_HBM];
}

/* Small batches are another library's and 5 us quicker than FlashAttention 3, so only those of some length count. */
static void decode_attention(void **state)
{
    (void)state;
    const struct device device = load_burst();
    struct accuracy from_hbm = {0};
    struct measured table;
    open_data(&table, "attention_decode.csv");
    while (measured_next(&table)) {
        const double us = measured_number(&table, "time_us");
        const double n = measured_number(&table, "batch");
        const struct batch_shape shape = {.n_decode = (uint32_t)n,
                                          .decode_context = (uint64_t)(n * measured_number(&table, "context"))};
        if (us > 100.0) {
            accuracy_add(&from_hbm, attention_us(&device, &table, &shape), us);
        }
    }
    measured_close(&table);
    accuracy_check(&from_hbm, "H100 decode attention above 100 us", 60, 0.035);
}

/* Where agents live: some new tokens on a long cached prefix. FlashAttention 3 splits the keys when a chunk fills few
 * SMs; so does the library measured, with other kernels but about the same times. */
static void prefill_on_a_cached_prefix(void **state)
{
    (void)state;
    const struct device device = load_burst();
    struct accuracy cached = {0};
    struct measured table;
    open_data(&table, "attention_prefill.csv");
    while (measured_next(&table)) {
        const struct prefill_chunk chunk = {.tokens = (uint32_t)measured_number(&table, "q"),
                                            .context = (uint32_t)measured_number(&table, "prefix")};
        if (chunk.context > 0) {
            accuracy_add(&cached, attention_us(&device, &table, &(struct batch_shape){.n_chunks = 1, .chunks = &chunk}),
                         measured_number(&table, "time_us"));
        }
    }
    measured_close(&table);
    accuracy_check(&cached, "H100 prefill attention, cached prefix", 48, 0.04);
}

/* Whole steps in a CUDA graph, the sampler left out as there. */
static void steps(void **state)
{
    (void)state;
    static const char *const kinds[] = {"decode", "prefill", "mixed"};
    static const double limits[] = {0.012, 0.02, 0.02};
    static const double worst[] = {0.03, 0.05, 0.06};
    struct diag diag;
    struct device device;
    struct model_shape model;
    diag_init(&diag);
    assert_int_equal(device_load("h100-sxm", &device, &diag), ASIM_OK);
    assert_int_equal(model_load("llama-3.1-8b", &model, &diag), ASIM_OK);
    device.sampler = (struct sampler_constants){0};
    const struct step_time_options options = {
        .device = &device, .model = &model, .tensor_parallel = 1, .max_num_seqs = 256, .max_num_batched_tokens = 8192};
    struct step_time *steps = step_time_create(&options, &diag);
    struct accuracy by_kind[3] = {0};
    struct measured table;
    open_data(&table, "step.csv");
    while (measured_next(&table)) {
        const struct prefill_chunk chunk = {.tokens = (uint32_t)measured_number(&table, "chunk"),
                                            .context = (uint32_t)measured_number(&table, "prefix"),
                                            .sampled = 1};
        const double n = measured_number(&table, "batch");
        const struct batch_shape shape = {.n_decode = (uint32_t)n,
                                          .decode_context = (uint64_t)(n * measured_number(&table, "context")),
                                          .n_chunks = chunk.tokens > 0,
                                          .chunks = &chunk};
        const double predicted = (double)step_time_batch(steps, &shape).total / (double)SIMTIME_US;
        const double us = measured_number(&table, "graph_us");
        for (int kind = 0; kind < 3; kind++) {
            if (measured_is(&table, "kind", kinds[kind])) {
                accuracy_add(&by_kind[kind], predicted, us);
                assert_true(fabs(predicted / us - 1.0) <= worst[kind]);
            }
        }
    }
    measured_close(&table);
    for (int kind = 0; kind < 3; kind++) {
        char what[80];
        snprintf(what, sizeof what, "H100 whole steps, %s", kinds[kind]);
        accuracy_check(&by_kind[kind], what, 6, limits[kind]);
    }
    step_time_destroy(steps);
    diag_fini(&diag);
}

/* Products over and over for seconds: the power limit takes the clock down. Memory-bound load keeps it. */
static void sustained_clock(void **state)
{
    (void)state;
    static const char *const loads[] = {"gemm", "gemv", "decode_64_2048", "decode_128_1024"};
    double first[4] = {0}, late[4] = {0};
    int n_first[4] = {0}, n_late[4] = {0};
    struct diag diag;
    struct device device;
    diag_init(&diag);
    assert_int_equal(device_load("h100-sxm", &device, &diag), ASIM_OK);
    struct measured table;
    open_data(&table, "sustained.csv");
    while (measured_next(&table)) {
        for (int i = 0; i < 4; i++) {
            if (measured_is(&table, "load", loads[i])) {
                const bool early = measured_number(&table, "iteration") < 8;
                first[i] += early ? measured_number(&table, "time_us") : 0.0;
                n_first[i] += early;
                const bool settled = measured_number(&table, "at_s") > 1.0;
                late[i] += settled ? measured_number(&table, "time_us") : 0.0;
                n_late[i] += settled;
            }
        }
    }
    measured_close(&table);
    for (int i = 0; i < 4; i++) {
        assert_true(n_first[i] > 4 && n_late[i] > 10);
        const double slowdown = late[i] / n_late[i] / (first[i] / n_first[i]);
        print_message("%-16s %.3f times as long once settled\n", loads[i], slowdown);
        assert_float_equal(slowdown, i == 0 ? 1.0 / device.sustained_clock : 1.0, 0.02);
    }
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemms),
        cmocka_unit_test(elementwise),
        cmocka_unit_test(decode_attention),
        cmocka_unit_test(prefill_on_a_cached_prefix),
        cmocka_unit_test(steps),
        cmocka_unit_test(sustained_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
