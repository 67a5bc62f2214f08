/* The engine that an instance runs: vLLM V1's scheduler parameters, resolved. */
#ifndef ASIM_INSTANCE_ENGINE_CONFIG_H
#define ASIM_INSTANCE_ENGINE_CONFIG_H

#include "base/simtime.h"
#include "hw/host_time.h"
#include "policy/policy_set.h"

#include <stdbool.h>
#include <stdint.h>

/* How an instance gets through its steps; all three give the same results to the picosecond. */
enum engine_stepping {
    ENGINE_PLAIN,        /* every sequence is looked at in every step: the oracle */
    ENGINE_STEADY,       /* decoding sequences are one aggregate: O(1) a step */
    ENGINE_FAST_FORWARD, /* stretches of steady steps are taken at once, in closed form */
};

/* How KV gets to another instance. */
struct kv_link {
    uint64_t bandwidth; /* of the NICs of an instance, one way, bytes/s */
    simtime latency;    /* of a copy */
    uint64_t block_bytes;
};

struct engine_config {
    uint32_t n_blocks;   /* of the pool, the null block included */
    uint32_t block_size; /* tokens */
    uint32_t max_num_seqs;
    uint32_t max_num_batched_tokens;
    uint32_t long_prefill_token_threshold; /* 0: none */
    uint32_t max_model_len;
    uint32_t watermark_blocks; /* kept free when a waiting turn is admitted beside running ones */
    uint32_t queue_depth;      /* 1: synchronous; 2: the next batch is composed while one runs */
    bool prefix_caching;
    bool chunked_prefill;
    bool reserve_full_prompt; /* admit only when the blocks of the whole prompt are free */
    bool pins_until_needed;   /* by blocks, where nothing can run otherwise; else until their deadline */
    struct host_time host;
    struct kv_link peers;
    enum engine_stepping stepping;
    simtime telemetry_period;
    bool logs_decisions;               /* keeps every decision of policies, for instance_append_decisions */
    bool measures_evictions;           /* against the best ones, for instance_belady; with prefix caching */
    const struct policy_set *policies; /* NULL: the engine's own rules, and nothing lies below HBM; borrowed */
};

#endif
