#include "policy/builtin/retention.h"

const struct asim_policy policy_program_fcfs = {
    POLICY_HEAD,
    .name = "program-fcfs",
    .summary = "turns in order of their programs' arrival; the latest program is preempted first",
    .source = "Continuum (arXiv 2511.02230), program-level FCFS",
    .priority = retention_by_program,
};
