#include "support/support.h"

#include "hw/device_yaml.h"
#include "hw/fixture.h"

static asim_status parse(const char *text, size_t bytes, const char *name, struct diag *diag)
{
    struct device device;
    return device_parse(text, bytes, name, &device, diag);
}

static void fixtures(void **state)
{
    (void)state;
    static const char *const names[] = {"good.yaml",         "good_units.yaml", "unknown_keys.yaml",
                                        "missing_keys.yaml", "bad_values.yaml", "bad_shapes.yaml",
                                        "long_text.yaml",    "wrong_law.yaml",  "not_a_mapping.yaml",
                                        "not_yaml.yaml",     "empty.yaml",      "bad_links.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fixture_check("hw/fixtures/device", names[i], parse);
    }
}

static struct device load_device(const char *name)
{
    struct diag diag;
    struct device device;
    diag_init(&diag);
    assert_int_equal(device_load(name, &device, &diag), ASIM_OK);
    diag_fini(&diag);
    return device;
}

static struct device load(const char *name)
{
    return load_device(test_path(name));
}

static void values_arrive(void **state)
{
    (void)state;
    const struct device device = load("hw/fixtures/device/good.yaml");
    assert_string_equal(device.name, "good");
    assert_string_equal(device.description, "A device of a test");
    assert_string_equal(device.calibration, "invented for a test");
    assert_int_equal(device.memory_bytes, (uint64_t)(79.1 * 1073741824.0 + 0.5));
    assert_true(device.hbm_gbs == 3350 && device.clock_ghz == 1.83 && device.bf16_tflops == 989);
    assert_true(device.link_gbs == 450 && device.tdp_w == 700 && device.sustained_clock == 0.9);
    assert_int_equal(device.sms, 132);
    assert_int_equal(device.l2_bytes, 50000000);
    assert_int_equal(device.pcie_gen, 5);
    assert_int_equal(device.pcie_lanes, 16);
    assert_false(device.small_defaults);
    assert_int_equal(device.host.hideable, 0);
    assert_int_equal(device.host.exposed, 1500 * SIMTIME_US);
    assert_int_equal(device.host.exposed_ungraphed, 3 * SIMTIME_MS);
    assert_int_equal(host_time_exposed(&device.host, 1), 4500 * SIMTIME_US); /* no graphs unless the engine says so */
    assert_true(device.gemm.te == 2.6 && device.gemm.p == 4.3 && device.elementwise.knee_l2 == 0.5);
    assert_true(device.attention.dec_bw_sm == 38 && device.attention.bq == 128);
    assert_true(device.attention.pack_gqa && !device.attention.separate && device.attention.mix_l2_factor == 1.65);
    assert_true(!device.collective.fitted && device.collective.bw1 == 264 && device.collective.big_a == 9);
    assert_true(device.sampler.t0 == 25 && device.sampler.per_sequence == 0.45);
}

static void units_convert(void **state)
{
    (void)state;
    const struct device a = load("hw/fixtures/device/good.yaml");
    const struct device b = load("hw/fixtures/device/good_units.yaml");
    assert_int_equal(a.memory_bytes, b.memory_bytes);
    assert_int_equal(a.l2_bytes, b.l2_bytes);
    assert_int_equal(a.host.exposed, b.host.exposed);
    assert_float_equal(a.hbm_gbs, b.hbm_gbs, 1e-9);
    assert_float_equal(a.clock_ghz, b.clock_ghz, 1e-12);
    assert_float_equal(a.bf16_tflops, b.bf16_tflops, 1e-9);
    assert_float_equal(a.tdp_w, b.tdp_w, 1e-9);
    assert_float_equal(a.gemm.te, b.gemm.te, 1e-12);
}

static void links_have_defaults(void **state)
{
    (void)state;
    const struct link_constants plain = load("hw/fixtures/device/good.yaml").links;
    const struct link_constants given = load("hw/fixtures/device/good_units.yaml").links;
    assert_in_range(plain.pcie_up, UINT64_C(54300000000), UINT64_C(54500000000));
    assert_int_equal(plain.pcie_down, plain.pcie_up);
    assert_int_equal(plain.pcie_start, 9 * SIMTIME_US);
    assert_int_equal(plain.peer, UINT64_C(360000000000));
    assert_int_equal(given.pcie_up, UINT64_C(54351000000));
    assert_int_equal(given.pcie_start, plain.pcie_start);
    assert_int_equal(given.nvme_read, UINT64_C(3500000000));
    assert_int_equal(given.nvme_write, plain.nvme_write);
}

static void every_built_in_device_has_links(void **state)
{
    (void)state;
    for (const char *const *name = device_names(); *name; name++) {
        const struct link_constants links = load_device(*name).links;
        assert_in_range(links.pcie_up, UINT64_C(25000000000), UINT64_C(55000000000));
        assert_in_range(links.peer, links.pcie_up, UINT64_C(900000000000));
        assert_true(links.host_memory > links.pcie_up && links.nvme_read > links.nvme_write);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fixtures), cmocka_unit_test(values_arrive),
                                       cmocka_unit_test(units_convert), cmocka_unit_test(links_have_defaults),
                                       cmocka_unit_test(every_built_in_device_has_links)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
