/* A pool of CXL memory that several hosts share: what one of them stored, the others find. */
#include "support/support.h"

#include "asim/asim.h"

#include <jansson.h>
#include <string.h>

struct found {
    int64_t hbm, dram, cxl, lost;
};

/* Ten agents whose turns alternate between four hosts. */
static struct found run(const char *cxl_sharing, const char *tier)
{
    asim_config *config = asim_config_create();
    static const char *const options[][2] = {
        {"generate", "swe-agent"},  {"programs", "10"},         {"request_rate", "0.1/s"}, {"instances", "4"},
        {"routing", "round-robin"}, {"offload.engine", "vllm"}, {"threads", "2"}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_int_equal(asim_config_set(config, options[i][0], options[i][1]), ASIM_OK);
    }
    assert_int_equal(asim_config_set(config, tier, "200GiB"), ASIM_OK);
    if (cxl_sharing) {
        assert_int_equal(asim_config_set(config, "tiers.cxl_sharing", cxl_sharing), ASIM_OK);
    }
    asim_result *result = NULL;
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    assert_int_equal(asim_run(config, NULL, &result), ASIM_OK);
    json_t *summary = json_loads(asim_result_summary(result), 0, NULL);
    const json_t *source = json_object_get(json_object_get(summary, "tokens"), "by_source");
    const struct found found = {.hbm = json_integer_value(json_object_get(source, "hbm")),
                                .dram = json_integer_value(json_object_get(source, "dram")),
                                .cxl = json_integer_value(json_object_get(source, "cxl")),
                                .lost = json_integer_value(json_object_get(source, "lost"))};
    json_decref(summary);
    asim_result_destroy(result);
    asim_config_destroy(config);
    return found;
}

static void hosts_find_what_others_stored(void **state)
{
    (void)state;
    const struct found own = run(NULL, "tiers.cxl");
    const struct found halves = run("2", "tiers.cxl");
    const struct found all = run("4", "tiers.cxl");
    /* Memory of their own has nothing that HBM does not have; a pool has all that any of them computed. */
    assert_int_equal(own.cxl, 0);
    assert_true(halves.cxl > 0 && all.cxl > halves.cxl);
    assert_true(own.lost > halves.lost && halves.lost > 0 && all.lost < own.lost / 20);
    assert_true(all.hbm + all.cxl > own.hbm + own.lost * 19 / 20);
}

/* With no CXL memory nothing is shared. */
static void other_tiers_stay_with_their_host(void **state)
{
    (void)state;
    const struct found found = run("4", "tiers.dram");
    assert_int_equal(found.dram, 0);
    assert_true(found.lost > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hosts_find_what_others_stored),
                                       cmocka_unit_test(other_tiers_stay_with_their_host)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
