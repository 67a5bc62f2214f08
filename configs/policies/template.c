/* NAME: a program's KV is pinned for a fixed time after each of its turns, if it is worth the wait.
 *
 *     asim policy build NAME.c                      makes NAME.so
 *     asim policy test ./NAME.so                    checks it
 *     asim run --retention ./NAME.so --policy-parameters ttl=5s
 *
 * asim/policy.h says what a policy may see and do; every function it has may be left out. A policy of routing has
 * `route`, and may hear of ends, hold turns and move turns with `on_complete` and `route_tick`.
 */
#include <asim/policy.h>

#include <math.h>

enum { TTL, LEAST_TOKENS };

static const struct asim_parameter parameters[] = {
    [TTL] = {"ttl", "how long KV is pinned after a turn", ASIM_DURATION, 2 * ASIM_SECOND, 0, 3600 * ASIM_SECOND},
    [LEAST_TOKENS] = {"least_tokens", "contexts shorter than this are not pinned", ASIM_NUMBER, 512, 0, INFINITY},
};

/* A turn has ended, and its program's tool runs. */
static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    const uint32_t toks = turn->prompt_toks + turn->output_toks;
    if (turn->is_last || toks < context->parameters[LEAST_TOKENS]) {
        return (struct asim_retention){.action = ASIM_KEEP};
    }
    return (struct asim_retention){.action = ASIM_PIN, .until = context->now + (asim_time)context->parameters[TTL]};
}

static const struct asim_policy policy = {
    .struct_size = sizeof policy,
    .abi_major = ASIM_POLICY_ABI_MAJOR,
    .abi_minor = ASIM_POLICY_ABI_MINOR,
    .name = "NAME",
    .summary = "KV is pinned for a fixed time after each turn",
    .source = "say where the rules come from",
    .parameters = parameters,
    .n_parameters = sizeof parameters / sizeof parameters[0],
    .on_turn_complete = on_turn_complete,
};

const struct asim_policy *asim_policy(void)
{
    return &policy;
}
