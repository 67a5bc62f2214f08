/* The tile model of a whole step: closed forms, with the constants of the device, for every kernel that
 * hw/model/kernels.h lists, and for attention.
 *
 * Everything but attention depends on the number of rows alone (LM head and sampler: of sampled rows), so it is
 * tabulated as it is asked for and a step costs two table reads and the closed form of attention. Entries are published
 * atomically and depend on nothing but their index: threads may share a model.
 */
#ifndef ASIM_HW_TILE_TILE_STEP_H
#define ASIM_HW_TILE_TILE_STEP_H

#include "hw/kernel_model.h"

#endif
