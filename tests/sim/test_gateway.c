/* Routers that hold turns, move them and hear of ends: whatever they decide, all programs end, nothing is lost, and the
 * parallel engine tells them the same in the same order as the serial one. */
#include "support/support.h"

#include "policy/random_policy.h"
#include "policy/random_router.h"
#include "sim/run_serial.h"
#include "sim/run_windows.h"
#include "sim/saved_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SEEDS = 48, FIRST_SEED = 300 };

static const struct {
    const char *threads, *window, *stepping, *partition;
} trials[] = {
    {"1", NULL, "fast-forward", "8"},  {"2", NULL, "steady", "1"},  {"3", NULL, "fast-forward", "1"},
    {"1", "3ms", "fast-forward", "2"}, {"3", "50ms", "plain", "2"}, {"2", "1s", "fast-forward", "3"},
};

enum { TRIALS = sizeof trials / sizeof trials[0], TRIALS_OF_A_SEED = 3 };

static void draw_scenario(struct random_cluster *cluster, uint64_t seed)
{
    const uint64_t dice = random_policy_mix(seed, 5);
    random_cluster_init(cluster, seed);
    if (strcmp(random_cluster_get(cluster, "dispatch_latency"), "0ms") == 0) {
        random_cluster_set(cluster, "dispatch_latency", "1ms");
    }
    random_cluster_set(cluster, "instances", seed % 5 == 0 ? "1" : seed % 2 ? "5" : "3");
    random_cluster_set(cluster, "router.view", dice % 3 ? "telemetry" : "exact");
    random_cluster_set(cluster, "router.telemetry_period", (dice >> 4) % 2 ? "10ms" : "70ms");
    if ((dice >> 8) % 3 == 0) {
        random_cluster_use_graphs(cluster, seed);
    }
    if ((dice >> 16) % 3 == 0) {
        random_cluster_use_policies(cluster, seed);
        if ((dice >> 20) % 2) {
            random_cluster_use_tiers(cluster, seed);
        }
    }
}

static void engines_agree(void **state)
{
    (void)state;
    struct cluster_coverage sum = {0};
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
        struct random_cluster cluster;
        const struct asim_policy policy = random_router((uint32_t)random_policy_mix(seed, 6) | seed % 4);
        draw_scenario(&cluster, seed);
        cluster.routing = &policy;
        random_cluster_set(&cluster, "synchronization", "serial");
        random_cluster_set(&cluster, "threads", "1");
        const struct digest serial = random_cluster_run(&cluster, &sum);
        const struct digest decisions = sum.decisions;
        const uint64_t events = sum.events;
        random_cluster_set(&cluster, "synchronization", "windows");
        for (uint64_t i = 0; i < TRIALS_OF_A_SEED; i++) {
            const size_t trial = (seed * TRIALS_OF_A_SEED + i) % TRIALS;
            struct random_cluster other = cluster;
            struct cluster_coverage unused = {0};
            random_cluster_set(&other, "threads", trials[trial].threads);
            random_cluster_set(&other, "stepping", trials[trial].stepping);
            random_cluster_set(&other, "partition", trials[trial].partition);
            if (trials[trial].window) {
                random_cluster_set(&other, "window", trials[trial].window);
            }
            const struct digest windows = random_cluster_run(&other, &unused);
            if (windows.low != serial.low || windows.high != serial.high || unused.decisions.low != decisions.low ||
                unused.decisions.high != decisions.high || unused.events != events) {
                fail_msg("seed %" PRIu64 ", trial %zu: another history than that of the serial engine", seed, trial);
            }
        }
        random_cluster_fini(&cluster);
    }
    print_message("%" PRIu64 " turns, %" PRIu64 " held, %" PRIu64 " moved with %" PRIu64 " blocks, %" PRIu64 " taken\n",
                  sum.turns, sum.held, sum.moved, sum.kv_blocks_sent, sum.kv_blocks_taken);
    assert_true(sum.held > 100 && sum.moved > 100 && sum.graphs && sum.retained && sum.closed_loops);
    assert_true(sum.kv_blocks_sent > 100 && sum.kv_blocks_taken > 50);
}

/* ---- saved and gone on with ---- */

static void runs_go_on_where_they_were_cut(void **state)
{
    (void)state;
    char file[160];
    snprintf(file, sizeof file, "%s/gateway_%ld.asimsave", ASIM_BINARY_FOLDER, (long)getpid());
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
        struct random_cluster cluster;
        const struct asim_policy policy = random_router((uint32_t)random_policy_mix(seed, 6) | seed % 4);
        draw_scenario(&cluster, seed);
        cluster.routing = &policy;
        random_cluster_set(&cluster, "synchronization", "windows");
        random_cluster_set(&cluster, "threads", seed % 2 ? "2" : "1");
        struct cut uncut = {.window = UINT64_MAX, .pulse = UINT64_MAX};
        const struct digest whole = run_cut(&cluster, NULL, file, &uncut);
        for (uint64_t i = 0; i < 4; i++) {
            struct cut cut = {.window = random_policy_mix(seed, i) % uncut.windows, .pulse = UINT64_MAX};
            struct cut none = {.window = UINT64_MAX, .pulse = UINT64_MAX};
            const struct digest first = run_cut(&cluster, NULL, file, &cut);
            struct random_cluster other = cluster;
            random_cluster_set(&other, "threads", i % 2 ? "1" : "3");
            random_cluster_set(&other, "partition", "1");
            const struct digest resumed = run_cut(&other, file, file, &none);
            if (first.low != whole.low || resumed.low != whole.low || resumed.high != whole.high) {
                fail_msg("seed %" PRIu64 ", cut at window %" PRIu64 " of %" PRIu64 ": another history", seed,
                         cut.window, uncut.windows);
            }
        }
        random_cluster_fini(&cluster);
    }
    unlink(file);
}

/* Nobody waits for a router that never releases anything. */
static void a_router_that_holds_for_ever_is_named(void **state)
{
    (void)state;
    static const char *const engines[] = {"serial", "windows"};
    static const char *const faults[] = {
        "policy holding: route_tick answered nothing for an hour with no turn at any instance; turn 0 of program",
        "policy holding: route_tick_period answered never, but turn 0 of program"};
    for (int trial = 0; trial < 4; trial++) {
        const int i = trial % 2;
        struct random_cluster random;
        const struct asim_policy policy = holding_router(trial < 2);
        random_cluster_init(&random, 1);
        random.routing = &policy;
        random_cluster_set(&random, "dispatch_latency", "1ms");
        random_cluster_set(&random, "router.telemetry_period", "10s");
        random_cluster_set(&random, "synchronization", engines[i]);
        asim_config *config = random_cluster_config(&random);
        struct diag diag;
        diag_init(&diag);
        struct cluster *cluster = random_cluster_create(&random, config, &diag);
        struct transport *transport = transport_self_create();
        assert_false(i ? run_windows(cluster, transport, NULL, NULL, NULL, &diag)
                       : run_serial(cluster, NULL, NULL, &diag));
        assert_int_equal(diag.n_errors, 1);
        assert_non_null(strstr(diag.entries[0].text, faults[trial / 2]));
        transport_destroy(transport);
        cluster_destroy(cluster);
        diag_fini(&diag);
        asim_config_destroy(config);
        random_cluster_fini(&random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_agree),
        cmocka_unit_test(runs_go_on_where_they_were_cut),
        cmocka_unit_test(a_router_that_holds_for_ever_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
