#include "policy/builtin/builtin.h"

static struct asim_priority priority(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    return (struct asim_priority){.order = turn->program_arrival};
}

const struct asim_policy policy_program_fcfs = {
    POLICY_HEAD,
    .name = "program-fcfs",
    .summary = "turns in order of their programs' arrival; the latest program is preempted first",
    .source = "Continuum (arXiv 2511.02230), program-level FCFS",
    .priority = priority,
};
