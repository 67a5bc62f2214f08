/* Kernels that stream activations: norms, rotary embedding, activation function, embedding look-up.
 *
 *     T = te + min(bytes, knee)/(W r1) + max(bytes - knee, 0)/(W r2)
 *
 * Up to the knee (about half of L2) the bytes come from L2, where the kernel before left them. These kernels are at
 * most a few percent of a step.
 */
#ifndef ASIM_HW_TILE_ELEMENTWISE_H
#define ASIM_HW_TILE_ELEMENTWISE_H

#include "hw/device.h"
#include "hw/tile/kernel_cost.h"

struct kernel_cost elementwise_cost(const struct device *device, double bytes);

#endif
