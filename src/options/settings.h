/* The resolved configuration: one field per option of the option table, in base units (seconds, bytes, per second).
 *
 * Only src/options writes it; everything else reads it. An option that was not given and has no default is "unset",
 * which is not a value: the field then holds the SETTING_UNSET of its type.
 */
#ifndef ASIM_OPTIONS_SETTINGS_H
#define ASIM_OPTIONS_SETTINGS_H

#include "base/simtime.h"

#include <stdbool.h>
#include <stdint.h>

#define SETTING_UNSET_COUNT  UINT64_MAX
#define SETTING_UNSET_TIME   INT64_MIN
#define SETTING_UNSET_NUMBER (-1.0) /* rates, bandwidths, fractions, numbers: test with < 0.0 */
/* unset text is NULL */

/* The order of names in the option table, and of enum workload_format. */
enum setting_workload_format {
    SETTING_FORMAT_AUTO,
    SETTING_FORMAT_SESSION,
    SETTING_FORMAT_WEKA,
    SETTING_FORMAT_COLUMNAR
};
enum setting_arrivals {
    SETTING_ARRIVALS_AUTO,
    SETTING_ARRIVALS_RECORDED,
    SETTING_ARRIVALS_POISSON,
    SETTING_ARRIVALS_ZERO,
    SETTING_ARRIVALS_CLOSED
};
enum setting_long_prompt { LONG_PROMPT_ERROR, LONG_PROMPT_DROP_PROGRAM, LONG_PROMPT_TRUNCATE };
enum setting_bad_line { BAD_LINE_ERROR, BAD_LINE_SKIP };
enum setting_hints { SETTING_HINTS_OFF, SETTING_HINTS_EXACT, SETTING_HINTS_NOISY };
enum setting_engine { ENGINE_VLLM_0_10_2, ENGINE_VLLM_0_15_1, ENGINE_VLLM_0_19 };
enum setting_stepping { STEPPING_PLAIN, STEPPING_STEADY, STEPPING_FAST_FORWARD };
enum setting_bind { BIND_NONE, BIND_CORES, BIND_NUMA };
enum setting_synchronization { SYNCHRONIZATION_AUTO, SYNCHRONIZATION_WINDOWS, SYNCHRONIZATION_SERIAL };
enum setting_transport { TRANSPORT_NONE, TRANSPORT_MPI };
enum setting_router_view { SETTING_VIEW_TELEMETRY, SETTING_VIEW_EXACT };
enum setting_offload {
    SETTING_OFFLOAD_POLICY,
    SETTING_OFFLOAD_VLLM,
    SETTING_OFFLOAD_LMCACHE,
    SETTING_OFFLOAD_HICACHE_THROUGH,
    SETTING_OFFLOAD_HICACHE_SELECTIVE,
    SETTING_OFFLOAD_HICACHE_BACK
};
enum setting_replacement { SETTING_REPLACEMENT_LRU, SETTING_REPLACEMENT_ARC };
enum setting_overlap { SETTING_OVERLAP_ASYNC, SETTING_OVERLAP_SAME_STREAM };
enum setting_pins { SETTING_PINS_UNTIL_DEADLINE, SETTING_PINS_UNTIL_NEEDED };
enum setting_prefetch_stop { SETTING_PREFETCH_BEST_EFFORT, SETTING_PREFETCH_WAIT, SETTING_PREFETCH_TIMEOUT };
enum setting_progress { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_NONE };

struct settings {
    /* workload */
    const char *workload;     /* path; NULL: the generator */
    uint32_t workload_format; /* enum setting_workload_format */
    const char *generate;     /* generator name */
    uint64_t programs;        /* unset: all of a file, 50 of a generator */
    uint32_t on_bad_line;     /* enum setting_bad_line */
    uint32_t on_long_prompt;  /* enum setting_long_prompt */
    const char *missing_gap;  /* text for gap_parse_missing (options/gap.h) */
    const char *tool_gap;     /* text for gap_parse_tool */
    simtime max_gap;          /* unset: none */
    bool reuse_generated;
    const char *shared_prefix; /* NULL: shared_prefix_toks is ignored */
    uint32_t arrivals;         /* enum setting_arrivals; never AUTO once resolved */
    double request_rate;       /* programs per second */
    uint64_t max_concurrency;  /* closed-loop clients */
    simtime client_setup;
    uint64_t seed;
    uint64_t dag_depth; /* of the generators of graphs; unset: as they have it */
    uint64_t dag_fan_out;
    const char *synthetic_turns; /* texts for draws_parse_counts (options/draws.h), of the generator `synthetic` */
    uint64_t synthetic_system_prompts;
    uint64_t synthetic_system_prompt_tokens;
    const char *synthetic_first_prompt;
    const char *synthetic_growth;
    const char *synthetic_output;
    uint32_t hints;            /* enum setting_hints, of generated programs */
    const char *synthetic_gap; /* text for draws_parse_durations */
    /* model and hardware */
    const char *model;
    const char *hardware;
    const char *compute; /* "tile" or "profile:DIR" */
    uint64_t tensor_parallel_size;
    double gpu_memory_utilization;
    uint64_t num_gpu_blocks_override;
    uint64_t kv_pool_tokens;
    simtime host_exposed;           /* unset: the hardware's */
    simtime host_exposed_ungraphed; /* unset: the hardware's */
    simtime host_hideable;          /* unset: the hardware's */
    simtime allreduce_latency;      /* unset: the hardware's law */
    double allreduce_bandwidth;     /* bytes per second; unset: the hardware's law */
    double tier_dram;               /* bytes of KV; unset: no such tier */
    double tier_cxl;
    double tier_nvme;
    uint64_t tier_sharing;          /* instances */
    uint64_t tier_cxl_sharing;      /* instances; unset: tier_sharing */
    double tier_host_link;          /* bytes per second; unset: the hardware's, as below */
    uint32_t tier_dram_replacement; /* enum setting_replacement */
    double tier_dram_bandwidth;
    double tier_cxl_bandwidth;
    double tier_nvme_read_bandwidth;
    double tier_nvme_write_bandwidth;
    /* engine */
    uint32_t engine; /* enum setting_engine: preset of the fields marked below */
    uint64_t max_model_len;
    uint64_t max_num_seqs;
    uint64_t max_num_batched_tokens;
    uint64_t long_prefill_token_threshold;
    uint64_t block_size;
    bool enable_prefix_caching;
    bool enable_chunked_prefill;
    bool scheduler_reserve_full_isl;     /* preset decides unless given */
    bool async_scheduling;               /* preset decides unless given */
    double watermark;                    /* fraction of the pool */
    uint64_t max_cudagraph_capture_size; /* unset: min(2 * max_num_seqs, 512) */
    uint32_t pins;                       /* enum setting_pins */
    uint32_t offload_engine;             /* enum setting_offload */
    uint32_t offload_overlap;            /* enum setting_overlap */
    uint64_t offload_chunk;              /* tokens; unset: the engine's */
    uint64_t offload_load_quota;         /* tokens; unset: none */
    uint32_t offload_prefetch_stop;      /* enum setting_prefetch_stop */
    uint64_t offload_prefetch_threshold; /* tokens */
    simtime offload_prefetch_timeout;
    simtime offload_prefetch_timeout_per_ktok;
    const char *policy; /* names of policies; NULL: not given */
    const char *scheduling;
    const char *retention;
    const char *policy_parameters; /* text for policy_parameters_read (policy/policy_parameters.h) */
    /* cluster */
    uint64_t instances;
    const char *routing;
    double router_pressure_limit; /* KV use (fraction) above which a session leaves its instance */
    double router_load_limit;     /* outstanding turns over the mean above which it leaves, factor */
    uint32_t router_view;         /* enum setting_router_view */
    simtime router_telemetry_period;
    simtime dispatch_latency;
    uint64_t threads;
    uint32_t bind;            /* enum setting_bind */
    uint32_t synchronization; /* enum setting_synchronization; never AUTO once resolved */
    simtime window;           /* unset: no limit */
    uint64_t partition;       /* instances */
    uint32_t transport;       /* enum setting_transport */
    uint32_t stepping;        /* enum setting_stepping */
    simtime warmup;
    simtime stop_at; /* unset: when all programs have ended */
    /* output */
    const char *out;
    simtime checkpoint_every; /* of wall time; unset: never */
    bool json;
    uint32_t progress; /* enum setting_progress */
    bool engine_stats;
    bool turns_csv;
    bool decisions_log;
    bool belady_ratio;
    const char *residency_at; /* text for instants_parse (options/instants.h); NULL: at none */
    simtime residency_every;  /* unset: never */
    uint64_t program_rows;
    simtime slo_ttft; /* unset: anything will do; the others too */
    simtime slo_tpot;
    simtime slo_jct;
};

#endif
