#include "instance/distance_set.h"

#include "base/mem.h"

#include <assert.h>

/* Octave 0 is all below 2^LOWEST ps. */
enum { LOWEST = 20, HIGHEST = 60, OCTAVES = HIGHEST - LOWEST + 1, SUB_BITS = 4, SUB_BINS = 1 << SUB_BITS };

struct distance_bins {
    uint16_t used[OCTAVES]; /* bit k: bin k of the octave has members */
    uint32_t members[OCTAVES][SUB_BINS];
};

void distance_set_init(struct distance_set *set)
{
    *set = (struct distance_set){.first = SIMTIME_NEVER, .bins = mem_zalloc(sizeof(struct distance_bins))};
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

/* The least distance of the lowest bin with members. */
static simtime first(const struct distance_set *set)
{
    if (!set->octaves) {
        return SIMTIME_NEVER;
    }
    const uint32_t octave = (uint32_t)__builtin_ctzll(set->octaves);
    if (octave == 0) {
        return 0;
    }
    const simtime sub = SUB_BINS + __builtin_ctz(set->bins->used[octave]);
    return sub << (octave - 1 + LOWEST - SUB_BITS);
}

void distance_set_enter(struct distance_set *set, simtime distance)
{
    const struct bin bin = bin_of(distance);
    if (set->bins->members[bin.octave][bin.sub]++ == 0) {
        set->bins->used[bin.octave] |= (uint16_t)(1u << bin.sub);
        set->octaves |= UINT64_C(1) << bin.octave;
        set->first = first(set);
    }
}

void distance_set_leave(struct distance_set *set, simtime distance)
{
    const struct bin bin = bin_of(distance);
    assert(set->bins->members[bin.octave][bin.sub]);
    if (--set->bins->members[bin.octave][bin.sub] == 0) {
        set->bins->used[bin.octave] &= (uint16_t) ~(1u << bin.sub);
        if (!set->bins->used[bin.octave]) {
            set->octaves &= ~(UINT64_C(1) << bin.octave);
        }
        set->first = first(set);
    }
}
