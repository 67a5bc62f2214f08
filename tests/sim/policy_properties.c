#include "sim/policy_properties.h"

#include "support/support.h"

#include "policy/random_policy.h"
#include "sim/random_cluster.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char running[512];

static void print_running(int signal)
{
    (void)signal;
    const size_t length = strlen(running);
    const bool written = write(STDERR_FILENO, running, length) == (ssize_t)length;
    (void)!written;
}

int print_failed_policies(void **state)
{
    (void)state;
    if (running[0]) {
        print_message("failed with %s", running);
    }
    return 0;
}

/* A scenario; at random for two in three, the retention and scheduling are then in `policies`. */
static void draw_scenario(struct random_cluster *cluster, uint64_t seed, struct asim_policy policies[2])
{
    const uint64_t dice = random_policy_mix(seed, 77);
    random_cluster_init(cluster, seed);
    if (strcmp(random_cluster_get(cluster, "dispatch_latency"), "0ms") == 0) {
        random_cluster_set(cluster, "dispatch_latency", "1ms");
    }
    if (dice % 3 == 0) {
        random_cluster_use_graphs(cluster, seed);
    }
    if ((dice >> 8) % 5) {
        random_cluster_use_tiers(cluster, seed);
    }
    random_cluster_use_policies(cluster, seed);
    policies[0] = random_policy((uint32_t)(dice >> 32));
    policies[1] = (dice >> 40) % 16 ? random_policy((uint32_t)(dice >> 44)) : refusing_policy(false);
    if ((dice >> 60) % 3) {
        cluster->retention = &policies[0];
        cluster->scheduling = dice >> 63 ? &policies[1] : &policies[0];
    }
}

struct trial {
    const char *synchronization, *threads, *window, *stepping, *partition; /* window NULL: unset */
};

static const struct trial serial = {"serial", "1", NULL, "fast-forward", "8"};

static const struct trial trials[] = {
    {"serial", "1", NULL, "plain", "8"},         {"serial", "1", NULL, "steady", "8"},
    {"windows", "1", NULL, "fast-forward", "8"}, {"windows", "1", "7ms", "plain", "2"},
    {"windows", "2", NULL, "steady", "1"},       {"windows", "2", "1ms", "fast-forward", "3"},
    {"windows", "3", NULL, "fast-forward", "1"}, {"windows", "3", "1s", "plain", "2"},
};

enum { N_TRIALS = sizeof trials / sizeof trials[0], TRIALS_OF_A_SEED = 3 };

static struct random_cluster on_trial(const struct random_cluster *cluster, const struct trial *trial)
{
    struct random_cluster out = *cluster;
    random_cluster_set(&out, "synchronization", trial->synchronization);
    random_cluster_set(&out, "threads", trial->threads);
    random_cluster_set(&out, "stepping", trial->stepping);
    random_cluster_set(&out, "partition", trial->partition);
    if (trial->window) {
        random_cluster_set(&out, "window", trial->window);
    }
    return out;
}

static void describe(const struct random_cluster *cluster, const struct trial *trial, uint64_t seed)
{
    const char *engine = random_cluster_get(cluster, "offload.engine");
    snprintf(running, sizeof running,
             "seed %" PRIu64
             ": retention %s, scheduling %s, offload.engine %s; %s, threads %s, window %s, stepping %s, "
             "partition %s\n",
             seed, cluster->retention ? cluster->retention->name : random_cluster_get(cluster, "retention"),
             cluster->scheduling ? cluster->scheduling->name : random_cluster_get(cluster, "scheduling"),
             engine ? engine : "none", trial->synchronization, trial->threads, trial->window ? trial->window : "unset",
             trial->stepping, trial->partition);
}

static void require_same(struct digest a, struct digest b, const char *what)
{
    if (a.low != b.low || a.high != b.high) {
        fail_msg("another %s than on the serial engine: %s", what, running);
    }
}

static void check_seed(uint64_t seed, struct cluster_coverage *coverage)
{
    struct random_cluster cluster;
    struct asim_policy policies[2];
    draw_scenario(&cluster, seed, policies);
    struct random_cluster run = on_trial(&cluster, &serial);
    describe(&run, &serial, seed);
    const struct digest history = random_cluster_run(&run, coverage);
    const struct digest decisions = coverage->decisions;
    const bool named = !cluster.retention; /* the public interface knows no others */
    char *summary = named ? random_cluster_summary(&run) : NULL;
    for (uint64_t i = 0; i < TRIALS_OF_A_SEED; i++) {
        const struct trial *trial = &trials[(seed * TRIALS_OF_A_SEED + i * 3) % N_TRIALS];
        struct cluster_coverage unused = {0};
        run = on_trial(&cluster, trial);
        describe(&run, trial, seed);
        require_same(history, random_cluster_run(&run, &unused), "history");
        require_same(decisions, unused.decisions, "account of decisions");
        char *other = named ? random_cluster_summary(&run) : NULL;
        if (named && strcmp(other, summary) != 0) {
            fail_msg("another summary than on the serial engine: %s%s\n%s", running, other, summary);
        }
        free(other);
    }
    free(summary);
    random_cluster_fini(&cluster);
}

static void check_seeds(uint64_t first, uint64_t last, struct cluster_coverage *coverage)
{
    const struct sigaction action = {.sa_handler = print_running, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGABRT, &action, NULL);
    for (uint64_t seed = first; seed < last; seed++) {
        check_seed(seed, coverage);
    }
    running[0] = '\0';
}

void check_policy_seed(uint64_t seed)
{
    struct cluster_coverage unused = {0};
    check_seeds(seed, seed + 1, &unused);
}

void check_policy_properties(uint64_t first, uint64_t last)
{
    struct cluster_coverage c = {0};
    check_seeds(first, last, &c);
    print_message("%" PRIu64 " scenarios, %" PRIu64 " programs, %" PRIu64 " turns; preemptions %" PRIu64
                  ", residents that returned %" PRIu64 ", pins forced %" PRIu64 ", stores %" PRIu64 ", loads %" PRIu64
                  ", prefetches %" PRIu64 ", raises %" PRIu64 ", blocks from lower tiers %" PRIu64 "\n",
                  c.runs, c.programs, c.turns, c.preemptions, c.retained, c.pins_forced, c.stores, c.loads,
                  c.prefetches, c.raises, c.loaded_deep);
    assert_true(c.preemptions && c.retained && c.pins_forced && c.stores && c.loads && c.prefetches && c.raises &&
                c.loaded_deep);
}
