/* SAECache: the gaps of a tool are log-normal, learned online; the window of retention is a quantile of theirs. */
#include "policy/builtin/gaps.h"
#include "policy/builtin/retention.h"

enum { QUANTILE, FEW, DEFAULT_WINDOW, LONGEST };

static const struct asim_parameter parameters[] = {
    [QUANTILE] = {.name = "quantile",
                  .help = "share of the gaps that the window covers",
                  .kind = ASIM_NUMBER,
                  .value = 0.9,
                  .min = 0.001,
                  .max = 0.999},
    [FEW] = {.name = "few",
             .help = "gaps of a tool that must have been seen, else those of all tools are taken together",
             .kind = ASIM_NUMBER,
             .value = 8,
             .min = 1,
             .max = 1e6},
    [DEFAULT_WINDOW] = {.name = "default_window",
                        .help = "while not even all tools together have so many",
                        .kind = ASIM_DURATION,
                        .value = 2.0 * ASIM_SECOND,
                        .min = 0,
                        .max = 1e6 * ASIM_SECOND},
    [LONGEST] = {.name = "longest",
                 .help = "no window is longer",
                 .kind = ASIM_DURATION,
                 .value = 300.0 * ASIM_SECOND,
                 .min = 0,
                 .max = 1e6 * ASIM_SECOND},
};

struct tool {
    struct memory_key key;
    struct log_normal gaps;
};

struct state {
    struct log_normal all;
    struct tool tools[TOOL_ENTRIES];
};

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    struct tool *entry = memory_take(state->tools, TOOL_SETS, sizeof *entry, tool, context->now);
    log_normal_add(&entry->gaps, gap, 0.0);
    log_normal_add(&state->all, gap, 0.0);
}

static double window(const struct asim_context *context, uint32_t tool)
{
    struct state *state = context->state;
    const struct tool *entry = memory_find(state->tools, TOOL_SETS, sizeof *entry, tool);
    const double few = context->parameters[FEW];
    const struct log_normal *gaps = entry && (double)entry->gaps.n >= few ? &entry->gaps : &state->all;
    if ((double)gaps->n < few) {
        return context->parameters[DEFAULT_WINDOW];
    }
    const double quantile = log_normal_quantile(gaps, context->parameters[QUANTILE]);
    return quantile < context->parameters[LONGEST] ? quantile : context->parameters[LONGEST];
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    return turn->is_last ? retention_keep() : retention_pin(context, window(context, turn->tool));
}

const struct asim_policy policy_saecache = {
    POLICY_HEAD,
    .name = "saecache",
    .summary = "KV is pinned for a quantile of the tool's gaps, which are log-normal",
    .source = "SAECache (arXiv 2605.18825)",
    .assumed = "the type of a session's next gap is the tool; the quantile; the window while few gaps have been seen",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct state),
    .observe_gap = observe_gap,
    .on_turn_complete = on_turn_complete,
};
