/* ttl: a program's KV is pinned for as long as its tool usually takes.
 *
 * Shows state, parameters, and what policies learn: the mean gap of each tool is followed by a moving average. A tool
 * that was never seen is given the mean of all; one that takes longer than `limit` is not worth the memory.
 */
#include <asim/policy.h>

enum { SLACK, WEIGHT, LIMIT };

static const struct asim_parameter parameters[] = {
    [SLACK] = {"slack", "pinned for so many mean gaps", ASIM_NUMBER, 2.0, 1.0, 100.0},
    [WEIGHT] = {"weight", "of the latest gap in the moving average", ASIM_NUMBER, 0.2, 0.0, 1.0},
    [LIMIT] = {"limit", "longest pin", ASIM_DURATION, 10 * ASIM_SECOND, 0, 3600 * ASIM_SECOND},
};

/* Zeroed by the host, one for each instance. Tools share a place where there are more than that. */
enum { TOOLS = 256 };
struct state {
    double mean[TOOLS]; /* ps; 0: never seen */
    double mean_of_all;
};

static void follow(double *mean, double gap, double weight)
{
    *mean = *mean > 0.0 ? *mean + weight * (gap - *mean) : gap;
}

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    follow(&state->mean_of_all, (double)gap, context->parameters[WEIGHT]);
    if (tool != ASIM_NONE) {
        follow(&state->mean[tool % TOOLS], (double)gap, context->parameters[WEIGHT]);
    }
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    const struct state *state = context->state;
    const double of_tool = turn->tool != ASIM_NONE ? state->mean[turn->tool % TOOLS] : 0.0;
    const double mean = of_tool > 0.0 ? of_tool : state->mean_of_all;
    const double ttl = context->parameters[SLACK] * mean;
    if (turn->is_last || ttl == 0.0 || ttl > context->parameters[LIMIT]) {
        return (struct asim_retention){.action = ASIM_KEEP};
    }
    return (struct asim_retention){.action = ASIM_PIN, .until = context->now + (asim_time)ttl};
}

static const struct asim_policy policy = {
    .struct_size = sizeof policy,
    .abi_major = ASIM_POLICY_ABI_MAJOR,
    .abi_minor = ASIM_POLICY_ABI_MINOR,
    .name = "ttl",
    .summary = "KV is pinned for a multiple of the tool's mean gap",
    .source = "an example of docs/policies.md",
    .parameters = parameters,
    .n_parameters = sizeof parameters / sizeof parameters[0],
    .state_size = sizeof(struct state),
    .observe_gap = observe_gap,
    .on_turn_complete = on_turn_complete,
};

const struct asim_policy *asim_policy(void)
{
    return &policy;
}
