/* Which policy is being asked at this moment, on this thread: so that when a shared object crashes, the process can say
 * whose function it was. Built-in policies are part of the program and leave no mark. */
#ifndef ASIM_POLICY_POLICY_CALL_H
#define ASIM_POLICY_POLICY_CALL_H

#include "policy/policy_set.h"

struct policy_call {
    const char *policy;
    const char *function; /* NULL: none is being asked */
};

extern _Thread_local struct policy_call policy_call;

/* Around every call of a policy's function; `function` is a static text. */
static inline void policy_enter(const struct policy_use *use, const char *function)
{
    if (use->plugin) {
        policy_call = (struct policy_call){.policy = use->policy->name, .function = function};
    }
}

static inline void policy_leave(const struct policy_use *use)
{
    if (use->plugin) {
        policy_call.function = NULL;
    }
}

#endif
