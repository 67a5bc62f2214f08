#include "instance/distance_set.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* Octave 0 is all below 2^LOWEST ps. */
enum { LOWEST = 20, HIGHEST = 60, OCTAVES = HIGHEST - LOWEST + 1, SUB_BITS = 4, SUB_BINS = 1 << SUB_BITS };

struct distance_bins {
    _Alignas(64) uint32_t members[OCTAVES][SUB_BINS]; /* an octave is a line */
};

void distance_set_init(struct distance_set *set)
{
    *set = (struct distance_set){.first = SIMTIME_NEVER, .bins = mem_aligned(64, sizeof(struct distance_bins))};
    memset(set->bins, 0, sizeof *set->bins);
}

void distance_set_fini(struct distance_set *set)
{
    mem_free(set->bins);
    *set = (struct distance_set){.first = SIMTIME_NEVER};
}

struct bin {
    uint32_t octave;
    uint32_t sub;
};

static struct bin bin_of(simtime distance)
{
    assert(distance >= 0 && distance < INT64_C(1) << HIGHEST);
    if (distance < INT64_C(1) << LOWEST) {
        return (struct bin){0, 0};
    }
    const uint32_t exponent = 63 - (uint32_t)__builtin_clzll((uint64_t)distance);
    return (struct bin){.octave = exponent - LOWEST + 1,
                        .sub = (uint32_t)(distance >> (exponent - SUB_BITS)) & (SUB_BINS - 1)};
}

/* The least distance of a bin. */
static simtime edge(struct bin bin)
{
    return bin.octave == 0 ? 0 : ((simtime)SUB_BINS + bin.sub) << (bin.octave - 1 + LOWEST - SUB_BITS);
}

/* The lowest bin of an octave that has members; SUB_BINS: none has. */
static uint32_t lowest(const struct distance_set *set, uint32_t octave)
{
    uint32_t sub = 0;
    while (sub < SUB_BINS && !set->bins->members[octave][sub]) {
        sub++;
    }
    return sub;
}

void distance_set_prefetch(const struct distance_set *set, simtime distance)
{
    __builtin_prefetch(set->bins->members[bin_of(distance).octave], 1);
}

void distance_set_enter(struct distance_set *set, simtime distance)
{
    const struct bin bin = bin_of(distance);
    set->bins->members[bin.octave][bin.sub]++;
    set->octaves |= UINT64_C(1) << bin.octave;
    set->first = edge(bin) < set->first ? edge(bin) : set->first;
}

uint32_t distance_set_below(const struct distance_set *set, simtime distance)
{
    uint32_t n = 0;
    for (uint64_t octaves = set->octaves; octaves; octaves &= octaves - 1) {
        const uint32_t octave = (uint32_t)__builtin_ctzll(octaves);
        for (uint32_t sub = 0; sub < SUB_BINS; sub++) {
            if (edge((struct bin){octave, sub}) >= distance) {
                return n;
            }
            n += set->bins->members[octave][sub];
        }
    }
    return n;
}

void distance_set_leave(struct distance_set *set, simtime distance)
{
    const struct bin bin = bin_of(distance);
    assert(set->bins->members[bin.octave][bin.sub]);
    if (--set->bins->members[bin.octave][bin.sub]) {
        return;
    }
    if (lowest(set, bin.octave) == SUB_BINS) {
        set->octaves &= ~(UINT64_C(1) << bin.octave);
    }
    if (!set->octaves) {
        set->first = SIMTIME_NEVER;
    } else if (edge(bin) == set->first) {
        const uint32_t octave = (uint32_t)__builtin_ctzll(set->octaves);
        set->first = edge((struct bin){.octave = octave, .sub = lowest(set, octave)});
    }
}
