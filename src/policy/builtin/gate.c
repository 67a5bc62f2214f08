/* The policy that evolution found in AgentServeSim: short pins, pinned programs first, and nobody is let in who would
 * push out what is kept. */
#include "policy/builtin/gaps.h"
#include "policy/builtin/retention.h"

enum { TTL, LONGEST_GAP, WEIGHT, FULL, MOST_TOKS };

static const struct asim_parameter parameters[] = {
    [TTL] = {.name = "ttl",
             .help = "a program's KV is pinned so long",
             .kind = ASIM_DURATION,
             .value = 2.0 * ASIM_SECOND,
             .min = 0,
             .max = 1e6 * ASIM_SECOND},
    [LONGEST_GAP] = {.name = "longest_gap",
                     .help = "unless the tool's moving mean gap is above this",
                     .kind = ASIM_DURATION,
                     .value = 3.0 * ASIM_SECOND,
                     .min = 0,
                     .max = 1e6 * ASIM_SECOND},
    [WEIGHT] = {.name = "weight",
                .help = "of a gap in the moving mean",
                .kind = ASIM_NUMBER,
                .value = 0.2,
                .min = 0.001,
                .max = 1.0},
    [FULL] = {.name = "full",
              .help = "share of the pool above which turns that do not fit are sent back",
              .kind = ASIM_NUMBER,
              .value = 0.9,
              .min = 0.0,
              .max = 1.0},
    [MOST_TOKS] = {.name = "most_toks",
                   .help = "each prompt token counts as a millisecond of later arrival, up to so many",
                   .kind = ASIM_NUMBER,
                   .value = 10000,
                   .min = 0,
                   .max = 1e9},
};

/* A program whose turn found its KV pinned. The pin ends then; the turn's place is that of one with a pin. */
struct returned {
    struct memory_key key;
    uint32_t turn;
};

struct state {
    struct moving_means gaps;
    struct returned returned[MEMORY_ENTRIES];
};

static void on_turn_arrival(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    if (turn->is_pinned) {
        struct returned *returned =
            memory_take(state->returned, MEMORY_SETS, sizeof *returned, turn->program, context->now);
        returned->turn = turn->turn;
        context->host->release(context->handle, turn->program);
    }
}

static bool came_to_pin(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    const struct returned *returned = memory_find(state->returned, MEMORY_SETS, sizeof *returned, turn->program);
    return returned && returned->turn == turn->turn;
}

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    moving_means_add(&state->gaps, tool, gap, context->parameters[WEIGHT], context->now);
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    const double gap = moving_means_or(&state->gaps, turn->tool, 0.0);
    const bool pins = !turn->is_last && gap <= context->parameters[LONGEST_GAP];
    return pins ? retention_pin(context, context->parameters[TTL]) : retention_keep();
}

static struct asim_priority priority(const struct asim_context *context, const struct asim_turn *turn)
{
    const double most = context->parameters[MOST_TOKS];
    const int64_t toks = (double)turn->prompt_toks < most ? (int64_t)turn->prompt_toks : (int64_t)most;
    return (struct asim_priority){.level = came_to_pin(context, turn) ? 0 : 1,
                                  .order = turn->program_arrival / ASIM_MILLISECOND + toks};
}

/* The running turn with the smallest context. */
static uint32_t victim(const struct asim_context *context)
{
    uint32_t smallest = 0;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < context->n_running; i++) {
        struct asim_turn turn;
        context->host->running(context->handle, i, &turn);
        if (retention_context(&turn) < least) {
            least = retention_context(&turn);
            smallest = i;
        }
    }
    return smallest;
}

static bool admit(const struct asim_context *context, const struct asim_turn *turn)
{
    const double used = 1.0 - (double)context->free_blocks / (double)context->usable_blocks;
    const uint64_t free_toks = (uint64_t)context->free_blocks * context->block_size;
    return used <= context->parameters[FULL] || turn->prompt_toks - turn->cached_toks <= free_toks;
}

const struct asim_policy policy_gate = {
    POLICY_HEAD,
    .name = "gate",
    .summary = "short pins, pinned programs first, no turn let in that does not fit, smallest turns preempted",
    .source = "AgentServeSim, evolved policy 'gate'",
    .assumed = "what a waiting turn would hit is not known, so it counts whole",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct state),
    .on_turn_arrival = on_turn_arrival,
    .observe_gap = observe_gap,
    .on_turn_complete = on_turn_complete,
    .priority = priority,
    .victim = victim,
    .admit = admit,
};
