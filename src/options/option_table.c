#include "options/option_table.h"

#include "options/draws.h"
#include "options/gap.h"
#include "options/input_files.h"
#include "options/instants.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What users read as the type. */
#define TYPE_TEXT         "text"
#define TYPE_PATH         "path"
#define TYPE_CHOICE       "name"
#define TYPE_SWITCH       "on|off"
#define TYPE_COUNT        "count"
#define TYPE_DURATION     "duration"
#define TYPE_RATE         "rate"
#define TYPE_BANDWIDTH    "bandwidth"
#define TYPE_BYTES        "bytes"
#define TYPE_FRACTION     "fraction"
#define TYPE_NUMBER       "number"
#define TYPE_DISTRIBUTION "distribution"

#define OPTION(TOPIC, TYPE, PATH, FLAG, FIELD)                                                                         \
    .type = OPTION_##TYPE, .offset = offsetof(struct settings, FIELD), .doc.path = PATH, .doc.flag = FLAG,             \
    .doc.type = TYPE_##TYPE, .doc.topic = TOPIC, .doc.is_switch = OPTION_##TYPE == OPTION_SWITCH

#define DEFAULT(TEXT) .doc.default_text = TEXT
#define HELP(TEXT)    .doc.help = TEXT

/* Results do not depend on it. */
#define EXECUTION .doc.is_execution = true

/* Ranges and names, each the check and its text at once. */
#define RANGE(LOW, HIGH)       .min = LOW, .max = HIGH, .doc.allowed = #LOW " to " #HIGH
#define AT_LEAST(LOW)          .min = LOW, .max = INFINITY, .doc.allowed = ">= " #LOW
#define ABOVE(LOW)             .min = LOW, .max = INFINITY, .above_min = true, .doc.allowed = "> " #LOW
#define ABOVE_UP_TO(LOW, HIGH) .min = LOW, .max = HIGH, .above_min = true, .doc.allowed = "> " #LOW " and <= " #HIGH
#define POWER_OF_TWO(LOW, HIGH)                                                                                        \
    .min = LOW, .max = HIGH, .power_of_two = true, .doc.allowed = "a power of two, " #LOW " to " #HIGH
#define LIST(...)                                                                                                      \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }
#define COUNTS                   .doc.allowed = "a DISTRIBUTION of counts with a mean of 1 to 10000000", .check = check_counts
#define NAMES2(A, B)             .names = LIST(A, B), .doc.allowed = A "|" B
#define NAMES3(A, B, C)          .names = LIST(A, B, C), .doc.allowed = A "|" B "|" C
#define NAMES4(A, B, C, D)       .names = LIST(A, B, C, D), .doc.allowed = A "|" B "|" C "|" D
#define NAMES5(A, B, C, D, E)    .names = LIST(A, B, C, D, E), .doc.allowed = A "|" B "|" C "|" D "|" E
#define NAMES6(A, B, C, D, E, F) .names = LIST(A, B, C, D, E, F), .doc.allowed = A "|" B "|" C "|" D "|" E "|" F

static bool check_missing_gap(const char *text, char *message, size_t message_bytes)
{
    struct gap_rule rule;
    const bool good = gap_parse_missing(text, &rule, message, message_bytes);
    gap_rule_fini(&rule);
    return good;
}

static bool check_tool_gap(const char *text, char *message, size_t message_bytes)
{
    struct gap_rule rule;
    const bool good = gap_parse_tool(text, &rule, message, message_bytes);
    gap_rule_fini(&rule);
    return good;
}

static bool check_counts(const char *text, char *message, size_t message_bytes)
{
    struct distribution counts;
    return draws_parse_counts(text, &counts, message, message_bytes);
}

static bool check_instants(const char *text, char *message, size_t message_bytes)
{
    struct instants instants;
    const bool good = instants_parse(text, &instants, message, message_bytes);
    instants_fini(&instants);
    return good;
}

static bool check_durations(const char *text, char *message, size_t message_bytes)
{
    struct distribution seconds;
    return draws_parse_durations(text, &seconds, message, message_bytes);
}

static bool check_compute(const char *text, char *message, size_t message_bytes)
{
    const char *profile = input_profile(text);
    if (strcmp(text, "tile") == 0 || (profile && *profile)) {
        return true;
    }
    snprintf(message, message_bytes, "'%s' is not a compute model; allowed: tile, profile:DIR", text);
    return false;
}

static const struct option_topic topics[] = {
    {"workload", "what runs: programs, their turns, gaps and arrivals"},
    {"hardware", "the model, the accelerator and how step times are computed"},
    {"engine", "the serving engine of each instance, with vLLM's names"},
    {"cluster", "instances, routing, and how the simulation itself runs"},
    {"output", "what is written and shown"},
};

static const struct option_row rows[] = {
    /* ---- workload */
    {OPTION("workload", PATH, "workload", "--workload", workload),
     HELP("File or folder of programs to replay; its format is recognised by content, compressed (.gz, .zst) or "
          "not. Excludes generate.")},
    {OPTION("workload", CHOICE, "workload_format", "--workload-format", workload_format), DEFAULT("auto"),
     NAMES4("auto", "session", "weka", "columnar"),
     HELP("Format of the workload, where recognising it is not wanted.")},
    {OPTION("workload", TEXT, "generate", "--generate", generate),
     HELP("Generator of programs instead of a file, e.g. swe-agent or synthetic; `asim list generators` names them. "
          "Excludes workload.")},
    {OPTION("workload", COUNT, "programs", "--programs", programs), AT_LEAST(1),
     HELP("Number of programs: the first so many of a file, or how many to generate. Unset: all of a file, 50 of a "
          "generator.")},
    {OPTION("workload", CHOICE, "on_bad_line", "--on-bad-line", on_bad_line), DEFAULT("error"), NAMES2("error", "skip"),
     HELP("What to do with a line of the workload that cannot be read; skipped lines are counted and reported.")},
    {OPTION("workload", CHOICE, "on_long_prompt", "--on-long-prompt", on_long_prompt), DEFAULT("error"),
     NAMES3("error", "drop-program", "truncate"),
     HELP("What to do with a prompt beyond max_model_len or beyond the whole KV pool; dropped and truncated ones "
          "are counted and reported.")},
    {OPTION("workload", DISTRIBUTION, "missing_gap", "--missing-gap", missing_gap), DEFAULT("error"),
     .doc.allowed = "error, median, or a DISTRIBUTION of durations", .check = check_missing_gap,
     HELP("Tool gap of a turn whose workload gives none: an error, the median of the gaps that are given, or drawn "
          "from a distribution, e.g. exponential(mean=2s).")},
    {OPTION("workload", DISTRIBUTION, "tool_gap", "--tool-gap", tool_gap), DEFAULT("trace"),
     .doc.allowed = "trace, a DISTRIBUTION of durations, or TOOL=DISTRIBUTION,...", .check = check_tool_gap,
     HELP("Time from the end of a turn to the next turn of its program: as the workload says, or drawn from a "
          "distribution, for all tools or by tool, e.g. bash=lognormal(median=1.5s, p99=60s),edit=50ms. Tools that "
          "are not named keep the workload's gaps.")},
    {OPTION("workload", DURATION, "max_gap", "--max-gap", max_gap), AT_LEAST(0),
     HELP("Longest gap between two turns of a program: one that is longer, recorded or drawn, is taken as this long. "
          "Unset: gaps are as they are.")},
    {OPTION("workload", SWITCH, "reuse_generated", "--reuse-generated", reuse_generated), DEFAULT("on"),
     HELP("Whether a prompt that continues the previous turn holds its output verbatim, so that its KV can be "
          "reused; off for clients that drop reasoning or tokenise again.")},
    {OPTION("workload", TEXT, "shared_prefix", "--shared-prefix", shared_prefix),
     HELP("Name of one stream that the shared prefix tokens of all programs come from. Unset: shared prefixes are "
          "not shared across programs.")},
    {OPTION("workload", CHOICE, "arrivals", "--arrivals", arrivals), DEFAULT("auto"),
     NAMES5("auto", "recorded", "poisson", "zero", "closed"),
     HELP("When programs arrive: as recorded, a Poisson process of request_rate, all at time zero, or a closed loop "
          "of max_concurrency clients. auto: poisson when request_rate is given, closed when max_concurrency is, "
          "else recorded.")},
    {OPTION("workload", RATE, "request_rate", "--request-rate", request_rate), ABOVE(0),
     HELP("Mean arrival rate of programs, for Poisson arrivals. Excludes max_concurrency.")},
    {OPTION("workload", COUNT, "max_concurrency", "--max-concurrency", max_concurrency), RANGE(1, 1000000000),
     HELP("Clients of a closed loop: programs in progress at once. Excludes request_rate.")},
    {OPTION("workload", DURATION, "client_setup", "--client-setup", client_setup), DEFAULT("0s"), AT_LEAST(0),
     HELP("Time a closed-loop client takes before each program.")},
    {OPTION("workload", COUNT, "seed", "--seed", seed), DEFAULT("1"), AT_LEAST(0),
     HELP("Seed of everything drawn at random: generated programs, arrivals, gaps.")},
    {OPTION("workload", CHOICE, "hints", "--hints", hints), DEFAULT("off"), NAMES3("off", "exact", "noisy"),
     HELP("What generated programs tell policies of the gap after each turn (resume_ns of session files): nothing, how "
          "long it is, or that times a lognormal factor of median 1 and sigma 0.5. Not with tool_gap, nor with a "
          "workload, which has its own.")},
    {OPTION("workload", COUNT, "dag.depth", "--dag-depth", dag_depth), RANGE(1, 256),
     HELP("generate lats, deep-research: rounds of the search, or steps of a branch, on average. Unset: 16, or 6.")},
    {OPTION("workload", COUNT, "dag.fan_out", "--dag-fan-out", dag_fan_out), RANGE(1, 64),
     HELP("generate lats, deep-research: candidates of a round, or branches; they run side by side. Unset: 5.")},
    {OPTION("workload", DISTRIBUTION, "synthetic.turns", "--synthetic-turns", synthetic_turns),
     DEFAULT("geometric(mean=10, max=60)"), COUNTS,
     HELP("generate synthetic: turns of a program. Counts are rounded to whole numbers, at least 1.")},
    {OPTION("workload", COUNT, "synthetic.system_prompts", "--synthetic-system-prompts", synthetic_system_prompts),
     DEFAULT("16"), RANGE(1, 1000000000),
     HELP("generate synthetic: how many system prompts there are; each program has one of them, all equally likely, "
          "and shares its KV with the others that have it.")},
    {OPTION("workload", COUNT, "synthetic.system_prompt_tokens", "--synthetic-system-prompt-tokens",
            synthetic_system_prompt_tokens),
     DEFAULT("2000"), RANGE(0, 67108864),
     HELP("generate synthetic: tokens of each system prompt, with which the first prompt of a program begins.")},
    {OPTION("workload", DISTRIBUTION, "synthetic.first_prompt", "--synthetic-first-prompt", synthetic_first_prompt),
     DEFAULT("lognormal(mean=1000, sigma=0.85)"), COUNTS,
     HELP("generate synthetic: tokens of the first prompt after the system prompt.")},
    {OPTION("workload", DISTRIBUTION, "synthetic.growth", "--synthetic-growth", synthetic_growth),
     DEFAULT("lognormal(mean=600, sigma=0.85)"), COUNTS,
     HELP("generate synthetic: tokens from one prompt to the next, the output between them included; at least one is "
          "fresh.")},
    {OPTION("workload", DISTRIBUTION, "synthetic.output", "--synthetic-output", synthetic_output),
     DEFAULT("lognormal(mean=200, sigma=0.85)"), COUNTS, HELP("generate synthetic: output tokens of a turn.")},
    {OPTION("workload", DISTRIBUTION, "synthetic.gap", "--synthetic-gap", synthetic_gap),
     DEFAULT("lognormal(median=1.5s, p99=60s, min=1ms)"), .doc.allowed = "a DISTRIBUTION of durations",
     .check = check_durations, HELP("generate synthetic: tool gap after a turn.")},

    /* ---- hardware */
    {OPTION("hardware", TEXT, "model", "--model", model), DEFAULT("llama-3.1-8b"),
     HELP("Model: a Hugging Face config.json (a path holds a '/'), or a built-in name; `asim list models` names "
          "them.")},
    {OPTION("hardware", TEXT, "hardware", "--hardware", hardware), DEFAULT("h100-sxm"),
     HELP("Accelerator: a description file (a path holds a '/'), or a built-in name; `asim list hardware` names "
          "them.")},
    {OPTION("hardware", TEXT, "compute", "--compute", compute), DEFAULT("tile"), .doc.allowed = "tile, profile:DIR",
     .check = check_compute,
     HELP("Where step times come from: the tile model of kernels, or profiles measured on the accelerator, in the "
          "folder that holds tp1, tp2, ...")},
    {OPTION("hardware", COUNT, "tensor_parallel_size", "--tensor-parallel-size", tensor_parallel_size), DEFAULT("1"),
     POWER_OF_TWO(1, 64), HELP("Accelerators per instance, sharing each layer.")},
    {OPTION("hardware", FRACTION, "gpu_memory_utilization", "--gpu-memory-utilization", gpu_memory_utilization),
     DEFAULT("0.9"), ABOVE_UP_TO(0, 1), HELP("Fraction of accelerator memory the engine may use.")},
    {OPTION("hardware", COUNT, "num_gpu_blocks_override", "--num-gpu-blocks-override", num_gpu_blocks_override),
     RANGE(1, 2147483647), HELP("Size of the KV pool in blocks. Unset: what fits in memory. Excludes kv_pool_tokens.")},
    {OPTION("hardware", COUNT, "kv_pool_tokens", "--kv-pool-tokens", kv_pool_tokens), RANGE(1, 1099511627776),
     HELP("Size of the KV pool in tokens, rounded down to blocks. Unset: what fits in memory. Excludes "
          "num_gpu_blocks_override.")},
    {OPTION("hardware", DURATION, "host.exposed", "--host-exposed", host_exposed), AT_LEAST(0),
     HELP("CPU time added to every step. Unset: the hardware's.")},
    {OPTION("hardware", DURATION, "host.exposed_ungraphed", "--host-exposed-ungraphed", host_exposed_ungraphed),
     AT_LEAST(0), HELP("CPU time added on top to steps that run without a CUDA graph. Unset: the hardware's.")},
    {OPTION("hardware", DURATION, "host.hideable", "--host-hideable", host_hideable), AT_LEAST(0),
     HELP("CPU time that asynchronous scheduling hides under the previous step. Unset: the hardware's.")},
    {OPTION("hardware", DURATION, "allreduce.latency", "--allreduce-latency", allreduce_latency), AT_LEAST(0),
     HELP("Latency of one all-reduce. Unset: the hardware's law.")},
    {OPTION("hardware", BANDWIDTH, "allreduce.bandwidth", "--allreduce-bandwidth", allreduce_bandwidth), ABOVE(0),
     HELP("Bandwidth of one all-reduce. Unset: the hardware's law.")},

    {OPTION("hardware", BYTES, "tiers.dram", "--tiers-dram", tier_dram), AT_LEAST(0),
     HELP("Host DRAM for KV below HBM, of each group of tiers.sharing instances. Unset: none.")},
    {OPTION("hardware", CHOICE, "tiers.dram_replacement", "--tiers-dram-replacement", tier_dram_replacement),
     DEFAULT("lru"), NAMES2("lru", "arc"),
     HELP("What host DRAM gives up for new KV: what was used longest ago, or by ARC, which keeps apart what was used "
          "once and more often.")},
    {OPTION("hardware", BYTES, "tiers.cxl", "--tiers-cxl", tier_cxl), AT_LEAST(0),
     HELP("CXL memory for KV below that: what is stored above is copied on. Unset: none.")},
    {OPTION("hardware", BYTES, "tiers.nvme", "--tiers-nvme", tier_nvme), AT_LEAST(0),
     HELP("NVMe space for KV below that. Unset: none.")},
    {OPTION("hardware", COUNT, "tiers.sharing", "--tiers-sharing", tier_sharing), DEFAULT("1"), RANGE(1, 64),
     HELP("Instances that share the tiers of one host and its links; they are simulated together at exact times.")},
    {OPTION("hardware", COUNT, "tiers.cxl_sharing", "--tiers-cxl-sharing", tier_cxl_sharing), RANGE(1, 256),
     HELP("Instances, of several hosts, that share one pool of CXL memory: a multiple of tiers.sharing. tiers.cxl and "
          "tiers.cxl_bandwidth are those of the pool then. Unset: those of one host.")},
    {OPTION("hardware", BANDWIDTH, "tiers.host_link", "--tiers-host-link", tier_host_link), AT_LEAST(1000000),
     HELP("Bandwidth between one accelerator and its host, each way. Unset: the hardware's.")},
    {OPTION("hardware", BANDWIDTH, "tiers.dram_bandwidth", "--tiers-dram-bandwidth", tier_dram_bandwidth),
     AT_LEAST(1000000), HELP("Bandwidth of host DRAM, both ways together. Unset: the hardware's.")},
    {OPTION("hardware", BANDWIDTH, "tiers.cxl_bandwidth", "--tiers-cxl-bandwidth", tier_cxl_bandwidth),
     AT_LEAST(1000000), HELP("Bandwidth of the CXL device, both ways together. Unset: the hardware's.")},
    {OPTION("hardware", BANDWIDTH, "tiers.nvme_read_bandwidth", "--tiers-nvme-read-bandwidth",
            tier_nvme_read_bandwidth),
     AT_LEAST(1000000), HELP("Read bandwidth of NVMe. Unset: the hardware's.")},
    {OPTION("hardware", BANDWIDTH, "tiers.nvme_write_bandwidth", "--tiers-nvme-write-bandwidth",
            tier_nvme_write_bandwidth),
     AT_LEAST(1000000), HELP("Write bandwidth of NVMe. Unset: the hardware's.")},

    /* ---- engine */
    {OPTION("engine", CHOICE, "engine", "--engine", engine), DEFAULT("vllm-0.19"),
     NAMES3("vllm-0.10.2", "vllm-0.15.1", "vllm-0.19"),
     HELP("Version of the engine that is modelled; sets scheduler_reserve_full_isl (off, off, on) and "
          "async_scheduling (off, on, on) unless they are given.")},
    {OPTION("engine", COUNT, "max_model_len", "--max-model-len", max_model_len), RANGE(1, 268435456),
     HELP("Longest prompt plus output, in tokens. Unset: the model's.")},
    {OPTION("engine", COUNT, "max_num_seqs", "--max-num-seqs", max_num_seqs), RANGE(1, 1048576),
     HELP("Most sequences in one step. Unset: 1024 on accelerators with at least 70 GiB other than the A100, else "
          "256.")},
    {OPTION("engine", COUNT, "max_num_batched_tokens", "--max-num-batched-tokens", max_num_batched_tokens),
     RANGE(1, 16777216),
     HELP("Token budget of one step. Unset: 8192 on accelerators with at least 70 GiB other than the A100, else "
          "2048.")},
    {OPTION("engine", COUNT, "long_prefill_token_threshold", "--long-prefill-token-threshold",
            long_prefill_token_threshold),
     DEFAULT("0"), RANGE(0, 16777216),
     HELP("Most prompt tokens of one sequence in one step; 0: no limit but the budget.")},
    {OPTION("engine", COUNT, "block_size", "--block-size", block_size), DEFAULT("16"), POWER_OF_TWO(1, 256),
     HELP("Tokens of a KV block.")},
    {OPTION("engine", SWITCH, "enable_prefix_caching", "--enable-prefix-caching", enable_prefix_caching), DEFAULT("on"),
     HELP("Whether finished blocks are kept and found again by later prompts.")},
    {OPTION("engine", SWITCH, "enable_chunked_prefill", "--enable-chunked-prefill", enable_chunked_prefill),
     DEFAULT("on"), HELP("Whether a prompt may be computed in parts over several steps.")},
    {OPTION("engine", SWITCH, "scheduler_reserve_full_isl", "--scheduler-reserve-full-isl", scheduler_reserve_full_isl),
     HELP("Whether a prompt is admitted only when its whole length fits in the KV pool. Unset: the engine's.")},
    {OPTION("engine", SWITCH, "async_scheduling", "--async-scheduling", async_scheduling),
     HELP("Whether the next step is scheduled while one runs. Unset: the engine's.")},
    {OPTION("engine", FRACTION, "watermark", "--watermark", watermark), DEFAULT("0"), RANGE(0, 1),
     HELP("Fraction of the KV pool kept free when prompts are admitted.")},
    {OPTION("engine", COUNT, "max_cudagraph_capture_size", "--max-cudagraph-capture-size", max_cudagraph_capture_size),
     RANGE(0, 1048576),
     HELP("Most tokens of a step that runs as a CUDA graph; 0: none does. Unset: twice max_num_seqs, at most 512.")},
    {OPTION("engine", CHOICE, "pins", "--pins", pins), DEFAULT("until-deadline"),
     NAMES2("until-deadline", "until-needed"),
     HELP(
         "When pinned KV is given up that nobody has come back for. until-deadline: at the pin's deadline, or all of a "
         "program's where nothing could run otherwise. until-needed: never before nothing could run otherwise, and "
         "then as many of its last blocks as are needed, of pins past their deadline first; policies are not told "
         "which turn is a program's last, so that it is pinned after as well.")},
    {OPTION("engine", CHOICE, "offload.engine", "--offload-engine", offload_engine), DEFAULT("policy"),
     NAMES6("policy", "vllm", "lmcache", "hicache-write-through", "hicache-selective", "hicache-write-back"),
     HELP("When the engine copies KV to the tiers below HBM by itself. policy: only when a policy asks; vllm: every "
          "full block (native offloading); lmcache: whole chunks of prompts; hicache-...: SGLang's, what is hit once, "
          "what is hit twice, or what must make room. All load what they find when a turn is admitted.")},
    {OPTION("engine", CHOICE, "offload.overlap", "--offload-overlap", offload_overlap), DEFAULT("async"),
     NAMES2("async", "same-stream"), HELP("Whether copies run beside batches or between them.")},
    {OPTION("engine", COUNT, "offload.chunk", "--offload-chunk", offload_chunk), RANGE(1, 65536),
     HELP("Tokens that are stored and found together, a multiple of block_size. Unset: 256 with lmcache, else one "
          "block.")},
    {OPTION("engine", COUNT, "offload.load_quota", "--offload-load-quota", offload_load_quota), AT_LEAST(0),
     HELP("Most tokens that are loaded for a turn; one that would load more computes them. Unset: no limit but room in "
          "HBM, for which turns wait, or with hicache-... compute.")},
    {OPTION("engine", CHOICE, "offload.prefetch_stop", "--offload-prefetch-stop", offload_prefetch_stop),
     DEFAULT("best-effort"), NAMES3("best-effort", "wait-complete", "timeout"),
     HELP("With hicache-... and NVMe below another tier, what NVMe has of a prompt is fetched to the first tier while "
          "the turn waits. Whether that is cut short when the turn could be admitted, never, or after a time.")},
    {OPTION("engine", COUNT, "offload.prefetch_threshold", "--offload-prefetch-threshold", offload_prefetch_threshold),
     DEFAULT("256"), AT_LEAST(1), HELP("Fewer tokens are not fetched from NVMe ahead of their turn.")},
    {OPTION("engine", DURATION, "offload.prefetch_timeout", "--offload-prefetch-timeout", offload_prefetch_timeout),
     DEFAULT("1s"), AT_LEAST(0),
     HELP("Time after which offload.prefetch_stop: timeout cuts a fetch short; offload.prefetch_timeout_per_ktok adds "
          "to it.")},
    {OPTION("engine", DURATION, "offload.prefetch_timeout_per_ktok", "--offload-prefetch-timeout-per-ktok",
            offload_prefetch_timeout_per_ktok),
     DEFAULT("250ms"), AT_LEAST(0), HELP("What each 1000 tokens to fetch add to offload.prefetch_timeout.")},
    {OPTION("engine", TEXT, "policy", "--policy", policy),
     HELP("A policy for all planes that it serves, of retention, scheduling and routing: a shared object (a path holds "
          "a '/'), or a built-in name; `asim list policies` names them. Unset: the engine's own rules.")},
    {OPTION("engine", TEXT, "scheduling", "--scheduling", scheduling),
     HELP("The policy of who runs: the order in which waiting turns are admitted, and who is preempted. Unset: that of "
          "policy, else fcfs.")},
    {OPTION("engine", TEXT, "retention", "--retention", retention),
     HELP("The policy of what becomes of a program's KV between its turns. Unset: that of policy, else lru.")},
    {OPTION("engine", TEXT, "policy_parameters", "--policy-parameters", policy_parameters),
     HELP("Parameters of the policies, name=value or policy.name=value, separated by commas; `asim list policies` "
          "gives their names, ranges and defaults.")},

    /* ---- cluster */
    {OPTION("cluster", COUNT, "instances", "--instances", instances), DEFAULT("1"), RANGE(1, 1000000),
     HELP("Number of engine instances.")},
    {OPTION("cluster", TEXT, "routing", "--routing", routing),
     HELP("The policy of where a ready turn goes. Unset: that of policy, else session-affinity.")},
    {OPTION("cluster", FRACTION, "router.pressure_limit", "--router-pressure-limit", router_pressure_limit),
     DEFAULT("0.95"), RANGE(0, 1), HELP("Session affinity: KV use above which a program leaves its instance.")},
    {OPTION("cluster", NUMBER, "router.load_limit", "--router-load-limit", router_load_limit), DEFAULT("2"),
     AT_LEAST(1),
     HELP("Session affinity: outstanding turns over the mean of all instances above which a program leaves its "
          "instance, as a factor.")},
    {OPTION("cluster", CHOICE, "router.view", "--router-view", router_view), DEFAULT("telemetry"),
     NAMES2("telemetry", "exact"),
     HELP("What the router sees of the instances: a snapshot every telemetry period and what it sent since, or their "
          "state after the last step end before each decision.")},
    {OPTION("cluster", DURATION, "router.telemetry_period", "--router-telemetry-period", router_telemetry_period),
     DEFAULT("100ms"), ABOVE(0), HELP("How often the router sees the state of the instances.")},
    {OPTION("cluster", DURATION, "dispatch_latency", "--dispatch-latency", dispatch_latency), DEFAULT("1ms"),
     AT_LEAST(0),
     HELP("Time from a turn being ready to its arrival at an instance. 0 only with synchronization serial, which auto "
          "then chooses.")},
    {OPTION("cluster", COUNT, "threads", "--threads", threads), EXECUTION, DEFAULT("1"), RANGE(1, 1024),
     HELP("Threads of the simulation; results do not depend on it.")},
    {OPTION("cluster", CHOICE, "bind", "--bind", bind), EXECUTION, DEFAULT("none"), NAMES3("none", "cores", "numa"),
     HELP("Where the threads may run: anywhere, each on a core of its own, or each on a NUMA node.")},
    {OPTION("cluster", CHOICE, "synchronization", "--synchronization", synchronization), DEFAULT("auto"),
     NAMES3("auto", "windows", "serial"),
     HELP("How events are kept in order: in windows of lookahead, which threads share, or one by one on one thread; "
          "results do not depend on it. auto: windows, unless dispatch_latency is 0, or one thread routes by exact "
          "states.")},
    {OPTION("cluster", CHOICE, "transport", "--transport", transport), EXECUTION, DEFAULT("none"),
     NAMES2("none", "mpi"),
     HELP("How several processes share the simulation: not, or as ranks of MPI (mpirun -n N asim run --transport mpi, "
          "in a build with MPI), each with a part of the instances; results do not depend on it.")},
    {OPTION("cluster", COUNT, "partition", "--partition", partition), EXECUTION, DEFAULT("8"), RANGE(1, 1000000),
     HELP("Instances that a thread claims together, those of a node; results do not depend on it.")},
    {OPTION("cluster", DURATION, "window", "--window", window), EXECUTION, ABOVE(0),
     HELP("Longest window of simulated time between two meetings of the threads; results do not depend on it. Unset: "
          "as long as the lookahead allows.")},
    {OPTION("cluster", CHOICE, "stepping", "--stepping", stepping), EXECUTION, DEFAULT("fast-forward"),
     NAMES3("plain", "steady", "fast-forward"),
     HELP("How steps are simulated: each sequence in each step, steady decode by aggregates, or steady stretches "
          "skipped; results do not depend on it.")},
    {OPTION("cluster", DURATION, "warmup", "--warmup", warmup), DEFAULT("0s"), AT_LEAST(0),
     HELP("Simulated time to leave out of the statistics: turns that became ready and programs that arrived before it "
          "are simulated and counted, but are in no latency, token or preemption figure.")},
    {OPTION("cluster", DURATION, "stop_at", "--stop-at", stop_at), ABOVE(0),
     HELP("Simulated time at which the run ends; what is still under way is counted as interrupted. Unset: when all "
          "programs have ended.")},

    /* ---- output */
    {OPTION("output", PATH, "out", "--out", out), EXECUTION,
     HELP("Folder to write the run to; one that holds an earlier run is replaced, any other that is not empty is "
          "refused.")},
    {OPTION("output", DURATION, "checkpoint_every", "--checkpoint-every", checkpoint_every), EXECUTION, ABOVE(0),
     HELP("Wall time from one checkpoint of the run to the next, written to the folder of --out; a run that was cut "
          "short "
          "goes on with `asim run --resume DIR`. Unset: none is written.")},
    {OPTION("output", SWITCH, "json", "--json", json), EXECUTION, DEFAULT("off"),
     HELP("Print the summary as JSON, and nothing else, on standard output.")},
    {OPTION("output", CHOICE, "progress", "--progress", progress), EXECUTION, DEFAULT("auto"),
     NAMES5("auto", "bar", "plain", "json", "none"),
     HELP("Progress on standard error: auto is a bar on a terminal and plain lines elsewhere.")},
    {OPTION("output", SWITCH, "engine_stats", "--engine-stats", engine_stats), EXECUTION, DEFAULT("off"),
     HELP("Also show what the simulation engine observed of itself: windows, lookahead and what set it, work, span and "
          "the speed-up they allow, routing, waiting, memory. Measuring costs a little time.")},
    {OPTION("output", SWITCH, "turns_csv", "--turns-csv", turns_csv), DEFAULT("off"),
     HELP("Also write turns.csv, one row per turn.")},
    {OPTION("output", SWITCH, "decisions_log", "--decisions-log", decisions_log), DEFAULT("off"),
     HELP("Also write decisions.jsonl, one decision of a policy a line: where turns were sent, and what was decided "
          "inside "
          "instances. All are kept in memory, about 80 bytes each. Excludes checkpoints and transport mpi.")},
    {OPTION("output", SWITCH, "belady_ratio", "--belady-ratio", belady_ratio), DEFAULT("off"),
     HELP("Also tell how many KV blocks of prompts were missed in HBM over how many the best evictions, which see the "
          "future, would have missed (kv.belady). What is looked up and entered is kept in memory. Excludes "
          "checkpoints.")},
    {OPTION("output", TEXT, "residency_at", "--residency-at", residency_at), .check = check_instants,
     .doc.allowed = "durations above 0, each longer than the one before it",
     HELP("Also write residency.jsonl: where the KV of every program was at these instants of simulated time, e.g. "
          "10s,1min. All records are kept in memory. Excludes checkpoints and transport mpi.")},
    {OPTION("output", DURATION, "residency_every", "--residency-every", residency_every), ABOVE(0),
     HELP("Also write residency.jsonl, as residency_at does, every so much simulated time while programs are in "
          "progress "
          "or to come. Both may be given.")},
    {OPTION("output", COUNT, "program_rows", "--program-rows", program_rows), DEFAULT("10000"), RANGE(0, 4294967295),
     HELP("Most rows of programs.csv; beyond it, programs are sampled by a hash of their id.")},
    {OPTION("output", DURATION, "slo.ttft", "--slo-ttft", slo_ttft), ABOVE(0),
     HELP("Service level of turns: TTFT within it. The summary tells how many turns are within all that are given, and "
          "the goodput. Unset: any.")},
    {OPTION("output", DURATION, "slo.tpot", "--slo-tpot", slo_tpot), ABOVE(0),
     HELP("Service level of turns: TPOT within it; turns of at most one output token have none. Unset: any.")},
    {OPTION("output", DURATION, "slo.jct", "--slo-jct", slo_jct), ABOVE(0),
     HELP("Service level of programs: JCT within it. Unset: any.")},
};

enum { ROWS = sizeof rows / sizeof rows[0], TOPICS = sizeof topics / sizeof topics[0] };

size_t option_count(void)
{
    return ROWS;
}

const struct option_row *option_at(size_t index)
{
    return index < ROWS ? &rows[index] : NULL;
}

const struct option_topic *option_topic_at(size_t index)
{
    return index < TOPICS ? &topics[index] : NULL;
}
