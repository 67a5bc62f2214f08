/* Every policy on small clusters: the parallel engine answers as the serial one does, in all modes of stepping, with
 * telemetry and with exact views. */
#include "support/support.h"

#include "api/config.h"
#include "policy/policy_table.h"
#include "sim/random_cluster.h"
#include "sim/run_windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const uint64_t seeds[] = {108, 113, 117, 120};

static struct digest run_with(const struct random_cluster *cluster, const char *synchronization, const char *threads,
                              const char *stepping)
{
    struct random_cluster other = *cluster;
    struct cluster_coverage unused = {0};
    random_cluster_set(&other, "synchronization", synchronization);
    random_cluster_set(&other, "threads", threads);
    random_cluster_set(&other, "stepping", stepping);
    random_cluster_set(&other, "partition", "1");
    return random_cluster_run(&other, &unused);
}

/* The workloads here last seconds: policies that look at long stretches are told to look closer. */
static void sharpen(struct random_cluster *cluster, const char *policy)
{
    static const struct {
        const char *policy, *parameters;
    } sharper[] = {
        {"autellix-plas", "range=30ms,quantum=20ms,starvation=2"},
        {"autellix-atlas", "range=30ms,quantum=20ms,starvation=2"},
        {"thunderagent", "period=40ms,forced_resume=2s,half_life=100ms"},
        {"preble", "window=300ms"},
        {"autellix-router", "short_prompt=200"},
    };
    for (size_t i = 0; i < sizeof sharper / sizeof sharper[0]; i++) {
        if (strcmp(sharper[i].policy, policy) == 0) {
            random_cluster_set(cluster, "policy_parameters", sharper[i].parameters);
        }
    }
}

/* Whether the policy made a difference to the history. */
static bool check_policy(const struct asim_policy *policy, enum policy_plane plane, uint64_t seed, const char *view)
{
    static const struct {
        const char *threads, *stepping;
    } trials[] = {{"1", "fast-forward"}, {"2", "steady"}, {"3", "fast-forward"}};
    struct random_cluster cluster;
    random_cluster_init(&cluster, seed);
    random_cluster_set(&cluster, "router.view", view);
    random_cluster_set(&cluster, "instances", seed % 2 ? "5" : "3");
    if (strcmp(random_cluster_get(&cluster, "dispatch_latency"), "0ms") == 0) {
        random_cluster_set(&cluster, "dispatch_latency", "1ms");
    }
    const struct digest other = run_with(&cluster, "serial", "1", "fast-forward");
    random_cluster_set(&cluster, policy_plane_name(plane), policy->name);
    sharpen(&cluster, policy->name);
    const struct digest serial = run_with(&cluster, "serial", "1", "plain");
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        const struct digest windows = run_with(&cluster, "windows", trials[i].threads, trials[i].stepping);
        if (windows.low != serial.low || windows.high != serial.high) {
            fail_msg("%s, seed %" PRIu64 ", view %s, threads %s, stepping %s: another history than that of the serial "
                     "engine",
                     policy->name, seed, view, trials[i].threads, trials[i].stepping);
        }
    }
    random_cluster_fini(&cluster);
    return other.low != serial.low;
}

static void engines_agree_with_every_policy(void **state)
{
    (void)state;
    uint32_t policies = 0;
    for (size_t i = 0; i < policy_count(); i++) {
        const enum policy_plane plane = policy_serves(policy_at(i), POLICY_ROUTING)      ? POLICY_ROUTING
                                        : policy_serves(policy_at(i), POLICY_SCHEDULING) ? POLICY_SCHEDULING
                                                                                         : POLICY_RETENTION;
        uint32_t differences = 0;
        for (size_t k = 0; k < sizeof seeds / sizeof seeds[0]; k++) {
            differences += check_policy(policy_at(i), plane, seeds[k], k % 2 ? "exact" : "telemetry");
        }
        assert_true(differences > 0 || policy_serves(policy_at(i), POLICY_RETENTION) ||
                    strcmp(policy_at(i)->name, "fcfs") == 0);
        policies++;
    }
    assert_true(policies >= 19);
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

/* A rank knows its own programs only, and hears of their ends only. */
static void ranks_do_not_share_prompts(void **state)
{
    (void)state;
    static const struct {
        const char *routing, *refused;
    } routers[] = {
        {"dynamo-kv", "looks at prompts, which 2 ranks do not all know; allowed: one rank, or a policy that does not"},
        {"autellix-router",
         "looks at prompts, which 2 ranks do not all know; allowed: one rank, or a policy that does not"},
        {"power-of-two", NULL},
        {"thunderagent",
         "hears of the ends of turns or looks at the cluster by itself (on_complete, route_tick), which 2 ranks cannot "
         "share; allowed: one rank, with any number of threads, or a policy that does not"},
    };
    for (size_t i = 0; i < sizeof routers / sizeof routers[0]; i++) {
        struct random_cluster random;
        random_cluster_init(&random, 1);
        random_cluster_set(&random, "routing", routers[i].routing);
        asim_config *config = random_cluster_config(&random);
        struct diag diag;
        diag_init(&diag);
        struct cluster *cluster = cluster_create(config_settings(config), 0, 2, &diag);
        assert_int_equal(cluster != NULL, routers[i].refused == NULL);
        if (!cluster) {
            char expected[256];
            snprintf(expected, sizeof expected, "routing: '%s' %s", routers[i].routing, routers[i].refused);
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
