/* The built-in policies: one table each, in a file of its name. */
#ifndef ASIM_POLICY_BUILTIN_BUILTIN_H
#define ASIM_POLICY_BUILTIN_BUILTIN_H

#include "asim/policy.h"

#define POLICY_HEAD                                                                                                    \
    .struct_size = sizeof(struct asim_policy), .abi_major = ASIM_POLICY_ABI_MAJOR, .abi_minor = ASIM_POLICY_ABI_MINOR

#define POLICY_PARAMETERS(ROWS) .parameters = (ROWS), .n_parameters = sizeof(ROWS) / sizeof(ROWS)[0]

/* Scheduling, retention: the engine's own rules. */
extern const struct asim_policy policy_fcfs;
extern const struct asim_policy policy_lru;

/* Routing. */
extern const struct asim_policy policy_round_robin;
extern const struct asim_policy policy_least_loaded;
extern const struct asim_policy policy_session_affinity;

#endif
