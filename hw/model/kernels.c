#include "hw/model/kernels.h"

void step_kernels_init(struct step_kernels *out, const struct step_time_options *options)
{
    const struct model_shape *model = options->model;
    const uint32_t tp = options->tensor_parallel;
    const double e = model->dtype_bytes;
    const double layers = model->layers;
    const uint32_t h = model->hidden;
    const uint32_t q = model->heads / tp * model->head_dim;
    const uint32_t kv = model_kv_heads_per_rank(model, tp) * model->head_dim;
    const uint32_t f = model->intermediate / tp;
    const double norm = 4 * e * h; /* add and norm: two in, two out */
    *out = (struct step_kernels){
        .dense =
            {
                [LAYER_EMBEDDING] = {.count = 1, .bytes_per_row = 2 * e * h}, /* read a row, write it */
                [LAYER_LAYERNORM] = {.count = 2 * layers, .bytes_per_row = norm},
                [LAYER_QKV_PROJ] = {.count = layers, .n = q + 2 * kv, .k = h},
                [LAYER_QK_NORM] = {.count = model->qk_norm ? layers : 0, .bytes_per_row = 2 * e * (q + kv)},
                [LAYER_ROTARY_EMB] = {.count = layers, .bytes_per_row = 2 * e * (q + kv)}, /* in place */
                [LAYER_O_PROJ] = {.count = layers, .n = h, .k = q},
                [LAYER_GATE_UP_PROJ] = {.count = layers, .n = 2 * f, .k = h},
                [LAYER_ACT_FN] = {.count = layers, .bytes_per_row = 3 * e * f}, /* silu(gate) * up */
                [LAYER_DOWN_PROJ] = {.count = layers, .n = h, .k = f},
                [LAYER_FINAL_LAYERNORM] = {.count = 1, .bytes_per_row = norm},
            },
        .lm_head = {.count = 1, .n = (model->vocab + tp - 1) / tp, .k = h},
        .all_reduces = tp > 1 ? 2 * layers + 1 : 0,
        .all_reduce_bytes_per_row = e * h,
        .max_graph_tokens = options->max_graph_tokens,
    };
}

uint32_t step_kernels_rows(const struct step_kernels *kernels, uint32_t tokens)
{
    uint32_t size = 1;
    if (tokens > 256) {
        size = (tokens + 15) / 16 * 16;
    } else if (tokens > 4) {
        size = (tokens + 7) / 8 * 8;
    } else {
        while (size < tokens) {
            size *= 2;
        }
    }
    return size <= kernels->max_graph_tokens ? size : tokens;
}
