/* Measured times of all layers but attention: a curve per layer over tokens (dense.csv) or sequences
 * (per_sequence.csv).
 */
#ifndef ASIM_HW_PROFILE_LAYER_TABLE_H
#define ASIM_HW_PROFILE_LAYER_TABLE_H

#include "base/mem.h"
#include "hw/profile/curve.h"
#include "hw/profile/profile_csv.h"

/* X(enumerator, name in the file): by tokens, then by sequences. */
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
#define SEQUENCE_LAYERS(X)                                                                                             \
    X(LM_HEAD, "lm_head")                                                                                              \
    X(SAMPLER, "sampler")

#define LAYER_ENUM(id, name) LAYER_##id,
enum dense_layer { DENSE_LAYERS(LAYER_ENUM) N_DENSE_LAYERS };
enum sequence_layer { SEQUENCE_LAYERS(LAYER_ENUM) N_SEQUENCE_LAYERS };
#undef LAYER_ENUM

extern const struct profile_csv_format dense_csv_format;
extern const struct profile_csv_format sequence_csv_format;

/* One curve per layer of the format into curves[], which must be zeroed: a layer without rows keeps n = 0. The points
 * live in `arena`. */
void layer_table_build(const struct profile_csv *csv, struct arena *arena, struct curve curves[]);

#endif
