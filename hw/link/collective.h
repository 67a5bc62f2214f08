/* All-reduce over the GPUs of one engine.
 *
 *     T = min(a + b (n-1) + (n-1) S/bw1,  A + B (n-1) + 2 (n-1)/n S/bw2)      one-shot, or ring and multicast
 *     T = latency + S/bandwidth                                               fitted to the engine's own steps
 *
 * for S bytes on n GPUs. The first is fitted to micro-benchmarks; the second to real runs, on hosts where collectives
 * are far slower than those (no GPU peer-to-peer): collectives belong to the host, not to the GPU.
 */
#ifndef ASIM_HW_LINK_COLLECTIVE_H
#define ASIM_HW_LINK_COLLECTIVE_H

#include "hw/device.h"

/* Microseconds; 0 for n = 1. */
double all_reduce_us(const struct collective_constants *constants, uint32_t n, double bytes);

#endif
