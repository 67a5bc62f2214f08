#include "sim/window_properties.h"

#include "support/support.h"

#include "sim/bend.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct bend bends[] = {
    {.name = "as drawn"},
    {"many instances", {{"instances", "41"}}},
    {"one instance", {{"instances", "1"}, {"tool_gap", "0s"}}},
    {"dispatch latency above the telemetry period", {{"router.telemetry_period", "1ms"}, {"dispatch_latency", "23ms"}}},
    {"telemetry period far above the dispatch latency",
     {{"router.telemetry_period", "10s"}, {"dispatch_latency", "10us"}}},
    {"exact views", {{"router.view", "exact"}, {"instances", "11"}}},
    {"exact views, zero gaps", {{"router.view", "exact"}, {"routing", "least-loaded"}, {"tool_gap", "0s"}}},
    {"clients without set-up", {{"max_concurrency", "20"}, {"client_setup", "0s"}, {"instances", "19"}}},
    {"dispatch latency equal to the telemetry period",
     {{"router.telemetry_period", "5ms"}, {"dispatch_latency", "5ms"}, {"instances", "9"}}},
    {"many turns in a gap, short telemetry periods",
     {{"generate", "synthetic"},
      {"programs", "500"},
      {"synthetic.system_prompt_tokens", "0"},
      {"synthetic.turns", "geometric(mean=6, max=9)"},
      {"synthetic.first_prompt", "lognormal(mean=20, sigma=0.3)"},
      {"synthetic.growth", "lognormal(mean=12, sigma=0.3)"},
      {"synthetic.output", "lognormal(mean=5, sigma=0.3)"},
      {"synthetic.gap", "lognormal(median=2s, p99=20s, min=1ms)"},
      {"tool_gap", "trace"},
      {"routing", "session-affinity"},
      {"router.telemetry_period", "5ms"},
      {"instances", "2"}}},
    {"turns that come back within a telemetry period, and first turns among them",
     {{"generate", "synthetic"},
      {"programs", "120"},
      {"synthetic.turns", "geometric(mean=12, max=40)"},
      {"synthetic.first_prompt", "lognormal(mean=60, sigma=0.5)"},
      {"synthetic.growth", "lognormal(mean=20, sigma=0.3)"},
      {"synthetic.output", "lognormal(mean=4, sigma=0.8)"},
      {"synthetic.gap", "lognormal(median=40ms, p99=1s, min=1us)"},
      {"tool_gap", "trace"},
      {"routing", "session-affinity"},
      {"request_rate", "150/s"},
      {"max_model_len", "6000"},
      {"num_gpu_blocks_override", "4000"},
      {"max_num_seqs", "64"},
      {"dispatch_latency", "1ms"},
      {"router.telemetry_period", "100ms"},
      {"instances", "6"}}},
    {"few homes, long telemetry periods",
     {{"routing", "session-affinity"}, {"router.telemetry_period", "300ms"}, {"instances", "3"}, {"tool_gap", "0s"}}},
};

/* As many turns as there may ever be have room at a home. */
static const struct bend never_left = {"homes that are never left",
                                       {{"generate", "synthetic"},
                                        {"programs", "60"},
                                        {"synthetic.turns", "geometric(mean=12, max=40)"},
                                        {"synthetic.output", "lognormal(mean=4, sigma=0.8)"},
                                        {"synthetic.gap", "lognormal(median=40ms, p99=1s, min=1us)"},
                                        {"tool_gap", "trace"},
                                        {"routing", "session-affinity"},
                                        {"router.load_limit", "1e12"},
                                        {"request_rate", "150/s"},
                                        {"dispatch_latency", "1ms"},
                                        {"router.telemetry_period", "100ms"},
                                        {"instances", "4"}}};

enum { N_BENDS = sizeof bends / sizeof bends[0] };

struct trial {
    const char *threads, *window, *stepping, *partition; /* NULL: unset */
};

static const struct trial trials[] = {
    {.threads = "1", .stepping = "fast-forward"},
    {.threads = "1", .stepping = "fast-forward", .window = "1ms"},
    {.threads = "1", .stepping = "fast-forward", .window = "7ms"},
    {.threads = "1", .stepping = "fast-forward", .window = "1s"},
    {.threads = "1", .stepping = "steady"},
    {.threads = "2", .stepping = "fast-forward"},
    {.threads = "2", .stepping = "steady", .window = "1ms"},
    {.threads = "3", .stepping = "fast-forward", .partition = "1"},
    {.threads = "3", .stepping = "steady", .window = "7ms"},
    {.threads = "4", .stepping = "fast-forward", .partition = "3"},
    {.threads = "4", .stepping = "steady", .window = "1s"},
    {.threads = "7", .stepping = "fast-forward", .partition = "2"},
    {.threads = "16", .stepping = "fast-forward", .partition = "1"},
};

/* What is running: a check that fails deep inside knows nothing of it. */
static char running[256];

static void print_running(int signal)
{
    (void)signal;
    const size_t length = strlen(running);
    const bool written = write(STDERR_FILENO, running, length) == (ssize_t)length;
    (void)!written;
}

int print_failed_windows(void **state)
{
    (void)state;
    if (running[0]) {
        print_message("failed with %s", running);
    }
    return 0;
}

/* The settings that another engine must answer as the serial one does: `oracle` is the summary there. */
static void check_trial(const struct random_cluster *cluster, const struct trial *trial, struct digest oracle,
                        const char *summary, const char *what)
{
    struct random_cluster windows = *cluster;
    struct cluster_coverage unused = {0};
    random_cluster_set(&windows, "synchronization", "windows");
    random_cluster_set(&windows, "threads", trial->threads);
    random_cluster_set(&windows, "stepping", trial->stepping);
    if (trial->window) {
        random_cluster_set(&windows, "window", trial->window);
    }
    if (trial->partition) {
        random_cluster_set(&windows, "partition", trial->partition);
    }
    snprintf(running, sizeof running, "%s: threads %s, window %s, stepping %s, partition %s\n", what, trial->threads,
             trial->window ? trial->window : "unset", trial->stepping, trial->partition ? trial->partition : "unset");
    const struct digest digest = random_cluster_run(&windows, &unused);
    if (digest.low != oracle.low || digest.high != oracle.high) {
        fail_msg("another history than that of the serial engine: %s", running);
    }
    char *other = random_cluster_summary(&windows);
    if (strcmp(other, summary) != 0) {
        fail_msg("another summary than that of the serial engine: %s%s\n%s", running, other, summary);
    }
    free(other);
}

static void check_bend(uint64_t seed, const struct bend *bend, bool graphs, struct cluster_coverage *coverage)
{
    struct random_cluster cluster;
    random_cluster_init(&cluster, seed);
    if (strcmp(random_cluster_get(&cluster, "dispatch_latency"), "0ms") == 0) {
        random_cluster_set(&cluster, "dispatch_latency", "1ms");
    }
    if (graphs) {
        random_cluster_use_graphs(&cluster, seed);
    }
    bend_to(&cluster, bend);
    random_cluster_set(&cluster, "synchronization", "serial");
    random_cluster_set(&cluster, "stepping", "fast-forward");
    char what[128];
    snprintf(what, sizeof what, "seed %" PRIu64 ", %s%s", seed, bend->name, graphs ? ", graphs" : "");
    snprintf(running, sizeof running, "%s: the serial engine\n", what);
    const struct digest digest = random_cluster_run(&cluster, coverage);
    char *summary = random_cluster_summary(&cluster);
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        check_trial(&cluster, &trials[i], digest, summary, what);
    }
    free(summary);
    random_cluster_fini(&cluster);
}

void check_homes_never_left(uint64_t seed)
{
    struct cluster_coverage unused = {0};
    check_bend(seed, &never_left, false, &unused);
    running[0] = '\0';
}

void check_window_properties(uint64_t first, uint64_t last)
{
    struct cluster_coverage c = {0};
    const struct sigaction action = {.sa_handler = print_running, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGABRT, &action, NULL);
    for (uint64_t seed = first; seed < last; seed++) {
        check_bend(seed, &bends[0], false, &c);
        check_bend(seed, &bends[1 + seed % (N_BENDS - 1)], false, &c);
        check_bend(seed, &bends[seed % N_BENDS], true, &c);
    }
    running[0] = '\0';
    print_message(
        "%" PRIu64 " scenarios, %" PRIu64 " programs, %" PRIu64 " turns; dropped %" PRIu64 ", preemptions %" PRIu64
        ", idle instances %" PRIu64 ", closed loops %" PRIu64 ", graphs %" PRIu64 ", joins %" PRIu64 "\n",
        c.runs, c.programs, c.turns, c.dropped, c.preemptions, c.idle_instances, c.closed_loops, c.graphs, c.joins);
    enum { SEEDS_FOR_ALL = 30 };
    assert_true(last - first < SEEDS_FOR_ALL ||
                (c.dropped && c.truncated && c.preemptions && c.affinity_hits && c.affinity_breaks &&
                 c.idle_instances && c.length_limited && c.hits && c.closed_loops && c.joins));
}
