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
    [WEIGHT] = {.name = "weight",
                .help = "of a gap in its tool's moving mean",
                .kind = ASIM_NUMBER,
                .value = 0.3,
                .min = 0.001,
                .max = 1.0},
    [DEFAULT_GAP] = {.name = "default_gap",
                     .help = "of a tool while none has been seen",
                     .kind = ASIM_DURATION,
                     .value = 1.0 * ASIM_SECOND,
                     .min = 0,
                     .max = 1e6 * ASIM_SECOND},
};

struct tool {
    struct memory_key key;
    struct moving_mean gap; /* ps */
};

struct state {
    struct tool tools[TOOL_ENTRIES];
};

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    struct tool *entry = memory_take(state->tools, TOOL_SETS, sizeof *entry, tool, context->now);
    moving_mean_add(&entry->gap, (double)gap, context->parameters[WEIGHT]);
}

/* The application's estimate, else the tool's mean. */
static double predicted_gap(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    if (turn->hint_resume >= 0) {
        return (double)turn->hint_resume;
    }
    const struct tool *tool = memory_find(state->tools, TOOL_SETS, sizeof *tool, turn->tool);
    const double unknown = context->parameters[DEFAULT_GAP];
    return tool ? moving_mean_or(&tool->gap, unknown) : unknown;
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
