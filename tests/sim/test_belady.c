/* Misses over those of the best evictions: never below one, the same whatever the engine, and nearer to one for who
 * sees the future. */
#include "support/support.h"

#include "api/config.h"
#include "metrics/recorder.h"
#include "policy/random_policy.h"
#include "sim/random_cluster.h"
#include "sim/run_serial.h"
#include "sim/run_windows.h"
#include "sim/small_cluster.h"
#include "sim/totals.h"

#include <inttypes.h>
#include <string.h>

struct measured {
    struct belady_counts counts;
    uint64_t largest_ratio;
    uint64_t hit_blocks;
    struct digest digest;
};

static struct measured run(struct cluster *cluster, struct transport *transport, struct diag *diag)
{
    const bool ended = cluster->settings.synchronization == SYNCHRONIZATION_SERIAL
                           ? run_serial(cluster, NULL, NULL, diag)
                           : run_windows(cluster, transport, NULL, NULL, NULL, diag);
    assert_true(ended);
    const struct cluster_totals totals = cluster_totals(cluster, transport);
    struct recorder_summary summary;
    recorder_summarise(cluster->recorders[0], &summary);
    return (struct measured){.counts = totals.belady,
                             .largest_ratio = totals.largest_ratio,
                             .hit_blocks = summary.hit_toks / cluster->plan.engine.block_size,
                             .digest = recorder_digest(cluster->recorders[0])};
}

static struct measured run_random(const struct random_cluster *random)
{
    asim_config *config = random_cluster_config(random);
    struct diag diag;
    diag_init(&diag);
    struct cluster *cluster = random_cluster_create(random, config, &diag);
    struct transport *transport = transport_self_create();
    const struct measured measured = run(cluster, transport, &diag);
    transport_destroy(transport);
    cluster_destroy(cluster);
    diag_fini(&diag);
    asim_config_destroy(config);
    return measured;
}

/* Policies that decide at random for one seed in two, tiers below HBM for others. */
static bool draw_scenario(struct random_cluster *cluster, uint64_t seed, struct asim_policy *policy)
{
    const uint64_t dice = random_policy_mix(seed, 5);
    const bool has_tiers = (dice >> 8) % 3 > 0;
    random_cluster_init(cluster, seed);
    random_cluster_set(cluster, "enable_prefix_caching", "on");
    random_cluster_set(cluster, "warmup", "0s"); /* the accesses are those of the whole run */
    if (strcmp(random_cluster_get(cluster, "dispatch_latency"), "0ms") == 0) {
        random_cluster_set(cluster, "dispatch_latency", "1ms");
    }
    if (dice % 3 == 0) {
        random_cluster_use_graphs(cluster, seed);
    }
    if (has_tiers) {
        random_cluster_use_tiers(cluster, seed);
    }
    random_cluster_use_policies(cluster, seed);
    *policy = random_policy((uint32_t)(dice >> 32));
    if (dice >> 63) {
        cluster->retention = cluster->scheduling = policy;
    }
    return has_tiers;
}

static const struct {
    const char *synchronization, *threads, *stepping, *partition;
} trials[] = {
    {"serial", "1", "plain", "8"},         {"serial", "1", "steady", "8"}, {"windows", "1", "fast-forward", "8"},
    {"windows", "2", "fast-forward", "1"}, {"windows", "2", "plain", "2"}, {"windows", "3", "fast-forward", "1"},
    {"windows", "3", "steady", "2"},       {"serial", "1", "steady", "1"},
};

enum { TRIALS = sizeof trials / sizeof trials[0] };

static void check_seed(uint64_t seed, struct belady_counts *sums)
{
    struct random_cluster cluster;
    struct asim_policy policy;
    const bool has_tiers = draw_scenario(&cluster, seed, &policy);
    random_cluster_set(&cluster, "synchronization", "serial");
    const struct measured without = run_random(&cluster);
    assert_int_equal(without.counts.accesses, 0);
    random_cluster_set(&cluster, "belady_ratio", "on");
    const struct measured measured = run_random(&cluster);
    const struct belady_counts *counts = &measured.counts;
    if (counts->compulsory > counts->optimal || counts->optimal > counts->misses || counts->misses > counts->accesses ||
        measured.largest_ratio < 1000000000 * (uint64_t)(counts->optimal > 0) ||
        (!has_tiers && counts->accesses - counts->misses != measured.hit_blocks) ||
        measured.digest.low != without.digest.low || measured.digest.high != without.digest.high) {
        fail_msg("seed %" PRIu64 ": %" PRIu64 " accesses, %" PRIu64 " misses, optimal %" PRIu64 ", compulsory %" PRIu64
                 ", %" PRIu64 " blocks hit; the digest may differ",
                 seed, counts->accesses, counts->misses, counts->optimal, counts->compulsory, measured.hit_blocks);
    }
    for (uint64_t i = seed; i < seed + 3; i++) {
        random_cluster_set(&cluster, "synchronization", trials[i % TRIALS].synchronization);
        random_cluster_set(&cluster, "threads", trials[i % TRIALS].threads);
        random_cluster_set(&cluster, "stepping", trials[i % TRIALS].stepping);
        random_cluster_set(&cluster, "partition", trials[i % TRIALS].partition);
        const struct measured other = run_random(&cluster);
        if (memcmp(&other.counts, counts, sizeof *counts) != 0 || other.largest_ratio != measured.largest_ratio) {
            fail_msg("seed %" PRIu64 ": other counts with %s, %s threads, stepping %s", seed,
                     trials[i % TRIALS].synchronization, trials[i % TRIALS].threads, trials[i % TRIALS].stepping);
        }
    }
    sums->accesses += counts->accesses;
    sums->misses += counts->misses;
    sums->optimal += counts->optimal;
    sums->compulsory += counts->compulsory;
    random_cluster_fini(&cluster);
}

static void never_below_the_best(void **state)
{
    (void)state;
    struct belady_counts sums = {0};
    for (uint64_t seed = 20000; seed < 20060; seed++) {
        check_seed(seed, &sums);
    }
    print_message("%" PRIu64 " accesses, %" PRIu64 " misses, optimal %" PRIu64 ", compulsory %" PRIu64 "\n",
                  sums.accesses, sums.misses, sums.optimal, sums.compulsory);
    assert_true(sums.misses < sums.accesses && sums.optimal < sums.misses && sums.compulsory < sums.optimal);
}

/* Agents under some pressure: their contexts nearly fit. */
static struct measured run_agents(const char *retention)
{
    const char *const options[][2] = {{"generate", "swe-agent"},    {"programs", "60"},
                                      {"request_rate", "0.3/s"},    {"instances", "2"},
                                      {"belady_ratio", "on"},       {"retention", retention},
                                      {"kv_pool_tokens", "260000"}, {"synchronization", "windows"}};
    struct small_cluster small;
    small_cluster_init(&small, options, sizeof options / sizeof options[0]);
    const struct measured measured = run(small.cluster, small.transport, &small.diag);
    small_cluster_fini(&small);
    return measured;
}

static void who_sees_the_future_is_nearer(void **state)
{
    (void)state;
    const struct belady_counts lru = run_agents("lru").counts;
    const struct belady_counts oracle = run_agents("belady").counts;
    print_message("lru %.3f, belady %.3f\n", (double)lru.misses / (double)lru.optimal,
                  (double)oracle.misses / (double)oracle.optimal);
    assert_int_equal(lru.accesses, oracle.accesses);
    assert_true(oracle.misses < lru.misses);
    assert_true(lru.misses > lru.optimal); /* and oracle.misses / oracle.optimal < lru.misses / lru.optimal */
    assert_true((unsigned __int128)oracle.misses * lru.optimal < (unsigned __int128)lru.misses * oracle.optimal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_below_the_best),
        cmocka_unit_test(who_sees_the_future_is_nearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
