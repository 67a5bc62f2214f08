/* All built-in policies: the one door through which the simulator finds them by name. */
#ifndef ASIM_POLICY_POLICY_TABLE_H
#define ASIM_POLICY_POLICY_TABLE_H

#include "asim/policy.h"

enum policy_plane { POLICY_ROUTING, POLICY_SCHEDULING, POLICY_RETENTION, POLICY_PLANES };

size_t policy_count(void);
const struct asim_policy *policy_at(size_t index);
const char *policy_plane_name(enum policy_plane plane);

/* NULL when there is no policy of that name. */
const struct asim_policy *policy_find(const char *name);

/* The planes that a policy serves, as a set of bits 1 << plane: those that it has a function of. One that only observes
 * serves retention, by what it asks the host to do. */
uint32_t policy_planes(const struct asim_policy *policy);

static inline bool policy_serves(const struct asim_policy *policy, enum policy_plane plane)
{
    return policy_planes(policy) >> plane & 1;
}

/* "retention, scheduling". */
enum { POLICY_PLANES_BYTES = 40 };
const char *policy_planes_text(const struct asim_policy *policy, char out[POLICY_PLANES_BYTES]);

#endif
