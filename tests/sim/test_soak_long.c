/* 24 simulated hours of agents at about 90 % of what two instances can serve: nothing is lost on the way. */
#include "support/support.h"

#include "kv/pool.h"
#include "sim/run_windows.h"
#include "sim/small_cluster.h"

#include <inttypes.h>

struct watch {
    uint64_t pulses;
    uint64_t most_in_progress;
    uint64_t most_cached; /* free blocks that cache something, of one instance */
};

/* Between windows: every aggregate of the engines, every block of the pools, and no turn without a program. */
static bool look(void *user, const struct cluster *cluster)
{
    struct watch *watch = user;
    uint64_t inside = 0;
    watch->pulses++;
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        const struct instance *instance = cluster->instances[i];
        inside += instance_turns_inside(instance);
        const uint64_t cached = kv_cached_free(instance_pool(instance));
        watch->most_cached = cached > watch->most_cached ? cached : watch->most_cached;
        if (watch->pulses % 64 == 0) {
            instance_check(instance);
            kv_pool_check(instance_pool(instance));
        }
    }
    const uint64_t in_progress = cluster_in_progress(cluster);
    watch->most_in_progress = in_progress > watch->most_in_progress ? in_progress : watch->most_in_progress;
    assert_true(inside <= in_progress);
    return false;
}

static void a_day_of_agents(void **state)
{
    (void)state;
    static const char *const options[][2] = {
        {"generate", "synthetic"}, {"programs", "67000"},   {"request_rate", "0.8/s"},
        {"instances", "2"},        {"max_num_seqs", "256"}, {"on_long_prompt", "truncate"},
        {"threads", "2"},          {"seed", "24"},          {"routing", "session-affinity"},
    };
    struct small_cluster small;
    small_cluster_init(&small, options, sizeof options / sizeof options[0]);
    const struct cluster *cluster = small.cluster;
    struct watch watch = {0};
    assert_true(run_windows(small.cluster, small.transport, look, &watch, NULL, &small.diag));
    struct recorder_summary summary;
    recorder_summarise(cluster->recorders[0], &summary);
    assert_int_equal(summary.programs_completed, 67000);
    assert_int_equal(cluster_in_progress(cluster), 0);
    assert_true(summary.end >= 23 * 3600 * SIMTIME_S);
    simtime busy = 0;
    uint64_t scheduled = 0;
    for (uint32_t i = 0; i < 2; i++) {
        const struct instance *instance = cluster->instances[i];
        assert_int_equal(instance_turns_inside(instance), 0);
        assert_int_equal(kv_free(instance_pool(instance)), kv_usable(instance_pool(instance)));
        kv_pool_check(instance_pool(instance));
        scheduled += instance_counters(instance)->scheduled_tokens;
        for (int bound = 0; bound < STEP_BOUNDS; bound++) {
            busy += instance_counters(instance)->part[bound];
        }
    }
    /* Every token was computed once, but for hits and for what preemptions threw away; the last token of a turn never
     * is. */
    const uint64_t needed = summary.prompt_toks + summary.generated_toks - summary.turns_completed - summary.hit_toks +
                            summary.recomputed_toks;
    assert_true(summary.preemptions ? scheduled <= needed : scheduled == needed);
    print_message("%" PRIu64 " turns in %.1f h, %.0f %% busy, at most %" PRIu64 " programs in progress, %" PRIu64
                  " pulses, %" PRIu64 " preemptions\n",
                  summary.turns_completed, simtime_to_s(summary.end) / 3600.0,
                  100.0 * (double)busy / (2.0 * (double)summary.end), watch.most_in_progress, watch.pulses,
                  summary.preemptions);
    small_cluster_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_day_of_agents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
