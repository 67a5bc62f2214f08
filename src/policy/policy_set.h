/* The policies of a run: one per plane, each with its parameters. */
#ifndef ASIM_POLICY_POLICY_SET_H
#define ASIM_POLICY_POLICY_SET_H

#include "asim/policy.h"
#include "base/diag.h"
#include "policy/policy_table.h"

enum { POLICY_MAX_PARAMETERS = 16 };

struct policy_plugin;

/* A policy and the values of its parameters; `policy` is never NULL in an open set. */
struct policy_use {
    const struct asim_policy *policy;
    const struct policy_plugin *plugin; /* the shared object that it comes from; NULL: built in */
    double parameters[POLICY_MAX_PARAMETERS];
};

/* Planes with the same policy share its state. */
struct policy_set {
    struct policy_use retention;
    struct policy_use scheduling;
    struct policy_use routing;
    struct policy_plugin *plugins; /* shared objects that are open for it */
};

/* Whether an instance need not ask: the engine's own rules throughout. */
static inline bool policy_is_passive(const struct asim_policy *policy)
{
    return !policy->on_turn_arrival && !policy->observe_gap && !policy->observe_admission && !policy->tick &&
           !policy->on_turn_complete && !policy->priority && !policy->victim && !policy->admit &&
           !policy->plan_transfers;
}

/* Whether routing looks at prompts, not only at where programs are. */
static inline bool policy_reads_prompt(const struct asim_policy *policy)
{
    return (policy->flags & (ASIM_POLICY_READS_OVERLAP | ASIM_POLICY_READS_PROMPT)) != 0;
}

/* A value that an option of its own gives to a parameter of a built-in policy. */
struct policy_preset {
    const char *policy, *parameter;
    double value;
};

/* What the user chose: names, or paths of shared objects, which hold a '/'. NULL: not given. */
struct policy_choice {
    const char *policy;                  /* takes each plane that it serves, */
    const char *planes[POLICY_PLANES];   /* but those that are given one by one */
    const char *parameters;              /* "name=value,policy.name=value" */
    const struct policy_preset *presets; /* what `parameters` overrides */
    size_t n_presets;
};

/* Fills *out; false, with errors that say what is allowed, when a name or a parameter is wrong. What nobody takes is
 * left to fcfs, lru and session-affinity. */
bool policy_set_open(struct policy_set *out, const struct policy_choice *choice, struct diag *diag);
void policy_set_close(struct policy_set *set);

/* The policy of a plane. */
struct policy_use *policy_set_use(struct policy_set *set, enum policy_plane plane);

/* The policy of an open set that an option named: built in, or a shared object. */
const struct asim_policy *policy_set_chosen(const struct policy_set *set, const char *name);

/* A built-in policy with the defaults of its parameters. */
struct policy_use policy_use_of(const struct asim_policy *policy);

/* Whether a policy of the set sees what programs will do. */
bool policy_set_has_oracle(const struct policy_set *set);

#endif
