#include "sim/checkpoint_properties.h"

#include "support/support.h"

#include "base/rng.h"
#include "sim/bend.h"
#include "sim/saved_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct bend bends[] = {
    {.name = "as drawn"},
    {"many instances", {{"instances", "41"}}},
    {"exact views", {{"router.view", "exact"}, {"routing", "least-loaded"}, {"instances", "11"}}},
    {"clients", {{"max_concurrency", "7"}, {"client_setup", "20ms"}, {"instances", "5"}}},
    {"telemetry period far above the dispatch latency",
     {{"router.telemetry_period", "10s"}, {"dispatch_latency", "10us"}}},
    {"generated",
     {{"generate", "synthetic"},
      {"programs", "60"},
      {"request_rate", "40"},
      {"tool_gap", "trace"},
      {"synthetic.turns", "geometric(mean=4, max=9)"},
      {"max_model_len", "6000"},
      {"num_gpu_blocks_override", "1200"}}},
    {"turns that come back within a telemetry period",
     {{"generate", "synthetic"},
      {"programs", "40"},
      {"request_rate", "150/s"},
      {"tool_gap", "trace"},
      {"routing", "session-affinity"},
      {"router.telemetry_period", "100ms"},
      {"dispatch_latency", "1ms"},
      {"max_model_len", "6000"},
      {"num_gpu_blocks_override", "1200"},
      {"max_num_seqs", "64"},
      {"instances", "6"},
      {"synthetic.turns", "geometric(mean=9, max=20)"},
      {"synthetic.growth", "lognormal(mean=20, sigma=0.3)"},
      {"synthetic.output", "lognormal(mean=4, sigma=0.8)"},
      {"synthetic.gap", "lognormal(median=40ms, p99=1s, min=1us)"}}},
    {"a record of prompts", {{"routing", "dynamo-kv"}, {"instances", "4"}}},
    {"a record of prompts, exact views", {{"router.view", "exact"}, {"routing", "preble"}, {"instances", "4"}}},
    {"exact views, clients", {{"router.view", "exact"}, {"max_concurrency", "9"}, {"instances", "3"}}},
    {"turns held at the gateway",
     {{"routing", "thunderagent"},
      {"policy_parameters", "thunderagent.period=40ms,thunderagent.buffer=5000"},
      {"router.telemetry_period", "20ms"},
      {"instances", "3"}}},
    {"turns that are stolen",
     {{"routing", "saga-router"},
      {"policy_parameters", "saga-router.idle=0s"},
      {"router.telemetry_period", "5ms"},
      {"arrivals", "zero"},
      {"max_num_seqs", "2"},
      {"instances", "6"}}},
    {"turns that are stolen, exact views",
     {{"routing", "saga-router"},
      {"policy_parameters", "saga-router.idle=0s"},
      {"router.telemetry_period", "5ms"},
      {"router.view", "exact"},
      {"max_num_seqs", "2"},
      {"instances", "6"}}},
};

enum { N_BENDS = sizeof bends / sizeof bends[0] };

/* How a run goes on. */
struct way {
    const char *threads, *window, *stepping, *partition; /* window NULL: unset */
};

static const struct way ways[] = {
    {"1", NULL, "fast-forward", "8"}, {"3", NULL, "fast-forward", "8"}, {"1", "3ms", "steady", "1"},
    {"3", NULL, "plain", "2"},        {"1", NULL, "plain", "8"},        {"2", "50ms", "steady", "3"},
};

enum { N_WAYS = sizeof ways / sizeof ways[0] };

static char running[256];

int print_failed_checkpoint(void **state)
{
    (void)state;
    if (running[0]) {
        print_message("failed with %s\n", running);
    }
    return 0;
}

static struct random_cluster on_way(const struct random_cluster *cluster, const struct way *way)
{
    struct random_cluster out = *cluster;
    random_cluster_set(&out, "threads", way->threads);
    random_cluster_set(&out, "stepping", way->stepping);
    random_cluster_set(&out, "partition", way->partition);
    if (way->window) {
        random_cluster_set(&out, "window", way->window);
    }
    return out;
}

static char *resumed_summary(const struct random_cluster *random, const char *file)
{
    asim_config *config = random_cluster_config(random);
    const asim_checkpoints checkpoints = {.struct_size = sizeof checkpoints, .resume = file};
    asim_result *result = NULL;
    if (asim_run_saved(config, &checkpoints, NULL, &result) != ASIM_OK) {
        fail_msg("%s",
                 asim_result_message(result, asim_result_message_count(result) - 1, NULL)); /* warnings go first */
    }
    char *summary = strdup(asim_result_summary(result));
    asim_result_destroy(result);
    asim_config_destroy(config);
    return summary;
}

struct dice {
    uint64_t seed;
    uint32_t rolled;
};

static uint64_t draw(struct dice *dice, uint64_t n)
{
    return rng_u64((struct rng_key){.seed = dice->seed, .program = 99}, dice->rolled++) % n;
}

static void check_same(const struct random_cluster *cluster, const char *file, const char *summary)
{
    char *resumed = resumed_summary(cluster, file);
    if (strcmp(resumed, summary) != 0) {
        fail_msg("another summary than that of the uncut run: %s\n%s\n%s", running, resumed, summary);
    }
    free(resumed);
}

/* Cuts the run, goes on another way, is cut again, and goes on a third way. */
static void check_cut(const struct random_cluster *cluster, struct dice *dice, const char *file, const char *summary,
                      const char *what)
{
    struct way drawn[3];
    for (int i = 0; i < 3; i++) {
        drawn[i] = ways[draw(dice, N_WAYS)];
    }
    struct cut uncut = {.window = UINT64_MAX, .pulse = UINT64_MAX};
    const struct random_cluster first = on_way(cluster, &drawn[0]);
    const struct random_cluster second = on_way(cluster, &drawn[1]);
    const struct random_cluster third = on_way(cluster, &drawn[2]);
    run_cut(&first, NULL, file, &uncut);
    struct cut cut = {.window = draw(dice, uncut.windows), .pulse = UINT64_MAX};
    if (uncut.pulses && draw(dice, 3) == 0) {
        cut = (struct cut){.window = UINT64_MAX, .pulse = draw(dice, uncut.pulses)};
    }
    snprintf(running, sizeof running,
             "%s: cut at window %" PRIu64 " of %" PRIu64 ", pulse %" PRIu64 "; threads %s, %s, %s; stepping %s, %s, %s",
             what, cut.window, uncut.windows, cut.pulse, drawn[0].threads, drawn[1].threads, drawn[2].threads,
             drawn[0].stepping, drawn[1].stepping, drawn[2].stepping);
    unlink(file);
    run_cut(&first, NULL, file, &cut);
    if (access(file, F_OK) != 0) {
        assert_true(cut.pulse != UINT64_MAX); /* stopped in the window that was the last one anyway */
        return;
    }
    check_same(&second, file, summary);
    struct cut again = {.window = draw(dice, uncut.windows - (cut.window == UINT64_MAX ? 0 : cut.window)),
                        .pulse = UINT64_MAX};
    run_cut(&second, file, file, &again);
    check_same(&third, file, summary);
}

static void check_bend(uint64_t seed, const struct bend *bend, bool graphs, bool policies, uint32_t cuts)
{
    struct random_cluster cluster;
    struct dice dice = {.seed = seed};
    char what[128];
    char file[160];
    random_cluster_init(&cluster, seed);
    char *workload = strdup(random_cluster_get(&cluster, "workload"));
    if (strcmp(random_cluster_get(&cluster, "dispatch_latency"), "0ms") == 0) {
        random_cluster_set(&cluster, "dispatch_latency", "1ms");
    }
    if (graphs) {
        random_cluster_use_graphs(&cluster, seed);
    }
    bend_to(&cluster, bend);
    if (policies) {
        random_cluster_use_policies(&cluster, seed);
        if (seed % 4) {
            random_cluster_use_tiers(&cluster, seed);
        }
    }
    random_cluster_set(&cluster, "synchronization", "windows");
    snprintf(what, sizeof what, "seed %" PRIu64 ", %s%s%s", seed, bend->name, graphs ? ", graphs" : "",
             policies ? ", policies" : "");
    snprintf(running, sizeof running, "%s", what);
    snprintf(file, sizeof file, "%s/checkpoint_%" PRIu64 "_%ld.asimsave", ASIM_BINARY_FOLDER, seed, (long)getpid());
    char *summary = random_cluster_summary(&cluster);
    for (uint32_t i = 0; i < cuts; i++) {
        check_cut(&cluster, &dice, file, summary, what);
    }
    unlink(file);
    unlink(workload);
    free(workload);
    free(summary);
}

void check_checkpoint_properties(uint64_t first, uint64_t last, uint32_t cuts)
{
    for (uint64_t seed = first; seed < last; seed++) {
        check_bend(seed, &bends[0], false, false, cuts);
        check_bend(seed, &bends[1 + seed % (N_BENDS - 1)], false, false, cuts);
        check_bend(seed, &bends[seed % N_BENDS], true, false, cuts);
        check_bend(seed, &bends[0], false, true, cuts);
        check_bend(seed, &bends[seed % N_BENDS], true, true, cuts);
    }
    running[0] = '\0';
}
