#include "policy/builtin/builtin.h"

const struct asim_policy policy_fcfs = {
    POLICY_HEAD,
    .name = "fcfs",
    .summary = "turns in order of arrival; the last admitted is preempted first",
    .source = "vLLM V1 scheduler",
};
