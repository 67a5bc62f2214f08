/* The bins of a series: 1,024 per power of two, the first 2,048 one value wide each. */
#ifndef ASIM_METRICS_BINS_H
#define ASIM_METRICS_BINS_H

#include "base/simtime.h"

#include <stdint.h>

enum { SUB_BITS = 10, SUB_BINS = 1 << SUB_BITS, N_BINS = (63 - SUB_BITS) * SUB_BINS + SUB_BINS };

/* How many low bits the values of a bin differ in. */
static inline uint32_t bin_bits(uint32_t bin)
{
    return bin < 2 * SUB_BINS ? 0 : (bin >> SUB_BITS) - 1;
}

/* The same of the bin of a value. */
static inline uint32_t bin_bits_at(simtime value)
{
    return 63 - (uint32_t)__builtin_clzll((uint64_t)value | SUB_BINS) - SUB_BITS;
}

static inline uint32_t bin_of(simtime value)
{
    const uint32_t shift = bin_bits_at(value);
    return (shift << SUB_BITS) + (uint32_t)((uint64_t)value >> shift);
}

static inline double bin_low(uint32_t bin)
{
    const uint32_t shift = bin_bits(bin);
    return (double)((uint64_t)(bin - (shift << SUB_BITS)) << shift);
}

static inline double bin_width(uint32_t bin)
{
    return (double)(UINT64_C(1) << bin_bits(bin));
}

#endif
