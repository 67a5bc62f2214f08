/* What it costs a program when its KV is gone at its return, after Continuum: the context must be had again, and the
 * turn waits in the queue for as long as turns whose KV was gone have waited of late, discounted by how much the turns
 * that a program has behind it tell of those still to come. */
#ifndef ASIM_POLICY_BUILTIN_PROGRAM_COST_H
#define ASIM_POLICY_BUILTIN_PROGRAM_COST_H

#include "policy/builtin/gaps.h"

/* Sums over the turns of finished programs: k turns done, r still to come. */
struct turn_correlation {
    double n, k, r, kk, rr, kr;
};

enum { WAIT_WINDOW = 100 }; /* turns */

struct program_cost {
    double
        waits[WAIT_WINDOW]; /* in the queue, of returning turns whose KV was gone when they were first admitted; ps */
    uint64_t n_waits;
    struct turn_correlation turns;
};

void program_cost_admitted(struct program_cost *cost, const struct asim_turn *turn, asim_time waited);
void program_cost_ended(struct program_cost *cost, uint32_t turns);

/* Minus the correlation of k and r, not below 0; 1 where it is not defined, as with no program finished. */
double program_cost_eta(const struct program_cost *cost);

/* Time (ps) that the program saves by a context of `toks` that is still there. */
double program_cost_benefit(const struct program_cost *cost, double eta, const struct asim_context *context,
                            uint32_t toks);

#endif
