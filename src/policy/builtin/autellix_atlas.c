#include "policy/builtin/autellix.h"
#include "policy/builtin/builtin.h"

static struct asim_priority priority(const struct asim_context *context, const struct asim_turn *turn)
{
    return autellix_priority(context, turn, turn->critical);
}

const struct asim_policy policy_autellix_atlas = {
    POLICY_HEAD,
    .name = "autellix-atlas",
    .summary = "as autellix-plas, with service counted along the longest path of calls that a call waited for",
    .source = AUTELLIX_SOURCE ", ATLAS",
    .assumed = AUTELLIX_ASSUMED,
    .parameters = autellix_parameters,
    .n_parameters = AUTELLIX_PARAMETERS,
    .flags = ASIM_POLICY_DYNAMIC_PRIORITY | ASIM_POLICY_PREEMPTIVE,
    .state_size = sizeof(struct autellix_state),
    .observe_admission = autellix_observe_admission,
    .priority = priority,
};
