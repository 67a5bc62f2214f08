/* A lower bound of time, and the rule that set it: how far a window may go, and why no farther.
 *
 * Of equal times the lower rule counts, so the minimum over a set of bounds does not depend on how threads share it.
 */
#ifndef ASIM_PDES_BOUND_H
#define ASIM_PDES_BOUND_H

#include <stdint.h>

struct bound {
    int64_t time;
    uint32_t rule; /* the owner's */
};

#define BOUND_NONE ((struct bound){.time = INT64_MAX, .rule = UINT32_MAX})

static inline struct bound bound_min(struct bound a, struct bound b)
{
    return b.time < a.time || (b.time == a.time && b.rule < a.rule) ? b : a;
}

/* The minimum over the threads of a team, at the price of one of its meetings:
 *
 *     bound_share(shares, thread, mine);  meet;  least = bound_least(shares, thread);
 *
 * Each thread writes a cache line of its own, and two in turn: a thread may share its next bound while others still
 * read the last ones. */
struct bound_shares;

struct bound_shares *bound_shares_create(uint32_t n_threads);
void bound_shares_destroy(struct bound_shares *shares);
void bound_share(struct bound_shares *shares, uint32_t thread, struct bound bound);

/* Of what the threads shared before the last meeting, in which this thread shared too. */
struct bound bound_least(const struct bound_shares *shares, uint32_t thread);

#endif
