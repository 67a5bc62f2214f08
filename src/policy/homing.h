/* When a built-in policy surely sends a turn to the home of its program, for engines that need not ask it then: while
 * the home holds no more than `most_blocks` in its last snapshot and has no more than `most_turns` outstanding. Both
 * may only depend on what they are given, and `most_turns` may not fall when more turns are outstanding over all.
 */
#ifndef ASIM_POLICY_HOMING_H
#define ASIM_POLICY_HOMING_H

#include "policy/policy_set.h"

struct routing_homing {
    uint32_t (*most_blocks)(const double *parameters, uint32_t usable_blocks);
    uint32_t (*most_turns)(const double *parameters, uint64_t outstanding, uint32_t n_instances);
};

/* NULL: nothing is sure of turns with a home. */
const struct routing_homing *routing_homing(const struct policy_use *use);

extern const struct routing_homing session_affinity_homing;

#endif
