/* Continuum's bargain with the true gap: a pin exactly until the program returns, where it saves more time than that.
 */
#include "policy/builtin/program_cost.h"
#include "policy/builtin/retention.h"

enum { SLACK };

static const struct asim_parameter parameters[] = {
    [SLACK] = {.name = "slack",
               .help = "a pin outlasts the gap by this, in which the turn reaches the instance",
               .kind = ASIM_DURATION,
               .value = 100.0 * ASIM_MILLISECOND,
               .min = 0,
               .max = 1e6 * ASIM_SECOND},
};

struct state {
    struct program_cost cost;
};

static void observe_admission(const struct asim_context *context, const struct asim_turn *turn, asim_time waited)
{
    struct state *state = context->state;
    program_cost_admitted(&state->cost, turn, waited);
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    if (turn->is_last) {
        program_cost_ended(&state->cost, turn->turn + 1);
        return retention_keep();
    }
    const double until = (double)turn->true_gap + context->parameters[SLACK];
    const double benefit =
        program_cost_benefit(&state->cost, program_cost_eta(&state->cost), context, retention_context(turn));
    return until < benefit ? retention_pin(context, until) : retention_keep();
}

static uint32_t victim(const struct asim_context *context)
{
    return retention_latest_running(context, false);
}

const struct asim_policy policy_oracle_ttl = {
    POLICY_HEAD,
    .name = "oracle-ttl",
    .summary = "KV is pinned for the true gap where that pays; programs in order of arrival",
    .source = "bound on time-to-live policies; rules of Continuum (arXiv 2511.02230)",
    .assumed = "where there is a tier below, a copy is taken to lie there",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_ORACLE,
    .state_size = sizeof(struct state),
    .observe_admission = observe_admission,
    .on_turn_complete = on_turn_complete,
    .priority = retention_pinned_first,
    .victim = victim,
};
