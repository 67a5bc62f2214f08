/* The tile model of a whole step: closed forms for every kernel of a dense decoder, with the constants of the device.
 *
 *     embedding;  per layer: norm, qkv, [q and k norm], rope, attention, o, [all-reduce], norm, gate_up, activation,
 *     down, [all-reduce];  final norm;  LM head on the rows that are sampled;  sampler
 *
 * Everything but attention depends on the number of tokens alone (LM head and sampler: of sampled rows), so it is
 * tabulated as it is asked for and a step costs two table reads and the closed form of attention. Entries are published
 * atomically and depend on nothing but their index: threads may share a model.
 *
 * The all-reduce of the embedding and the gather of the logits are left out: fitted laws have them in theirs.
 */
#ifndef ASIM_HW_TILE_TILE_STEP_H
#define ASIM_HW_TILE_TILE_STEP_H

#include "hw/kernel_model.h"

#endif
