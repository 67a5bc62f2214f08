/* Several order statistics of many values at once, by most significant digit first: count the values by digit, gather
 * those that share a digit with a wanted rank, and look among them by the digits below. Linear, also for equal values.
 *
 * The first digit is the caller's (whatever grows with the value), and so are the passes over the values.
 */
#ifndef ASIM_METRICS_SELECTION_H
#define ASIM_METRICS_SELECTION_H

#include "base/simtime.h"

#include <stdint.h>

enum { SELECTION_MAX_RANKS = 8 };

/* The values of one digit, and the wanted ranks among them. */
struct selection_group {
    uint32_t digit;
    uint32_t first_rank, n_ranks; /* in the list of all wanted ranks */
    uint64_t before;              /* values of smaller digits */
    uint64_t n;                   /* gathered so far */
    simtime *values;
};

struct selection {
    const uint64_t *ranks;
    struct selection_group groups[SELECTION_MAX_RANKS];
    uint32_t n_groups;
};

/* From how many values each digit has, the digits that hold `ranks` (from 0, in ascending order): for them
 * group_of[digit] becomes 1, 2, ... of otherwise zero bytes. */
void selection_plan(struct selection *selection, const uint64_t *counts, uint32_t n_digits, const uint64_t *ranks,
                    uint32_t n_ranks, unsigned char *group_of);

static inline void selection_gather(struct selection *selection, unsigned char group, simtime value)
{
    struct selection_group *to = &selection->groups[group - 1];
    to->values[to->n++] = value;
}

/* The order statistics of a group whose values are all gathered and agree in all but the low `bits` bits, to their
 * places in `out` (one for each of the ranks); frees the group's values. */
void selection_finish(struct selection *selection, uint32_t group, uint32_t bits, simtime *out);

#endif
