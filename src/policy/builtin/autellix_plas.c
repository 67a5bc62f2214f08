#include "policy/builtin/autellix.h"
#include "policy/builtin/builtin.h"

static struct asim_priority priority(const struct asim_context *context, const struct asim_turn *turn)
{
    return autellix_priority(context, turn, turn->attained);
}

const struct asim_policy policy_autellix_plas = {
    POLICY_HEAD,
    .name = "autellix-plas",
    .summary = "calls of programs that have run least go first, in queues by service so far; long ones are displaced",
    .source = AUTELLIX_SOURCE ", PLAS",
    .assumed = AUTELLIX_ASSUMED,
    .parameters = autellix_parameters,
    .n_parameters = AUTELLIX_PARAMETERS,
    .flags = ASIM_POLICY_DYNAMIC_PRIORITY | ASIM_POLICY_PREEMPTIVE,
    .state_size = sizeof(struct autellix_state),
    .observe_admission = autellix_observe_admission,
    .priority = priority,
};
