/* Continuum as published: at the end of a turn the pin lasts for the time to live that earns most.
 *
 *     tau = argmax P(tau) B - tau,  B = T eta + R
 *
 * over 0 and the gaps seen of the tool, with P their distribution (that of all tools while the tool has few), T the
 * mean wait in the queue of turns whose KV was gone, eta and R as in program_cost.h. Memory cost and benefit are both
 * in proportion to the context's share of memory, which cancels. While few gaps have been seen at all they are taken to
 * be exponential, and eta is 1. Queue: preempted turns, those of pinned programs, others; in each class by their
 * programs' arrival. A pin stays while its program queues.
 */
#include "policy/builtin/program_cost.h"
#include "policy/builtin/retention.h"

#include "base/pmath.h"

enum { DEFAULT_GAP, FEW };

static const struct asim_parameter parameters[] = {
    [DEFAULT_GAP] = {.name = "default_gap",
                     .help = "mean gap while few have been seen",
                     .kind = ASIM_DURATION,
                     .value = 1.0 * ASIM_SECOND,
                     .min = 1.0 * ASIM_MICROSECOND,
                     .max = 1e6 * ASIM_SECOND},
    [FEW] = {.name = "few",
             .help = "a tool with at most so many gaps seen is taken for all tools together, and these for unknown",
             .kind = ASIM_NUMBER,
             .value = 100,
             .min = 0,
             .max = GAP_WINDOW - 1},
};

struct tool {
    struct memory_key key;
    struct gap_window gaps;
};

struct state {
    struct program_cost cost;
    struct gap_window all;
    struct tool tools[TOOL_ENTRIES];
};

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    struct tool *entry = memory_take(state->tools, TOOL_SETS, sizeof *entry, tool, context->now);
    gap_window_add(&entry->gaps, gap);
    gap_window_add(&state->all, gap);
}

static void observe_admission(const struct asim_context *context, const struct asim_turn *turn, asim_time waited)
{
    struct state *state = context->state;
    program_cost_admitted(&state->cost, turn, waited);
}

static double time_to_live(const struct asim_context *context, uint32_t tool, uint32_t toks)
{
    struct state *state = context->state;
    const struct tool *entry = memory_find(state->tools, TOOL_SETS, sizeof *entry, tool);
    const double few = context->parameters[FEW];
    if ((double)state->all.n <= few) {
        const double mean = context->parameters[DEFAULT_GAP];
        const double benefit = program_cost_benefit(&state->cost, 1.0, context, toks);
        return benefit > mean ? mean * pmath_log(benefit / mean) : 0.0;
    }
    const double benefit = program_cost_benefit(&state->cost, program_cost_eta(&state->cost), context, toks);
    return gap_window_best(entry && (double)entry->gaps.n > few ? &entry->gaps : &state->all, benefit);
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    if (turn->is_last) {
        program_cost_ended(&state->cost, turn->turn + 1);
        return retention_keep();
    }
    return retention_pin(context, time_to_live(context, turn->tool, retention_context(turn)));
}

static uint32_t victim(const struct asim_context *context)
{
    return retention_latest_running(context, false);
}

const struct asim_policy policy_continuum = {
    POLICY_HEAD,
    .name = "continuum",
    .summary = "KV is pinned while that pays by the distribution of the tool's gaps; programs in order of arrival",
    .source = "Continuum (arXiv 2511.02230)",
    .assumed = "of each tool the last 256 gaps, of 64 tools; the last 100 waits; eta over all turns of finished "
               "programs; the latest program is preempted first; where there is a tier below, a copy is "
               "taken to lie there",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct state),
    .observe_gap = observe_gap,
    .observe_admission = observe_admission,
    .on_turn_complete = on_turn_complete,
    .priority = retention_pinned_first,
    .victim = victim,
};
