/* SAGA: what goes first is chosen by how long it has been idle, how likely it is used again and how large it is
 * (WA-LRU); what is within its tool's time to live goes last; tenants share the device by need (saga_share.c).
 *
 *     score = 0.3 idle / longest idle + 0.5 (1 - P(reuse)) + 0.2 size / largest size
 *
 * The highest score goes first. P(reuse) is the share of programs that went on after the turn that follows the tool.
 * While few programs have finished, the score is the idle time alone. The time to live is a quantile of the tool's
 * log-normal gaps, up to halved as the turns inside fill the pool.
 */
#include "policy/builtin/saga.h"

#include "policy/builtin/retention.h"

static const struct asim_parameter parameters[] = {
    [SAGA_IDLE] =
        {.name = "idle_weight", .help = "of the idle time", .kind = ASIM_NUMBER, .value = 0.3, .min = 0, .max = 1},
    [SAGA_REUSE] = {.name = "reuse_weight",
                    .help = "of the chance that the KV is not used again",
                    .value = 0.5,
                    .min = 0,
                    .max = 1},
    [SAGA_SIZE] = {.name = "size_weight", .help = "of the size", .kind = ASIM_NUMBER, .value = 0.2, .min = 0, .max = 1},
    [SAGA_COLD] = {.name = "cold",
                   .help = "with fewer finished programs, the idle time alone counts",
                   .value = 30,
                   .min = 0,
                   .max = 1e9},
    [SAGA_QUANTILE] = {.name = "quantile",
                       .help = "share of a tool's gaps within its time to live",
                       .value = 0.95,
                       .min = 0.001,
                       .max = 0.999},
    [SAGA_WEIGHT] = {.name = "weight",
                     .help = "of a gap in the moving moments of its tool",
                     .value = 0.1,
                     .min = 0.001,
                     .max = 1.0},
    [SAGA_LOW] = {.name = "low",
                  .help = "share of the pool in use from which times to live shrink",
                  .value = 0.7,
                  .min = 0,
                  .max = 1},
    [SAGA_HIGH] = {.name = "high",
                   .help = "share at which they are halved",
                   .kind = ASIM_NUMBER,
                   .value = 0.9,
                   .min = 0,
                   .max = 1},
    [SAGA_LONGEST] = {.name = "longest",
                      .help = "time to live",
                      .kind = ASIM_DURATION,
                      .value = 300.0 * ASIM_SECOND,
                      .min = 0,
                      .max = 1e6 * ASIM_SECOND},
    [SAGA_DEFAULT_TTL] = {.name = "default_ttl",
                          .help = "of a tool that has not been seen",
                          .kind = ASIM_DURATION,
                          .value = 2.0 * ASIM_SECOND,
                          .min = 0,
                          .max = 1e6 * ASIM_SECOND},
    [SAGA_SLACK] = {.name = "slack",
                    .help = "time left of a program without a deadline",
                    .kind = ASIM_DURATION,
                    .value = 600.0 * ASIM_SECOND,
                    .min = 1.0 * ASIM_MILLISECOND,
                    .max = 1e6 * ASIM_SECOND},
    [SAGA_LEAST_SLACK] = {.name = "least_slack",
                          .help = "no program has less time left than this",
                          .kind = ASIM_DURATION,
                          .value = 1.0 * ASIM_SECOND,
                          .min = 1.0 * ASIM_MILLISECOND,
                          .max = 1e6 * ASIM_SECOND},
    [SAGA_MEMORY] = {.name = "memory",
                     .help = "in which service of a tenant fades to 37 %",
                     .kind = ASIM_DURATION,
                     .value = 60.0 * ASIM_SECOND,
                     .min = 1.0 * ASIM_MILLISECOND,
                     .max = 1e6 * ASIM_SECOND},
};

/* ---- what is learned ---- */

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct saga_state *state = context->state;
    struct saga_tool *entry = memory_take(state->tools, TOOL_SETS, sizeof *entry, tool, context->now);
    log_normal_add(&entry->gaps, gap, context->parameters[SAGA_WEIGHT]);
}

static void on_turn_arrival(const struct asim_context *context, const struct asim_turn *turn)
{
    struct saga_state *state = context->state;
    struct saga_program *program =
        memory_take(state->programs, MEMORY_SETS, sizeof *program, turn->program, context->now);
    program->tenant = turn->tenant;
    program->attained = turn->attained;
    program->deadline = turn->deadline;
    program->tool = turn->tool;
}

static void learn_of_end(const struct asim_context *context, const struct asim_turn *turn)
{
    struct saga_state *state = context->state;
    struct saga_program *program = memory_find(state->programs, MEMORY_SETS, sizeof *program, turn->program);
    if (!program) {
        return;
    }
    struct saga_tool *tool = memory_take(state->tools, TOOL_SETS, sizeof *tool, program->tool, context->now);
    *(turn->is_last ? &tool->ended : &tool->went_on) += 1;
    if (turn->is_last) {
        memory_forget(program, sizeof *program);
    }
}

/* ---- time to live ---- */

/* 0 where the pool is not full, 1 where it is. */
static double pressure(const struct asim_context *context)
{
    const double low = context->parameters[SAGA_LOW];
    const double high = context->parameters[SAGA_HIGH];
    const double idle = (double)context->free_blocks + (double)context->retained_blocks;
    const double used = 1.0 - idle / (double)context->usable_blocks;
    return used <= low ? 0.0 : used >= high ? 1.0 : (used - low) / (high - low);
}

static double time_to_live(const struct asim_context *context, uint32_t tool)
{
    struct saga_state *state = context->state;
    const struct saga_tool *entry = memory_find(state->tools, TOOL_SETS, sizeof *entry, tool);
    const double known = entry && entry->gaps.n ? log_normal_quantile(&entry->gaps, context->parameters[SAGA_QUANTILE])
                                                : context->parameters[SAGA_DEFAULT_TTL];
    const double within = known * (1.0 - 0.5 * pressure(context));
    return within < context->parameters[SAGA_LONGEST] ? within : context->parameters[SAGA_LONGEST];
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    saga_share_ended(context, turn);
    learn_of_end(context, turn);
    return turn->is_last ? retention_keep()
                         : retention_hold((double)retention_after(context->now, time_to_live(context, turn->tool)));
}

/* ---- WA-LRU ---- */

/* The extremes of the residents, found once for all that are asked about at one instant. */
static void look_around(const struct asim_context *context)
{
    struct saga_state *state = context->state;
    if (state->seen == context->now && state->n_seen == context->n_residents) {
        return;
    }
    state->seen = context->now;
    state->n_seen = context->n_residents;
    state->longest_idle = 1;
    state->largest = 1;
    for (uint32_t i = 0; i < context->n_residents; i++) {
        struct asim_resident resident;
        context->host->resident(context->handle, i, &resident);
        const asim_time idle = context->now - resident.since;
        state->longest_idle = idle > state->longest_idle ? idle : state->longest_idle;
        state->largest = resident.private_blocks > state->largest ? resident.private_blocks : state->largest;
    }
}

static double reuse(const struct saga_state *state, uint32_t tool)
{
    const struct saga_tool *entry = memory_find((void *)state->tools, TOOL_SETS, sizeof *entry, tool);
    const double known = entry ? (double)(entry->went_on + entry->ended) : 0.0;
    return known > 0.0 ? (double)entry->went_on / known : 1.0;
}

static double evict_order(const struct asim_context *context, const struct asim_resident *resident)
{
    const struct saga_state *state = context->state;
    const double *weights = context->parameters;
    look_around(context);
    const double idle = (double)(context->now - resident->since) / (double)state->longest_idle;
    double score = idle;
    if ((double)state->service.n >= weights[SAGA_COLD]) {
        const double size = (double)resident->private_blocks / (double)state->largest;
        score = weights[SAGA_IDLE] * idle + weights[SAGA_REUSE] * (1.0 - reuse(state, resident->tool)) +
                weights[SAGA_SIZE] * size;
    }
    const bool is_live = (double)context->now < resident->score;
    return (is_live ? 10.0 : 0.0) - score; /* scores stay below ten */
}

const struct asim_policy policy_saga = {
    POLICY_HEAD,
    .name = "saga",
    .summary = "workflow-aware LRU with times to live by tool; tenants share by the service they need",
    .source = "SAGA (arXiv 2605.00528)",
    .assumed = "the successors of a tool are lumped into going on and ending; KV within its time to live goes under "
               "pressure, but last; the pool's use is that of the turns inside; service of a tenant fades; the "
               "service that programs still need is the mean of finished ones less what they had; work is stolen by "
               "`saga-router`",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct saga_state),
    .on_turn_arrival = on_turn_arrival,
    .observe_gap = observe_gap,
    .on_turn_complete = on_turn_complete,
    .evict_order = evict_order,
    .priority = saga_share_priority,
};
