#include "support/support.h"

#include "options/argv_source.h"
#include "options/option_table.h"
#include "options/resolve.h"
#include "options/unused.h"

#include <stdio.h>
#include <string.h>

/* What is warned of when "path=text" settings are given, one warning a line. */
static void check(const char *const *settings, const char *expected)
{
    struct option_sources sources;
    struct resolved resolved;
    struct diag diag;
    option_sources_init(&sources);
    diag_init(&diag);
    for (; *settings; settings++) {
        char path[128];
        const char *equals = strchr(*settings, '=');
        snprintf(path, sizeof path, "%.*s", (int)(equals - *settings), *settings);
        assert_int_equal(argv_source_set(&sources, path, equals + 1, &diag), ASIM_OK);
    }
    assert_int_equal(resolve(&sources, &resolved, &diag), ASIM_OK);
    assert_int_equal(diag.n_entries, 0);
    unused_warn(&resolved, &diag);
    char found[4096] = "";
    for (size_t i = 0; i < diag.n_entries; i++) {
        strcat(strcat(found, diag.entries[i].text), "\n");
    }
    assert_string_equal(found, expected);
    resolved_fini(&resolved);
    option_sources_fini(&sources);
    diag_fini(&diag);
}

#define GIVEN(...)                                                                                                     \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

static void modes_that_are_not_chosen(void **state)
{
    (void)state;
    check(GIVEN("synthetic.growth=700", "dag.fan_out=3"),
          "dag.fan_out: 3 (set) has no effect without generate: lats or deep-research\n"
          "synthetic.growth: 700 (set) has no effect without generate: synthetic\n");
    check(GIVEN("workload_format=weka", "reuse_generated=off", "generate=swe-agent"),
          "workload_format: weka (set) has no effect without workload\n"
          "reuse_generated: off (set) has no effect without workload\n");
    check(GIVEN("tiers.nvme_read_bandwidth=3GB/s", "tiers.sharing=2", "tiers.cxl_bandwidth=3GB/s", "tiers.dram=1GiB"),
          "tiers.cxl_bandwidth: 3GB/s (set) has no effect without tiers.cxl\n"
          "tiers.nvme_read_bandwidth: 3GB/s (set) has no effect without tiers.nvme\n");
    check(GIVEN("offload.load_quota=5"),
          "offload.load_quota: 5 (set) has no effect without tiers.dram, tiers.cxl or tiers.nvme\n");
    check(GIVEN("offload.prefetch_threshold=5", "offload.engine=hicache-selective", "tiers.nvme=1GiB"),
          "offload.prefetch_threshold: 5 (set) has no effect without an offload.engine of hicache-... and tiers.nvme "
          "below another tier\n");
    check(GIVEN("routing=random", "router.load_limit=3"),
          "router.load_limit: 3 (set) has no effect without routing: session-affinity\n");
}

static void modes_that_are_chosen(void **state)
{
    (void)state;
    check(GIVEN("generate=synthetic", "synthetic.growth=700"), "");
    check(GIVEN("generate=lats", "dag.fan_out=3"), "");
    check(GIVEN("workload=a.jsonl", "workload_format=weka", "missing_gap=median"), "");
    check(GIVEN("tiers.dram=1GiB", "tiers.nvme=1GiB", "tiers.sharing=2", "offload.engine=hicache-write-back",
                "offload.prefetch_stop=timeout", "offload.prefetch_timeout=2s"),
          "");
    check(GIVEN("router.load_limit=3"), "");
}

/* A folder of a run gives every option: what it gives as it is built in has nothing to say. */
static void built_in_values(void **state)
{
    (void)state;
    check(
        GIVEN("synthetic.growth=lognormal(mean=600, sigma=0.85)", "tiers.sharing=1", "offload.prefetch_timeout=1000ms"),
        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(modes_that_are_not_chosen),
                                       cmocka_unit_test(modes_that_are_chosen), cmocka_unit_test(built_in_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
