/* A value for every option, not the default where there is another, and comparison of settings. */
#ifndef ASIM_TESTS_OPTIONS_SAMPLES_H
#define ASIM_TESTS_OPTIONS_SAMPLES_H

#include "options/option_lookup.h"

#include <string.h>

struct sample {
    const char *path, *text;
    int set; /* 0: in every set; 1, 2: options that exclude each other are in different sets */
};

static const struct sample samples[] = {
    {"workload", "traces/it's: a \"day\" # one, \xC3\xA9\n.jsonl", 1},
    {"generate", "swe-agent", 2},
    {"workload_format", "weka", 0},
    {"programs", "1234567", 0},
    {"on_bad_line", "skip", 0},
    {"on_long_prompt", "truncate", 0},
    {"missing_gap", "exponential(mean=2s)", 0},
    {"tool_gap", "bash=lognormal(median=1.5s, p99=60s),edit=50ms", 1},
    {"max_gap", "60s", 0},
    {"reuse_generated", "off", 0},
    {"shared_prefix", "~", 0},
    {"arrivals", "closed", 1},
    {"arrivals", "poisson", 2},
    {"request_rate", "0.3333333333333333/s", 2},
    {"max_concurrency", "17", 1},
    {"client_setup", "1234567ps", 1},
    {"seed", "18446744073709551614", 0},
    {"hints", "noisy", 2},
    {"dag.depth", "9", 0},
    {"dag.fan_out", "64", 0},
    {"synthetic.turns", "7", 0},
    {"synthetic.system_prompts", "3", 0},
    {"synthetic.system_prompt_tokens", "0", 0},
    {"synthetic.first_prompt", "uniform(100, 2e3)", 0},
    {"synthetic.growth", "exponential(mean=300, max=5000)", 0},
    {"synthetic.output", "fixed(50)", 0},
    {"synthetic.gap", "exponential(mean=2s, min=10ms)", 0},
    {"model", "./my model.json", 0},
    {"hardware", "- a100", 0},
    {"compute", "profile:/data/p: q", 0},
    {"tensor_parallel_size", "4", 0},
    {"gpu_memory_utilization", "0.8999999999999999", 0},
    {"num_gpu_blocks_override", "1000", 1},
    {"kv_pool_tokens", "99999", 2},
    {"host.exposed", "1.5ms", 0},
    {"host.exposed_ungraphed", "0", 0},
    {"host.hideable", "1us", 0},
    {"allreduce.latency", "7us", 0},
    {"allreduce.bandwidth", "123456789.123B/s", 0},
    {"engine", "vllm-0.10.2", 0},
    {"max_model_len", "4096", 0},
    {"max_num_seqs", "300", 0},
    {"max_num_batched_tokens", "5000", 0},
    {"long_prefill_token_threshold", "4096", 0},
    {"block_size", "32", 0},
    {"enable_prefix_caching", "off", 1},
    {"enable_chunked_prefill", "off", 0},
    {"scheduler_reserve_full_isl", "on", 0},
    {"async_scheduling", "on", 0},
    {"watermark", "1%", 0},
    {"max_cudagraph_capture_size", "0", 0},
    {"tiers.dram", "200GiB", 0},
    {"tiers.dram_replacement", "arc", 0},
    {"tiers.cxl", "1.5TB", 0},
    {"tiers.nvme", "2TiB", 0},
    {"tiers.sharing", "8", 0},
    {"tiers.cxl_sharing", "64", 0},
    {"tiers.host_link", "55GB/s", 0},
    {"tiers.dram_bandwidth", "300GB/s", 0},
    {"tiers.cxl_bandwidth", "30GB/s", 0},
    {"tiers.nvme_read_bandwidth", "7GB/s", 0},
    {"tiers.nvme_write_bandwidth", "5GB/s", 0},
    {"pins", "until-needed", 0},
    {"offload.engine", "hicache-selective", 0},
    {"offload.overlap", "same-stream", 0},
    {"offload.chunk", "512", 0},
    {"offload.load_quota", "4096", 0},
    {"offload.prefetch_stop", "timeout", 0},
    {"offload.prefetch_threshold", "32", 0},
    {"offload.prefetch_timeout", "2s", 0},
    {"offload.prefetch_timeout_per_ktok", "100ms", 0},
    {"policy", "session-affinity", 0},
    {"scheduling", "fcfs", 0},
    {"retention", "lru", 0},
    {"policy_parameters", "session-affinity.load_limit=3,pressure_limit=0.5", 0},
    {"instances", "64", 0},
    {"routing", "round-robin", 0},
    {"router.pressure_limit", "80%", 0},
    {"router.load_limit", "1.7", 0},
    {"router.view", "exact", 0},
    {"router.telemetry_period", "33ms", 0},
    {"dispatch_latency", "0.1us", 0},
    {"threads", "8", 0},
    {"bind", "cores", 0},
    {"synchronization", "windows", 0},
    {"partition", "3", 0},
    {"transport", "mpi", 1},
    {"checkpoint_every", "30s", 1},
    {"window", "7ms", 0},
    {"stepping", "plain", 0},
    {"warmup", "90s", 0},
    {"stop_at", "2h", 0},
    {"out", "null", 0},
    {"checkpoint_every", "90s", 1},
    {"json", "on", 0},
    {"progress", "json", 0},
    {"engine_stats", "on", 0},
    {"turns_csv", "on", 0},
    {"program_rows", "4294967295", 0},
    {"decisions_log", "on", 2},
    {"belady_ratio", "on", 2},
    {"residency_at", "333333333333ps,1s,2min", 2},
    {"residency_every", "10s", 2},
    {"slo.ttft", "500ms", 0},
    {"slo.tpot", "33333333333ps", 0},
    {"slo.jct", "10min", 0},
};

enum { N_SAMPLES = sizeof samples / sizeof samples[0] };

static inline bool texts_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The path of the first option in which two settings differ, or NULL. */
static inline const char *settings_difference(const struct settings *a, const struct settings *b)
{
    static const size_t sizes[] = {
        [OPTION_CHOICE] = sizeof(uint32_t),  [OPTION_SWITCH] = sizeof(bool),     [OPTION_COUNT] = sizeof(uint64_t),
        [OPTION_DURATION] = sizeof(simtime), [OPTION_RATE] = sizeof(double),     [OPTION_BANDWIDTH] = sizeof(double),
        [OPTION_BYTES] = sizeof(double),     [OPTION_FRACTION] = sizeof(double), [OPTION_NUMBER] = sizeof(double),
        [OPTION_DISTRIBUTION] = 0,
    };
    for (size_t i = 0; i < option_count(); i++) {
        const struct option_row *row = option_at(i);
        const char *left = (const char *)a + row->offset;
        const char *right = (const char *)b + row->offset;
        const size_t size = sizes[row->type];
        const bool same = size ? memcmp(left, right, size) == 0
                               : texts_equal(*(const char *const *)left, *(const char *const *)right);
        if (!same) {
            return row->doc.path;
        }
    }
    return NULL;
}

#endif
