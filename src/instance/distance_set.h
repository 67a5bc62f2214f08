/* Distances in time, as a histogram: a lower bound of the least of them, where its order is not needed.
 *
 * Bins are log-linear, so that the bound is low by a 16th at most; distances below a microsecond have one bin. A member
 * enters and leaves in constant time, wherever it stands, and a line of memory is touched, or two: the members may be
 * hundreds.
 */
#ifndef ASIM_INSTANCE_DISTANCE_SET_H
#define ASIM_INSTANCE_DISTANCE_SET_H

#include "base/simtime.h"

#include <stdint.h>

struct distance_bins;

struct distance_set {
    simtime first;    /* no member is less; SIMTIME_NEVER: there is none */
    uint64_t octaves; /* that have members */
    struct distance_bins *bins;
};

void distance_set_init(struct distance_set *set);
void distance_set_fini(struct distance_set *set);

/* Distances: from 0 to below 2^60 ps. */
void distance_set_prefetch(const struct distance_set *set, simtime distance);
void distance_set_enter(struct distance_set *set, simtime distance);

/* At least as many members as are nearer, and no member that is not in the bin of `distance` or a lower one. */
uint32_t distance_set_below(const struct distance_set *set, simtime distance);

/* A member of that distance leaves. */
void distance_set_leave(struct distance_set *set, simtime distance);

#endif
