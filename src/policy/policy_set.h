/* The policies of a run: one per plane, each with its parameters. */
#ifndef ASIM_POLICY_POLICY_SET_H
#define ASIM_POLICY_POLICY_SET_H

#include "asim/policy.h"

enum { POLICY_MAX_PARAMETERS = 16 };

/* A policy and the values of its parameters; `policy` is never NULL in an open set. */
struct policy_use {
    const struct asim_policy *policy;
    double parameters[POLICY_MAX_PARAMETERS];
};

/* Planes with the same policy share its state. */
struct policy_set {
    struct policy_use retention;
    struct policy_use scheduling;
    struct policy_use routing;
};

/* Whether an instance need not ask: the engine's own rules throughout. */
static inline bool policy_is_passive(const struct asim_policy *policy)
{
    return !policy->on_turn_arrival && !policy->observe_gap && !policy->observe_admission && !policy->tick &&
           !policy->on_turn_complete && !policy->priority && !policy->victim && !policy->admit;
}

#endif
