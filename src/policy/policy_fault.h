/* A nonsense answer of a policy, which ends the run. */
#ifndef ASIM_POLICY_POLICY_FAULT_H
#define ASIM_POLICY_POLICY_FAULT_H

#include "asim/policy.h"
#include "base/diag.h"

struct policy_fault {
    const struct asim_policy *policy; /* NULL: there is none */
    const char *function;             /* "route" */
    char answer[128];                 /* "instance 9 of 4" */
};

/* Keeps a fault, unless there is an earlier one; the answer is formatted. */
void policy_fault_set(struct policy_fault *fault, const struct asim_policy *policy, const char *function,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

asim_status policy_fault_report(const struct policy_fault *fault, struct diag *diag);

#endif
