/* What one engine step runs, whoever prices it: the kernels of a dense decoder on one of N tensor-parallel GPUs, how
 * often each runs, and the number of rows it sees. hw/tile puts a closed form behind every entry, hw/profile a measured
 * curve; neither counts for itself.
 *
 *     embedding;  per layer: norm, qkv, [q and k norm], rope, attention, o, [all-reduce], norm, gate_up, activation,
 *     down, [all-reduce];  final norm;  on the rows that are sampled: LM head, sampler
 *
 * On N > 1 GPUs there are 2 L + 1 all-reduces: of attention output and MLP output in each layer, and of the
 * vocabulary-parallel embedding. The gather of the logits is not counted. Attention depends on every sequence and is
 * left to the models.
 *
 * Steps of at most max_graph_tokens tokens run as a CUDA graph captured for a size at least theirs; its padding rows
 * are computed and reduced like others. Attention and the sampled rows are not padded.
 */
#ifndef ASIM_HW_MODEL_KERNELS_H
#define ASIM_HW_MODEL_KERNELS_H

#include "hw/device.h"
#include "hw/step_time.h"

/* Kernels that see every token: X(enumerator, name in profile files). */
#define DENSE_LAYERS(X)                                                                                                \
    X(EMBEDDING, "embedding")                                                                                          \
    X(LAYERNORM, "layernorm")                                                                                          \
    X(QKV_PROJ, "qkv_proj")                                                                                            \
    X(QK_NORM, "qk_norm")                                                                                              \
    X(ROTARY_EMB, "rotary_emb")                                                                                        \
    X(O_PROJ, "o_proj")                                                                                                \
    X(GATE_UP_PROJ, "gate_up_proj")                                                                                    \
    X(ACT_FN, "act_fn")                                                                                                \
    X(DOWN_PROJ, "down_proj")                                                                                          \
    X(FINAL_LAYERNORM, "final_layernorm")

#define LAYER_ENUM(id, name) LAYER_##id,
enum dense_layer { DENSE_LAYERS(LAYER_ENUM) N_DENSE_LAYERS };
#undef LAYER_ENUM

/* A product [rows, k] x [k, n], or, where n is 0, a kernel that streams activations. */
struct kernel_shape {
    double count; /* runs in one step; 0: the model has no such layer */
    uint32_t n, k;
    double bytes_per_row; /* streamed */
};

struct step_kernels {
    struct kernel_shape dense[N_DENSE_LAYERS];
    struct kernel_shape lm_head;
    double all_reduces; /* in one step; 0 on one GPU */
    double all_reduce_bytes_per_row;
    uint32_t max_graph_tokens;
};

/* tensor_parallel must divide the model (model_check_tensor_parallel). */
void step_kernels_init(struct step_kernels *out, const struct step_time_options *options);

/* Rows of the dense kernels in a step of `tokens` tokens. Sizes captured: 1, 2, 4, multiples of 8 up to 256, then of
 * 16, none above max_graph_tokens; `tokens` itself when it is beyond the largest. */
uint32_t step_kernels_rows(const struct step_kernels *kernels, uint32_t tokens);

/* A batch, counted. A chunk of one token runs as a decode like any other. */
struct batch_counts {
    uint32_t tokens;  /* scheduled */
    uint32_t sampled; /* rows of LM head and sampler */
    uint32_t decodes;
    uint64_t decode_context; /* summed, new tokens included */
};

static inline struct batch_counts batch_count(const struct batch_shape *shape)
{
    struct batch_counts counts = {.tokens = shape->n_decode,
                                  .sampled = shape->n_decode,
                                  .decodes = shape->n_decode,
                                  .decode_context = shape->decode_context};
    for (uint32_t i = 0; i < shape->n_chunks; i++) {
        const struct prefill_chunk *chunk = &shape->chunks[i];
        counts.tokens += chunk->tokens;
        counts.sampled += chunk->sampled;
        if (chunk->tokens == 1) {
            counts.decodes++;
            counts.decode_context += (uint64_t)chunk->context + 1;
        }
    }
    return counts;
}

#endif
