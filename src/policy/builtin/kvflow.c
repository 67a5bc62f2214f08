/* KVFlow: what is given up first is the context that is farthest from its next use. A program in a chain is one step
 * away, so that distance is the time to its expected return. Where there is a tier below, the farthest contexts are
 * copied there while the pool is nearly full or has no room for the largest of them, and brought back shortly before
 * they are due. */
#include "policy/builtin/gaps.h"
#include "policy/builtin/retention.h"

enum { WEIGHT, DEFAULT_GAP, FULL, LEAD, PERIOD };

static const struct asim_parameter parameters[] = {
    [WEIGHT] = GAP_WEIGHT,
    [DEFAULT_GAP] = GAP_DEFAULT,
    [FULL] = {.name = "full",
              .help = "share of the pool in use above which contexts are copied to the tier below",
              .kind = ASIM_NUMBER,
              .value = 0.9,
              .min = 0.0,
              .max = 1.0},
    [LEAD] = {.name = "lead",
              .help = "a context is to be back so long before it is due",
              .kind = ASIM_DURATION,
              .value = 200.0 * ASIM_MILLISECOND,
              .min = 0,
              .max = 1e6 * ASIM_SECOND},
    [PERIOD] = {.name = "period",
                .help = "between two looks at what to copy",
                .kind = ASIM_DURATION,
                .value = 100.0 * ASIM_MILLISECOND,
                .min = 1.0 * ASIM_MILLISECOND,
                .max = 1e6 * ASIM_SECOND},
};

/* A program whose context lies in the tier below. */
struct away {
    struct memory_key key;
    asim_time fetch_at;
};

struct state {
    struct moving_means gaps;
    struct away away[MEMORY_ENTRIES];
    asim_time next_fetch; /* none is to be fetched before */
};

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    moving_means_add(&state->gaps, tool, gap, context->parameters[WEIGHT], context->now);
}

/* The score of a resident is when its program is expected back. */
static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    if (turn->is_last) {
        return retention_keep();
    }
    const double gap = moving_means_or(&state->gaps, turn->tool, context->parameters[DEFAULT_GAP]);
    return retention_hold((double)retention_after(context->now, gap));
}

static double evict_order(const struct asim_context *context, const struct asim_resident *resident)
{
    (void)context;
    return -resident->score;
}

static void on_turn_arrival(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    struct away *away = memory_find(state->away, MEMORY_SETS, sizeof *away, turn->program);
    if (away) {
        memory_forget(away, sizeof *away);
    }
}

/* ---- the tier below ---- */

static void bring_back(const struct asim_context *context)
{
    struct state *state = context->state;
    if (context->now < state->next_fetch) {
        return;
    }
    state->next_fetch = ASIM_NEVER;
    for (size_t i = 0; i < MEMORY_ENTRIES; i++) {
        struct away *away = &state->away[i];
        if (away->key.mark && away->fetch_at <= context->now) {
            context->host->prefetch(context->handle, away->key.mark - 1);
            memory_forget(away, sizeof *away);
        } else if (away->key.mark && away->fetch_at < state->next_fetch) {
            state->next_fetch = away->fetch_at;
        }
    }
}

static void send_away(const struct asim_context *context, const struct asim_resident *resident)
{
    struct state *state = context->state;
    const asim_time load = context->host->load_time(context->handle, 0, resident->context_toks);
    struct away *away = memory_take(state->away, MEMORY_SETS, sizeof *away, resident->program, context->now);
    away->fetch_at = (asim_time)(resident->score - (double)load - context->parameters[LEAD]);
    if (away->fetch_at < state->next_fetch) {
        state->next_fetch = away->fetch_at;
    }
    context->host->offload(context->handle, resident->program, 0);
}

/* The farthest resident goes that is not worth its blocks, away for longer than both copies take, while little is free.
 */
static void relieve(const struct asim_context *context)
{
    struct asim_resident farthest = {.score = -1.0};
    uint32_t largest = 0; /* blocks */
    for (uint32_t i = 0; i < context->n_residents; i++) {
        struct asim_resident resident;
        context->host->resident(context->handle, i, &resident);
        largest = resident.blocks > largest ? resident.blocks : largest;
        if (!resident.has_returned && !resident.is_offloading && resident.score > farthest.score) {
            farthest = resident;
        }
    }
    const double used = 1.0 - (double)context->free_blocks / (double)context->usable_blocks;
    if (farthest.score < 0.0 || (used <= context->parameters[FULL] && context->free_blocks >= largest)) {
        return;
    }
    const double load = (double)context->host->load_time(context->handle, 0, farthest.context_toks);
    if (farthest.score - (double)context->now > 2.0 * load + context->parameters[LEAD]) {
        send_away(context, &farthest);
    }
}

static void tick(const struct asim_context *context)
{
    if (!context->n_tiers) {
        return;
    }
    bring_back(context);
    relieve(context);
}

static asim_time tick_period(const double *values)
{
    return (asim_time)values[PERIOD];
}

const struct asim_policy policy_kvflow = {
    POLICY_HEAD,
    .name = "kvflow",
    .summary = "under pressure the KV goes whose program is expected back last; it is copied below and brought back",
    .source = "KVFlow (arXiv 2507.07400)",
    .assumed = "programs are chains, so steps to execution are the time to the expected return; whole contexts, one of "
               "them in each period, are copied below while there is no room for another",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct state),
    .tick_period = tick_period,
    .on_turn_arrival = on_turn_arrival,
    .observe_gap = observe_gap,
    .tick = tick,
    .on_turn_complete = on_turn_complete,
    .evict_order = evict_order,
};
