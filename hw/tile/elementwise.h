/* Kernels that stream activations: norms, rotary embedding, activation function, embedding look-up.
 *
 *     T = te + max(min(bytes, knee)/(W r1) + max(bytes - knee, 0)/(W r2),  norms t_norm/SMs)
 *
 * Up to the knee (about half of L2) the bytes come from L2, where the kernel before left them. Norms over single heads
 * (of queries and keys) are a CTA each, bound by their number and not by bytes: t_norm = 0.088 us fits the kernels
 * measured on an H100 (0.08) and in vLLM on an RTX PRO 6000 (0.1). All these kernels are a few percent of a step.
 */
#ifndef ASIM_HW_TILE_ELEMENTWISE_H
#define ASIM_HW_TILE_ELEMENTWISE_H

#include "hw/device.h"
#include "hw/tile/kernel_cost.h"

struct kernel_cost elementwise_cost(const struct device *device, double bytes, double norms);

#endif
