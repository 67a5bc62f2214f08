/* Once a simulation is under way, its windows do not ask for memory. */
#include "support/support.h"

#include "sim/run_windows.h"
#include "sim/small_cluster.h"

#include <inttypes.h>

static struct engine_stats run(const char *threads)
{
    const char *const options[][2] = {
        {"generate", "synthetic"},    {"programs", "6000"},
        {"max_concurrency", "40"},    {"instances", "4"},
        {"max_num_seqs", "64"},       {"threads", threads},
        {"engine_stats", "on"},       {"partition", "1"},
        {"program_rows", "0"},        {"synthetic.turns", "geometric(mean=10, max=16)"},
        {"kv_pool_tokens", "150000"},
    };
    struct small_cluster small;
    small_cluster_init(&small, options, sizeof options / sizeof options[0]);
    struct engine_stats stats;
    assert_true(run_windows(small.cluster, small.transport, NULL, NULL, &stats, &small.diag));
    small_cluster_fini(&small);
    return stats;
}

/* Buffers have grown to what they need in the first third. */
static void no_memory_is_asked_for(void **state)
{
    (void)state;
    static const char *const threads[] = {"1", "3"};
    for (size_t i = 0; i < 2; i++) {
        const struct engine_stats stats = run(threads[i]);
        print_message("%s threads: %" PRIu64 " windows, %" PRIu64
                      " without a call for memory, the last one in window %" PRIu64 "\n",
                      threads[i], stats.windows, stats.windows_without, stats.last_allocation);
        assert_true(stats.windows > 10000 && stats.allocations > 0);
#ifdef NDEBUG /* the checks of debug builds ask for memory */
        assert_true(stats.windows - stats.windows_without < stats.windows / 1000);
        /* Which thread's buffers hold the most depends on who comes to which partition. */
        assert_true(i > 0 || stats.last_allocation < stats.windows / 3);
#endif
    }
}

/* The account adds up: what closed the windows, what they held, and bounds between 1 and the number of threads. */
static void the_account_adds_up(void **state)
{
    (void)state;
    const struct engine_stats stats = run("2");
    uint64_t closed = 0;
    for (int rule = 0; rule < WINDOW_RULES; rule++) {
        closed += stats.closed_by[rule];
    }
    assert_int_equal(closed, stats.windows);
    assert_true(stats.turns_routed > 40000 && stats.lookaheads <= stats.windows && stats.lookahead_least > 0);
    assert_true(stats.work_ns > 0 && stats.span_ns <= stats.work_ns && stats.routing_ns <= stats.serial_ns);
    assert_int_equal(stats.bounded_ns[0], stats.work_ns);
    double last = 1.0;
    for (uint32_t i = 1; i < STATS_THREAD_COUNTS; i++) {
        const double bound = engine_stats_bound(&stats, i);
        assert_true(bound >= last && bound <= (double)(1u << i) + 1e-9 && bound <= engine_stats_work_over_span(&stats));
        last = bound;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_memory_is_asked_for), cmocka_unit_test(the_account_adds_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
