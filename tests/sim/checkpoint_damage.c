#include "sim/checkpoint_damage.h"

#include "support/packed_store.h"
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "sim/random_cluster.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is running: a check that fails deep inside knows nothing of it. */
static char running[256];

static void print_running(int signal)
{
    (void)signal;
    const bool written = write(STDERR_FILENO, running, strlen(running)) >= 0;
    (void)!written;
}

struct dice {
    uint64_t seed;
    uint32_t rolled;
};

static uint64_t draw(struct dice *dice, uint64_t n)
{
    return rng_u64((struct rng_key){.seed = dice->seed, .program = 55}, dice->rolled++) % n;
}

/* Ends a run after so many pulses. */
static bool count_down(void *user)
{
    uint64_t *left = user;
    return (*left)-- == 0;
}

/* From `resume` (NULL: from the beginning), for so many pulses; the checkpoint where it ends goes to `file`. */
static asim_status run(const asim_config *config, const char *resume, const char *file, uint64_t pulses)
{
    const asim_checkpoints checkpoints = {.struct_size = sizeof checkpoints, .file = file, .resume = resume};
    const asim_callbacks callbacks = {.struct_size = sizeof callbacks, .user = &pulses, .cancelled = count_down};
    asim_result *result = NULL;
    const asim_status status = asim_run_saved(config, &checkpoints, &callbacks, &result);
    const bool has_results = status == ASIM_OK || status == ASIM_INTERRUPTED;
    assert_true(has_results || asim_result_message_count(result) > 0);
    asim_result_destroy(result);
    return status;
}

static void write_content(const char *path, const unsigned char *content, size_t n)
{
    size_t size;
    unsigned char *bytes = packed_store(content, n, &size);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    mem_free(bytes);
}

static void damage(unsigned char *content, size_t n, struct dice *dice)
{
    const size_t at = draw(dice, n - 8);
    uint64_t value;
    switch (draw(dice, 4)) {
    case 0:
        memcpy(&value, content + at, sizeof value);
        value += 1;
        memcpy(content + at, &value, sizeof value);
        break;
    case 1:
        value = draw(dice, 3) ? draw(dice, 1000) : UINT64_MAX >> draw(dice, 64);
        memcpy(content + at, &value, sizeof value);
        break;
    default:
        content[at] ^= (unsigned char)(1 + draw(dice, 255));
    }
}

static void check_seed(uint64_t seed, int trials, uint64_t outcomes[2])
{
    enum { PULSES = 60 };
    struct random_cluster cluster;
    struct dice dice = {.seed = seed};
    char file[160];
    char damaged[160];
    random_cluster_init(&cluster, seed);
    if (strcmp(random_cluster_get(&cluster, "dispatch_latency"), "0ms") == 0) {
        random_cluster_set(&cluster, "dispatch_latency", "1ms");
    }
    if (seed % 2) {
        random_cluster_use_graphs(&cluster, seed);
    }
    if (seed / 4 % 2) {
        random_cluster_use_tiers(&cluster, seed);
        random_cluster_set(&cluster, "retention", "ttl"); /* without a state, which a policy may trust */
    }
    if (seed % 3 == 2) { /* turns that are moved; of its state it trusts nothing */
        random_cluster_set(&cluster, "routing", "saga-router");
        random_cluster_set(&cluster, "policy_parameters", "saga-router.idle=0s");
        random_cluster_set(&cluster, "router.telemetry_period", "5ms");
        random_cluster_set(&cluster, "max_num_seqs", "2");
        random_cluster_set(&cluster, "instances", "5");
    }
    random_cluster_set(&cluster, "router.view", seed % 4 == 3 ? "exact" : "telemetry");
    snprintf(file, sizeof file, "%s/whole_%" PRIu64 "_%ld.asimsave", ASIM_BINARY_FOLDER, seed, (long)getpid());
    snprintf(damaged, sizeof damaged, "%s/damaged_%" PRIu64 "_%ld.asimsave", ASIM_BINARY_FOLDER, seed, (long)getpid());
    random_cluster_set(&cluster, "window", "1ms"); /* so that it is long enough to be cut */
    asim_config *config = random_cluster_config(&cluster);
    if (run(config, NULL, file, 2 + seed % 20) == ASIM_OK || access(file, F_OK) != 0) { /* too short for a cut */
        asim_config_destroy(config);
        random_cluster_fini(&cluster);
        return;
    }
    size_t n;
    unsigned char *content = unpacked_store(file, &n);
    unsigned char *copy = mem_alloc(n);
    for (int trial = 0; trial < trials; trial++) {
        snprintf(running, sizeof running, "seed %" PRIu64 ", trial %d: %s\n", seed, trial, damaged);
        memcpy(copy, content, n);
        damage(copy, n, &dice);
        write_content(damaged, copy, n);
        const asim_status status = run(config, damaged, NULL, PULSES);
        outcomes[status == ASIM_OK || status == ASIM_INTERRUPTED]++;
    }
    mem_free(copy);
    mem_free(content);
    asim_config_destroy(config);
    unlink(file);
    unlink(damaged);
    random_cluster_fini(&cluster);
}

void check_checkpoint_damage(uint64_t first, uint64_t last, int trials)
{
    const struct sigaction action = {.sa_handler = print_running, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGABRT, &action, NULL);
    uint64_t outcomes[2] = {0};
    for (uint64_t seed = first; seed < last; seed++) {
        check_seed(seed, trials, outcomes);
    }
    print_message("%" PRIu64 " refused, %" PRIu64 " went on\n", outcomes[0], outcomes[1]);
    assert_true(outcomes[0] > 0);
}
