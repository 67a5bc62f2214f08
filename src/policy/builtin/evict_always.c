#include "policy/builtin/retention.h"

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    (void)turn;
    return (struct asim_retention){.action = ASIM_DROP, .until = ASIM_NEVER, .tier = ASIM_NONE};
}

const struct asim_policy policy_evict_always = {
    POLICY_HEAD,
    .name = "evict-always",
    .summary = "KV goes at the end of each turn: only what others hold then can be hit",
    .source = "lower bound, as serving without memory of programs",
    .on_turn_complete = on_turn_complete,
};
