/* Measured times of all layers but attention: a curve per layer over tokens (dense.csv) or sequences
 * (per_sequence.csv).
 */
#ifndef ASIM_HW_PROFILE_LAYER_TABLE_H
#define ASIM_HW_PROFILE_LAYER_TABLE_H

#include "base/mem.h"
#include "hw/model/kernels.h"
#include "hw/profile/curve.h"
#include "hw/profile/profile_csv.h"

/* X(enumerator, name in the file). Those by tokens are DENSE_LAYERS (hw/model/kernels.h). */
#define SEQUENCE_LAYERS(X)                                                                                             \
    X(LM_HEAD, "lm_head")                                                                                              \
    X(SAMPLER, "sampler")

#define LAYER_ENUM(id, name) LAYER_##id,
enum sequence_layer { SEQUENCE_LAYERS(LAYER_ENUM) N_SEQUENCE_LAYERS };
#undef LAYER_ENUM

extern const struct profile_csv_format dense_csv_format;
extern const struct profile_csv_format sequence_csv_format;

/* One curve per layer of the format into curves[], which must be zeroed: a layer without rows keeps n = 0. The points
 * live in `arena`. */
void layer_table_build(const struct profile_csv *csv, struct arena *arena, struct curve curves[]);

#endif
