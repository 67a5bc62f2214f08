/* Continuum as its preview code does it: a fixed time to live for tools that are fast on average. */
#include "policy/builtin/gaps.h"
#include "policy/builtin/retention.h"

enum { TTL, LONGEST_MEAN };

static const struct asim_parameter parameters[] = {
    [TTL] = {.name = "ttl",
             .help = "a program's KV is pinned so long",
             .kind = ASIM_DURATION,
             .value = 2.0 * ASIM_SECOND,
             .min = 0,
             .max = 1e6 * ASIM_SECOND},
    [LONGEST_MEAN] = {.name = "longest_mean",
                      .help = "for tools whose mean gap is at most this, or unknown",
                      .kind = ASIM_DURATION,
                      .value = 2.0 * ASIM_SECOND,
                      .min = 0,
                      .max = 1e6 * ASIM_SECOND},
};

struct state {
    struct running_means gaps;
};

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    running_means_add(&state->gaps, tool, gap, context->now);
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    const double mean = running_means_or(&state->gaps, turn->tool, 0.0);
    const bool pins = !turn->is_last && mean <= context->parameters[LONGEST_MEAN];
    return pins ? retention_pin(context, context->parameters[TTL]) : retention_keep();
}

/* Where nothing else runs, the pin that would last longest goes. */
static uint32_t on_pressure(const struct asim_context *context, const struct asim_pressure *pressure)
{
    uint32_t latest = ASIM_NONE;
    asim_time until = context->now;
    for (uint32_t i = 0; pressure->deadlock && i < context->n_residents; i++) {
        struct asim_resident resident;
        context->host->resident(context->handle, i, &resident);
        if (resident.pinned_until > until || (resident.pinned_until && latest == ASIM_NONE)) {
            latest = i;
            until = resident.pinned_until;
        }
    }
    return latest;
}

static uint32_t victim(const struct asim_context *context)
{
    return retention_latest_running(context, true);
}

const struct asim_policy policy_continuum_release = {
    POLICY_HEAD,
    .name = "continuum-release",
    .summary = "KV is pinned for a fixed time unless the tool is slow on average; programs in order of arrival",
    .source = "vllm-continuum, preview release",
    .assumed = "the queue's order is the published one; whether a turn is its program's last is known while it runs",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct state),
    .observe_gap = observe_gap,
    .on_turn_complete = on_turn_complete,
    .on_pressure = on_pressure,
    .priority = retention_pinned_first,
    .victim = victim,
};
