#include "policy/policy_fault.h"

#include <stdarg.h>
#include <stdio.h>

void policy_fault_set(struct policy_fault *fault, const struct asim_policy *policy, const char *function,
                      const char *format, ...)
{
    if (fault->policy) {
        return;
    }
    fault->policy = policy;
    fault->function = function;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->answer, sizeof fault->answer, format, arguments);
    va_end(arguments);
}

asim_status policy_fault_report(const struct policy_fault *fault, struct diag *diag)
{
    return diag_error(diag, ASIM_INTERNAL, (struct diag_where){0}, "policy %s: %s answered %s", fault->policy->name,
                      fault->function, fault->answer);
}
