#include "support/support.h"

#include "hw/link/collective.h"
#include "hw/measured.h"

static void check_device(const struct collective_constants *constants, const char *what, const char *file, double limit)
{
    const char *path = data_path(file);
    if (!path) {
        skip();
    }
    struct measured table;
    struct accuracy set = {0};
    assert_true(measured_open(&table, path));
    while (measured_next(&table)) {
        if (measured_is(&table, "kernel_source", "vLLM_custom_graph")) {
            accuracy_add(&set,
                         all_reduce_us(constants, (uint32_t)measured_number(&table, "num_gpus"),
                                       2.0 * measured_number(&table, "message_size")),
                         1e3 * measured_number(&table, "latency_ms"));
        }
    }
    measured_close(&table);
    accuracy_check(&set, what, 60, limit);
}

static void measured_all_reduce(void **state)
{
    (void)state;
    static const struct {
        const char *device, *file;
        double limit;
    } cases[] = {
        {"h100-sxm", "kernels/H100-SXM/custom_allreduce_perf.vllm-0.24.0.csv.gz", 0.075},
        {"b200-sxm", "kernels/B200-SXM/custom_allreduce_perf.vllm-0.24.0.csv.gz", 0.10},
        {"a100-sxm", "kernels/A100-SXM/custom_allreduce_perf.vllm-0.14.0.csv.gz", 0.085},
    };
    struct diag diag;
    diag_init(&diag);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct device device;
        assert_int_equal(device_load(cases[i].device, &device, &diag), ASIM_OK);
        check_device(&device.collective, cases[i].device, cases[i].file, cases[i].limit);
    }
    diag_fini(&diag);
    /* The micro-benchmark of a host with peer-to-peer, unlike the one behind rtx-pro-6000.yaml. */
    const struct collective_constants pcie5 = {.a = 1, .b = 3.5, .bw1 = 38, .big_a = 83, .big_b = 1, .bw2 = 29};
    check_device(&pcie5, "PCIe 5", "kernels/RTXPRO6000-Server/custom_allreduce_perf.vllm-0.24.0.csv.gz", 0.09);
}

static void laws(void **state)
{
    (void)state;
    const struct collective_constants fitted = {.fitted = true, .latency_us = 30, .bandwidth_gbs = 16};
    assert_float_equal(all_reduce_us(&fitted, 2, 16000), 31.0, 1e-9);
    assert_float_equal(all_reduce_us(&fitted, 1, 16000), 0.0, 0.0);
    const struct collective_constants two = {.a = 4, .b = 1, .bw1 = 100, .big_a = 10, .big_b = 2, .bw2 = 300};
    assert_float_equal(all_reduce_us(&two, 4, 1000), 4 + 3 + 3 * 0.01, 1e-9);          /* one shot */
    assert_float_equal(all_reduce_us(&two, 4, 1e9), 10 + 6 + 1.5 * 1e9 / 300e3, 1e-6); /* ring */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(measured_all_reduce), cmocka_unit_test(laws)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
