/* Tiers and policies of a random cluster. */
#include "sim/random_cluster.h"

#include "base/rng.h"
#include "policy/policy_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct dice {
    uint64_t seed;
    uint32_t rolled;
};

static uint64_t draw(struct dice *dice, uint64_t low, uint64_t high)
{
    return low + rng_u64((struct rng_key){.seed = dice->seed, .program = 7}, dice->rolled++) % (high - low + 1);
}

static void set_number(struct random_cluster *cluster, const char *path, uint64_t value, const char *unit)
{
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 "%s", value, unit);
    random_cluster_set(cluster, path, text);
}

void random_cluster_use_tiers(struct random_cluster *cluster, uint64_t seed)
{
    static const char *const engines[] = {
        "policy", "vllm", "lmcache", "hicache-write-through", "hicache-selective", "hicache-write-back"};
    static const char *const tiers[] = {"tiers.dram", "tiers.cxl", "tiers.nvme"};
    static const char *const links[] = {"tiers.host_link", "tiers.dram_bandwidth", "tiers.cxl_bandwidth",
                                        "tiers.nvme_read_bandwidth", "tiers.nvme_write_bandwidth"};
    static const char *const bandwidths[] = {"100MB/s", "2GB/s", "40GB/s"};
    enum { TOKEN_KIB = 128 }; /* of the default model */
    struct dice dice = {.seed = seed, .rolled = 1 << 21};
    const uint64_t block_size = strtoull(random_cluster_get(cluster, "block_size"), NULL, 10);
    const uint64_t longest = strtoull(random_cluster_get(cluster, "max_model_len"), NULL, 10);
    random_cluster_set(cluster, "enable_prefix_caching", "on");
    random_cluster_set(cluster, "offload.engine", engines[draw(&dice, 0, 5)]);
    random_cluster_set(cluster, "offload.overlap", draw(&dice, 0, 2) ? "async" : "same-stream");
    if (draw(&dice, 0, 1)) {
        set_number(cluster, "offload.chunk", block_size * draw(&dice, 1, 4), "");
    }
    static const char *const stops[] = {"best-effort", "wait-complete", "timeout"};
    random_cluster_set(cluster, "offload.prefetch_stop", stops[draw(&dice, 0, 2)]);
    set_number(cluster, "offload.prefetch_threshold", draw(&dice, 1, 40), "");
    set_number(cluster, "offload.prefetch_timeout", draw(&dice, 0, 1000), "ms");
    if (draw(&dice, 0, 3) == 0) {
        set_number(cluster, "offload.load_quota", draw(&dice, 0, 2000), "");
    }
    random_cluster_set(cluster, "tiers.dram_replacement", draw(&dice, 0, 1) ? "lru" : "arc");
    set_number(cluster, "tiers.sharing", draw(&dice, 1, 3), "");
    const uint64_t n_tiers = draw(&dice, 1, 3);
    const bool skips = n_tiers == 2 && draw(&dice, 0, 1);  /* the one in between */
    const bool deepens = n_tiers > 1 && draw(&dice, 0, 1); /* so that more is found in the last one only */
    for (uint64_t i = 0; i < n_tiers; i++) {
        const uint64_t most = (deepens ? i + 1 < n_tiers ? 1 : 12 : 4) * longest / block_size;
        set_number(cluster, tiers[i && skips ? 2 : i], draw(&dice, 1, most) * TOKEN_KIB * block_size, "KiB");
    }
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (draw(&dice, 0, 2)) {
            random_cluster_set(cluster, links[i], bandwidths[draw(&dice, 0, 2)]);
        }
    }
    if (draw(&dice, 0, 1)) {
        const uint64_t sharing = strtoull(random_cluster_get(cluster, "tiers.sharing"), NULL, 10);
        set_number(cluster, "tiers.cxl_sharing", sharing * draw(&dice, 1, 3), "");
    }
}

/* One built-in policy that serves the plane. */
static const char *draw_policy(struct dice *dice, enum policy_plane plane)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < policy_count() && n < sizeof names / sizeof names[0]; i++) {
        if (policy_serves(policy_at(i), plane)) {
            names[n++] = policy_at(i)->name;
        }
    }
    return names[draw(dice, 0, n - 1)];
}

void random_cluster_use_policies(struct random_cluster *cluster, uint64_t seed)
{
    struct dice dice = {.seed = seed, .rolled = 1 << 22};
    random_cluster_set(cluster, "retention", draw_policy(&dice, POLICY_RETENTION));
    random_cluster_set(cluster, "scheduling", draw_policy(&dice, POLICY_SCHEDULING));
    random_cluster_set(cluster, "pins", draw(&dice, 0, 2) ? "until-deadline" : "until-needed");
}
