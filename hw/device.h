/* Hardware and model descriptions, read from configs/hardware/NAME.yaml and Hugging Face config.json files. */
#ifndef ASIM_HW_DEVICE_H
#define ASIM_HW_DEVICE_H

#include "base/diag.h"
#include "hw/host_time.h"

#include <stdbool.h>
#include <stdint.h>

/* Constants of the GEMM tile model (see hw/tile/gemm.h for their meaning). Times in us, tk in ns. */
struct gemm_constants {
    double t0, te, eta_c, eta_m, q, i0, r_l2, tk, tsp, p, thr;
};

/* Constants of norms, rope, activation and embedding (hw/tile/elementwise.h). Time in us. */
struct elementwise_constants {
    double te;      /* launch and ramp */
    double r1;      /* rate up to the knee, in units of the HBM bandwidth (L2 hits) */
    double r2;      /* rate beyond it */
    double knee_l2; /* knee in units of the L2 capacity */
};

/* Constants of the attention models (hw/tile/attention.h). Times in us, dec_bw_sm in GB/s (0: no such limit). */
struct attention_constants {
    double dec_t0, dec_t_cta, dec_eta_m, dec_t_comb, dec_t_gqa, dec_t_blk, dec_bw_sm, dec_eta_g;
    double pre_t0, pre_eta_a, pre_t_cta, pre_qt, pre_qw;
    double mix_t0, mix_eta_a, mix_t_cta, mix_qq, mix_eta_m, mix_t_emp, mix_l2_factor; /* unused when separate */
    int bq;                                                                           /* query rows per CTA */
    bool pack_gqa; /* prefill packs the query heads of a KV head into one CTA */
    bool separate; /* prefill and decode attention are separate kernels (else one varlen launch) */
};

/* All-reduce laws (hw/link/collective.h): one-shot and ring or multicast. GB/s, us. */
struct collective_constants {
    double a, b, bw1, big_a, big_b, bw2;
    bool fitted; /* a fitted law `latency + bytes / bandwidth` replaces the two above */
    double latency_us, bandwidth_gbs;
};

/* Links over which KV moves (hw/link/network.h), bytes/s and start latencies. Those of the GPU are its own; of the host
 * there is one each, shared by its GPUs, but for the NIC, which each GPU has. */
struct link_constants {
    uint64_t pcie_up, pcie_down; /* GPU to host, host to GPU */
    simtime pcie_start;
    uint64_t peer; /* GPU to GPU, one way */
    simtime peer_start;
    uint64_t host_memory; /* both directions together */
    uint64_t cxl;         /* a memory device, both directions together */
    simtime cxl_start;
    uint64_t nvme_read, nvme_write;
    simtime nvme_start;
    uint64_t nic; /* one way */
    simtime nic_start;
};

/* Sampler: t0 + per_sequence * sequences, us. */
struct sampler_constants {
    double t0, per_sequence;
};

struct device {
    char name[64];
    char description[160];
    uint64_t memory_bytes; /* as the engine sees it (torch's total), a little below the vendor's figure */
    double hbm_gbs;
    uint32_t sms;
    double clock_ghz;
    double bf16_tflops; /* dense */
    uint64_t l2_bytes;
    double link_gbs; /* GPU to GPU, one way; 0 = PCIe only */
    uint32_t pcie_gen, pcie_lanes;
    double tdp_w;
    bool small_defaults; /* A100 and cards under 70 GiB: vLLM's smaller default budget */
    struct gemm_constants gemm;
    struct elementwise_constants elementwise;
    struct attention_constants attention;
    struct collective_constants collective;
    struct link_constants links;
    struct sampler_constants sampler;
    struct host_time host;  /* max_graph_tokens is the engine's, not read here */
    double sustained_clock; /* fraction of the profiled clock that long compute-bound steps hold; 1 = all */
    char calibration[512];  /* where the constants come from and how far to trust them, one line */
};

struct model_shape {
    char name[64];
    uint32_t hidden, layers, heads, kv_heads, head_dim, intermediate, vocab, max_position;
    bool qk_norm;  /* Qwen3: RMS norm on queries and keys */
    bool qkv_bias; /* Qwen2 */
    bool tied_embeddings;
    uint32_t dtype_bytes; /* 2: bfloat16, float16 */
};

/* `name` is a path when it contains '/', else a built-in name (configs/ compiled in). */
asim_status device_load(const char *name, struct device *out, struct diag *diag);
asim_status model_load(const char *name, struct model_shape *out, struct diag *diag);

/* Built-in names, NULL-terminated, in alphabetical order. */
const char *const *device_names(void);
const char *const *model_names(void);

/* Whether `model` can be cut into `tp` tensor-parallel ranks: query heads and intermediate size divide by tp, and KV
 * heads divide by it or, replicated, divide it. Adds an error otherwise. */
asim_status model_check_tensor_parallel(const struct model_shape *model, uint32_t tp, struct diag *diag);

/* KV heads on one rank: at least one, replicated when there are more ranks than heads. */
uint32_t model_kv_heads_per_rank(const struct model_shape *model, uint32_t tp);

/* Bytes of the weights on one of `tp` GPUs, and KV bytes of one token there. Embedding and LM head are cut along the
 * vocabulary, qkv, o, gate_up and down along heads and intermediate size; norms are replicated. */
uint64_t model_weight_bytes(const struct model_shape *model, uint32_t tp);
uint64_t model_kv_bytes_per_token(const struct model_shape *model, uint32_t tp);

/* How much fits: vLLM's memory profile, floor((utilization * memory - weights - activations - graphs) / block).
 *
 * Activations are an estimate of vLLM's profile run: tensors alive at the widest point of a layer (residual, input,
 * gate_up and its activation) for max_batched_tokens, plus logits of MEMORY_FIT_LOGIT_ROWS sequences in the model's
 * type and twice in float32 for the sampler. Graphs, CUDA context and NCCL buffers together are MEMORY_FIT_FIXED_BYTES,
 * an estimate too. Where the engine's block count matters and is known, set it instead. */
#define MEMORY_FIT_LOGIT_ROWS  256
#define MEMORY_FIT_FIXED_BYTES (UINT64_C(1) << 30)

struct memory_fit {
    uint64_t weight_bytes, activation_bytes, kv_bytes, block_bytes; /* per GPU */
    uint64_t n_blocks;
    uint64_t kv_tokens;
};
struct memory_fit memory_fit(const struct device *device, const struct model_shape *model, uint32_t tp,
                             double utilization, uint32_t block_size, uint32_t max_batched_tokens);

struct step_time;
struct step_time_options {
    const struct device *device;
    const struct model_shape *model;
    uint32_t tensor_parallel;
    uint32_t max_num_seqs;
    uint32_t max_num_batched_tokens;
    uint32_t max_graph_tokens; /* largest batch that runs as a CUDA graph (hw/model/kernels.h); 0: none does */
    const char *profile_dir;   /* NULL: tile model; else the folder that holds tp<N>/ */
};
struct step_time *step_time_create(const struct step_time_options *options, struct diag *diag);

#endif
