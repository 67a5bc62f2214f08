#include "policy/builtin/builtin.h"

static struct asim_priority priority(const struct asim_context *context, const struct asim_turn *turn)
{
    (void)context;
    return (struct asim_priority){.order = turn->remaining_toks};
}

/* The running turn whose program has most to generate; of equals the one admitted last. */
static uint32_t victim(const struct asim_context *context)
{
    uint32_t longest = 0;
    int64_t most = -1;
    for (uint32_t i = 0; i < context->n_running; i++) {
        struct asim_turn turn;
        context->host->running(context->handle, i, &turn);
        if (turn.remaining_toks >= most) {
            longest = i;
            most = turn.remaining_toks;
        }
    }
    return longest;
}

const struct asim_policy policy_oracle_srpt = {
    POLICY_HEAD,
    .name = "oracle-srpt",
    .summary = "the program with the fewest output tokens to come goes first; needs to know them",
    .source = "shortest remaining processing time, as a bound",
    .assumed =
        "work is counted in output tokens, of this turn and all later ones; a running turn is displaced only when "
        "blocks are lacking",
    .flags = ASIM_POLICY_ORACLE,
    .priority = priority,
    .victim = victim,
};
