#include "support/support.h"

#include "base/pmath.h"
#include "base/rng.h"
#include "hw/measured.h"
#include "hw/tile/gemm.h"

#include <math.h>

static struct device load(const char *name)
{
    struct diag diag;
    struct device device;
    diag_init(&diag);
    assert_int_equal(device_load(name, &device, &diag), ASIM_OK);
    diag_fini(&diag);
    return device;
}

/* Published bf16 GEMMs (aiconfigurator) of matrices with N, K >= 512; kernels run alone, at full clock. `limit_all` is
 * for all of them; `limit_hbm` for those whose six weight copies exceed L2, as the simulator assumes. */
static void check_device(const char *name, const char *file, const char *source, double limit_all, double limit_hbm)
{
    const char *path = data_path(file);
    if (!path) {
        skip();
    }
    struct device device = load(name);
    device.sustained_clock = 1.0;
    struct gemm_model model;
    gemm_init(&model, &device, 2);
    struct measured table;
    assert_true(measured_open(&table, path));
    struct accuracy all = {0};
    struct accuracy from_hbm = {0};
    while (measured_next(&table)) {
        const double n = measured_number(&table, "n");
        const double k = measured_number(&table, "k");
        if (!measured_is(&table, "gemm_dtype", "bfloat16") || !measured_is(&table, "kernel_source", source) ||
            n < 512 || k < 512) {
            continue;
        }
        const double m = measured_number(&table, "m");
        const double us = 1e3 * measured_number(&table, "latency_ms");
        const double predicted = gemm_cost(&model, (uint32_t)m, (uint32_t)n, (uint32_t)k).us;
        accuracy_add(&all, predicted, us);
        if (6 * 2 * n * k > 1.5 * (double)device.l2_bytes) {
            accuracy_add(&from_hbm, predicted, us);
        }
    }
    measured_close(&table);
    char what[80];
    snprintf(what, sizeof what, "%s GEMM", name);
    accuracy_check(&all, what, 20000, limit_all);
    snprintf(what, sizeof what, "%s GEMM, weights beyond L2", name);
    accuracy_check(&from_hbm, what, 10000, limit_hbm);
}

static void h100(void **state)
{
    (void)state;
    check_device("h100-sxm", "kernels/H100-SXM/gemm_perf.vllm-0.24.0.csv.gz", "torch.nn.functional.linear", 0.07,
                 0.065);
}

static void b200(void **state)
{
    (void)state;
    check_device("b200-sxm", "kernels/B200-SXM/gemm_perf.vllm-0.24.0.csv.gz", "torch.nn.functional.linear", 0.075,
                 0.065);
}

/* Its L2 holds most of the benchmark's matrices: hence the wider limit for all. */
static void rtx_pro_6000(void **state)
{
    (void)state;
    check_device("rtx-pro-6000", "kernels/RTXPRO6000-Server/gemm_perf.vllm-0.24.0.csv.gz", "torch.nn.functional.linear",
                 0.11, 0.045);
}

static void a100(void **state)
{
    (void)state;
    check_device("a100-sxm", "kernels/A100-SXM/gemm_perf.sglang-0.5.10.csv.gz", "sglang", 0.065, 0.06);
}

/* More rows never cost less, beyond the step a smaller tile can save. */
static void grows_with_rows(void **state)
{
    (void)state;
    const char *const *names = device_names();
    for (int i = 0; names[i]; i++) {
        const struct device device = load(names[i]);
        struct gemm_model model;
        gemm_init(&model, &device, 2);
        double last = 0.0;
        for (uint32_t m = 1; m <= 8192; m = m < 64 ? m + 1 : m + 61) {
            const double us = gemm_cost(&model, m, 6144, 4096).us;
            assert_true(us >= 0.93 * last);
            last = us;
        }
    }
}

/* One row is bound by reading the weights, many rows by arithmetic; the clock slows only the latter. */
static void bounds(void **state)
{
    (void)state;
    struct device device = load("h100-sxm");
    struct gemm_model model;
    struct gemm_model boosted;
    gemm_init(&model, &device, 2);
    device.sustained_clock = 1.0;
    gemm_init(&boosted, &device, 2);
    const struct kernel_cost one = gemm_cost(&model, 1, 28672, 4096);
    assert_int_equal(one.bound, STEP_HBM);
    const double least = 2.0 * 28672 * 4096 / (device.hbm_gbs * 1e3);
    assert_true(one.us > least && one.us < 1.4 * least);
    assert_true(one.us == gemm_cost(&boosted, 1, 28672, 4096).us);
    const struct kernel_cost many = gemm_cost(&model, 4096, 28672, 4096);
    assert_int_equal(many.bound, STEP_COMPUTE);
    const double ideal = 2.0 * 4096 * 28672 * 4096 / (device.bf16_tflops * 1e6);
    assert_true(many.us > ideal / 0.9 && many.us < 1.5 * ideal / 0.9);
    const double ratio = many.us / gemm_cost(&boosted, 4096, 28672, 4096).us;
    assert_true(ratio > 1.12 && ratio < 1.16);
}

/* The law of one candidate as gemm.h writes it, arithmetic in the order of gemm.c. */
static double plain_candidate(const struct gemm_model *model, const struct gemm_shape *shape, double split, double m,
                              double n, double k)
{
    const struct gemm_constants *c = &model->constants;
    const double e = model->element_bytes;
    const double tiles = ceil(m / shape->bm) * ceil(n / shape->bn) * split;
    const double w = tiles / model->sms;
    const double rounds = ceil(w / shape->occ);
    const double blocks = ceil(k / (64.0 * split));
    double mma = fmax(fmax(w + c->q * (ceil(w) - w), 1.0) * shape->block_us * blocks, rounds * c->tk * 1e-3 * blocks);
    mma *= 1.0 + c->thr * mma / (mma + 500.0);
    double bytes = (n * k + m * k) * e + 2.0 * m * n;
    if (fmin(m, n) * k * e > 0.6 * model->l2_bytes) {
        bytes = fmax(bytes, rounds * shape->wave_bytes * k / split);
    }
    const double l2 = (tiles * (shape->bm + shape->bn) * e * k / split + 2.0 * (m * n)) / (model->w * c->r_l2);
    const double hbm = bytes / (model->w * c->eta_m);
    const double ramp = c->t0 + c->te * sqrt(rounds);
    const double join = ramp + c->tsp + 8.0 * split * (m * n) / (model->w * c->r_l2);
    const double largest = fmax(mma, fmax(l2, hbm));
    const double parts[] = {mma / largest, l2 / largest, hbm / largest};
    double sum = 0.0;
    for (int i = 0; i < 3; i++) {
        sum += parts[i] < 1.0 ? pmath_pow(parts[i], c->p) : 1.0;
    }
    return (split > 1.0 ? join : ramp) + largest * pmath_pow(sum, 1.0 / c->p);
}

/* The search leaves candidates out by bounds; the answer is the least of all of them, to the bit. */
static void the_search_finds_the_least_candidate(void **state)
{
    (void)state;
    static const double splits[] = {1, 2, 3, 4, 6, 8, 16};
    static const double orders[] = {0.0, 1.0, 12.0}; /* 0: the device's own */
    const char *const *names = device_names();
    for (uint32_t i = 0; names[i / 3]; i++) {
        struct device device = load(names[i / 3]);
        device.sustained_clock = 1.0;
        device.gemm.p = orders[i % 3] > 0.0 ? orders[i % 3] : device.gemm.p;
        struct gemm_model model;
        gemm_init(&model, &device, 2);
        for (uint32_t draw = 0; draw < 1000; draw++) {
            const struct rng_key key = {.seed = i};
            const uint32_t m = 1 + (uint32_t)(rng_u64(key, 3 * draw) % (draw % 2 ? 300 : 8192));
            const uint32_t n = 1 + (uint32_t)(rng_u64(key, 3 * draw + 1) % 30000);
            const uint32_t k = 1 + (uint32_t)(rng_u64(key, 3 * draw + 2) % 15000);
            double least = INFINITY;
            for (int shape = 0; shape < GEMM_TILE_SHAPES; shape++) {
                for (int split = 0; split < 7; split++) {
                    least = fmin(least, plain_candidate(&model, &model.shapes[shape], splits[split], m, n, k));
                }
            }
            assert_true(gemm_cost(&model, m, n, k).us == least);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h100),
        cmocka_unit_test(b200),
        cmocka_unit_test(rtx_pro_6000),
        cmocka_unit_test(a100),
        cmocka_unit_test(grows_with_rows),
        cmocka_unit_test(bounds),
        cmocka_unit_test(the_search_finds_the_least_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
