/* Every routing policy on small clusters: the parallel engine answers as the serial one does, with telemetry and with
 * exact views. */
#include "support/support.h"

#include "api/config.h"
#include "policy/policy_table.h"
#include "sim/random_cluster.h"
#include "sim/run_windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 4 };

static struct digest run_with(const struct random_cluster *cluster, const char *synchronization, const char *threads)
{
    struct random_cluster other = *cluster;
    struct cluster_coverage unused = {0};
    random_cluster_set(&other, "synchronization", synchronization);
    random_cluster_set(&other, "threads", threads);
    random_cluster_set(&other, "partition", "1");
    return random_cluster_run(&other, &unused);
}

static void check_policy(const struct asim_policy *policy, uint64_t seed, const char *view)
{
    static const char *const threads[] = {"1", "2", "3"};
    struct random_cluster cluster;
    random_cluster_init(&cluster, seed);
    random_cluster_set(&cluster, "routing", policy->name);
    random_cluster_set(&cluster, "router.view", view);
    random_cluster_set(&cluster, "instances", seed % 2 ? "5" : "3");
    if (strcmp(random_cluster_get(&cluster, "dispatch_latency"), "0ms") == 0) {
        random_cluster_set(&cluster, "dispatch_latency", "1ms");
    }
    const struct digest serial = run_with(&cluster, "serial", "1");
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        const struct digest windows = run_with(&cluster, "windows", threads[i]);
        if (windows.low != serial.low || windows.high != serial.high) {
            fail_msg("%s, seed %" PRIu64 ", view %s, threads %s: another history than that of the serial engine",
                     policy->name, seed, view, threads[i]);
        }
    }
    random_cluster_fini(&cluster);
}

static void engines_agree_with_every_policy(void **state)
{
    (void)state;
    uint32_t policies = 0;
    for (size_t i = 0; i < policy_count(); i++) {
        for (uint64_t seed = 0; policy_serves(policy_at(i), POLICY_ROUTING) && seed < SEEDS; seed++) {
            check_policy(policy_at(i), 100 + seed, "telemetry");
            check_policy(policy_at(i), 100 + seed, "exact");
            policies += seed == 0;
        }
    }
    assert_true(policies >= 12);
}

/* Programs stay where their prompts are: more hits than with chance. */
static void prefix_routers_find_prefixes(void **state)
{
    (void)state;
    static const char *const routings[] = {"random", "sglang-cache-aware", "dynamo-kv", "llm-d",
                                           "preble", "saga-router"};
    struct cluster_coverage found[sizeof routings / sizeof routings[0]] = {0};
    for (size_t i = 0; i < sizeof routings / sizeof routings[0]; i++) {
        for (uint64_t seed = 200; seed < 206; seed++) {
            struct random_cluster cluster;
            random_cluster_init(&cluster, seed);
            random_cluster_set(&cluster, "routing", routings[i]);
            random_cluster_set(&cluster, "instances", "4");
            random_cluster_set(&cluster, "num_gpu_blocks_override", "4000");
            random_cluster_set(&cluster, "enable_prefix_caching", "on");
            random_cluster_set(&cluster, "synchronization", "serial");
            random_cluster_run(&cluster, &found[i]);
            random_cluster_fini(&cluster);
        }
        print_message("%s: %" PRIu64 " turns of %" PRIu64 " hit\n", routings[i], found[i].hits, found[i].turns);
        assert_true(i == 0 || found[i].hits * 4 > found[0].hits * 5);
    }
}

/* A rank knows its own programs only. */
static void ranks_do_not_share_prompts(void **state)
{
    (void)state;
    static const char *const routings[] = {"dynamo-kv", "autellix-router", "power-of-two"};
    for (size_t i = 0; i < sizeof routings / sizeof routings[0]; i++) {
        struct random_cluster random;
        random_cluster_init(&random, 1);
        random_cluster_set(&random, "routing", routings[i]);
        asim_config *config = random_cluster_config(&random);
        struct diag diag;
        diag_init(&diag);
        struct cluster *cluster = cluster_create(config_settings(config), 0, 2, &diag);
        assert_int_equal(cluster != NULL, i == 2);
        if (!cluster) {
            char expected[160];
            snprintf(expected, sizeof expected,
                     "routing: '%s' looks at prompts, which 2 ranks do not all know; allowed: one rank, or a policy "
                     "that does not",
                     routings[i]);
            assert_string_equal(diag.entries[0].text, expected);
        }
        cluster_destroy(cluster);
        diag_fini(&diag);
        asim_config_destroy(config);
        random_cluster_fini(&random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_agree_with_every_policy),
        cmocka_unit_test(prefix_routers_find_prefixes),
        cmocka_unit_test(ranks_do_not_share_prompts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
