/* Tokencake's temporal half: a context is copied to the tier below while a long tool runs, if there is time to bring it
 * back before the tool ends and somebody waits who can use the blocks. */
#include "policy/builtin/gaps.h"
#include "policy/builtin/retention.h"

enum { MARGIN, WEIGHT, DEFAULT_GAP };

static const struct asim_parameter parameters[] = {
    [MARGIN] = {.name = "margin",
                .help = "a gap must be so many times as long as both copies",
                .kind = ASIM_NUMBER,
                .value = 1.5,
                .min = 1.0,
                .max = 1000.0},
    [WEIGHT] = GAP_WEIGHT,
    [DEFAULT_GAP] = GAP_DEFAULT,
};

struct state {
    struct moving_means gaps;
};

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    moving_means_add(&state->gaps, tool, gap, context->parameters[WEIGHT], context->now);
}

/* The application's estimate, else the tool's mean. */
static double predicted_gap(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    if (turn->hint_resume >= 0) {
        return (double)turn->hint_resume;
    }
    return moving_means_or(&state->gaps, turn->tool, context->parameters[DEFAULT_GAP]);
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    if (turn->is_last) {
        return retention_keep();
    }
    const double gap = predicted_gap(context, turn);
    const asim_time returns = retention_after(context->now, gap);
    if (context->n_tiers && context->n_waiting) {
        const double copy = (double)context->host->load_time(context->handle, 0, retention_context(turn));
        if (gap > 2.0 * copy * context->parameters[MARGIN]) {
            return (struct asim_retention){.action = ASIM_OFFLOAD,
                                           .until = retention_after(context->now, gap - copy),
                                           .tier = 0,
                                           .score = (double)returns};
        }
    }
    return retention_hold((double)returns);
}

/* The latest return that is expected goes first. */
static double evict_order(const struct asim_context *context, const struct asim_resident *resident)
{
    (void)context;
    return -resident->score;
}

const struct asim_policy policy_tokencake = {
    POLICY_HEAD,
    .name = "tokencake",
    .summary = "KV is copied to the tier below for long tools while others wait, and back in time",
    .source = "Tokencake (arXiv 2510.18586)",
    .assumed = "a copy down takes as long as one up; somebody who waits can always use the blocks; what stays is held, "
               "the latest expected return given up first; no partition of the pool by types of agents",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct state),
    .observe_gap = observe_gap,
    .on_turn_complete = on_turn_complete,
    .evict_order = evict_order,
};
