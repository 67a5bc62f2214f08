/* InferCept: what wastes least while a program is away from the device.
 *
 * In token seconds, with C tokens of context, C' tokens of the turns that run, and a gap of T so far:
 *     preserve   T C
 *     discard    recomputation in chunks of h = S - running decodes tokens, m = ceil(C/h) - 1 of them and a rest:
 *                Tf(S) h m(m+1)/2 + a h m C' + a rest C'
 *     swap       2 Tload(C) C', but for what is hidden behind steps; only where there is a tier
 * with Tf(x) = a x + c the time of a step of x tokens and S the tokens that saturate it. A gap is known by what has
 * passed of it, so everybody is preserved at first, until preserving has wasted as much as the cheaper of the other
 * two would: a pin with that deadline, moved at every period as C' changes. The simple variants and prediction decide
 * at once, by the mean of the tool's gaps; AgentServeSim's by a gap that is guessed, with C' = 0.
 *
 * With a budget, nothing is swapped but what a step hides: before each step those go that would waste most, in blocks
 * up to what the link moves meanwhile, and no more than turns that wait lack. What is loaded is the engine's to decide.
 */
#include "policy/builtin/gaps.h"
#include "policy/builtin/retention.h"

enum { VARIANT, SATURATION, HIDDEN, PERIOD, SHORT, LONG, DEFAULT_GAP };

enum variant { MIN_WASTE, SHORT_OR_SWAP, SHORT_OR_DISCARD, BY_LENGTH, PREDICT, AT_START, BUDGET, VARIANTS };

static const struct asim_parameter parameters[] = {
    [VARIANT] = {.name = "variant",
                 .help = "0: least waste, the gap unknown; 1: short gaps preserved, others swapped; 2: long gaps "
                         "discarded, others preserved; 3: short ones preserved, long ones discarded, others swapped; "
                         "4: least waste by the tool's mean gap; 5: by `default_gap`, once, as AgentServeSim does; "
                         "6: least waste, the gap unknown, swaps hidden behind steps",
                 .kind = ASIM_NUMBER,
                 .value = MIN_WASTE,
                 .min = 0,
                 .max = VARIANTS - 1},
    [SATURATION] = {.name = "saturation",
                    .help = "tokens that saturate a step",
                    .kind = ASIM_NUMBER,
                    .value = 2048,
                    .min = 2,
                    .max = 1e6},
    [HIDDEN] = {.name = "hidden",
                .help = "share of a swap that is hidden behind steps",
                .kind = ASIM_NUMBER,
                .value = 0.0,
                .min = 0.0,
                .max = 1.0},
    [PERIOD] = {.name = "period",
                .help = "between two looks at what is preserved",
                .kind = ASIM_DURATION,
                .value = 100.0 * ASIM_MILLISECOND,
                .min = 1.0 * ASIM_MILLISECOND,
                .max = 1e6 * ASIM_SECOND},
    [SHORT] = {.name = "short",
               .help = "gaps below this are short",
               .kind = ASIM_DURATION,
               .value = 4.0 * ASIM_SECOND,
               .min = 0,
               .max = 1e6 * ASIM_SECOND},
    [LONG] = {.name = "long",
              .help = "gaps from this on are long",
              .kind = ASIM_DURATION,
              .value = 7.0 * ASIM_SECOND,
              .min = 0,
              .max = 1e6 * ASIM_SECOND},
    [DEFAULT_GAP] = GAP_DEFAULT,
};

struct state {
    struct running_means gaps;
    asim_time full, one; /* steps of as many tokens as saturate one, and of one; 0: not asked for yet */
};

static enum variant variant_of(const double *values)
{
    return (enum variant)values[VARIANT];
}

/* Gaps are known by what has passed of them. */
static bool waits_and_sees(const double *values)
{
    return variant_of(values) == MIN_WASTE || variant_of(values) == BUDGET;
}

/* ---- waste, in token picoseconds ---- */

/* The two times are the same all along, and wanted for every resident at every look. */
static const struct state *with_step_times(const struct asim_context *context)
{
    struct state *state = context->state;
    if (!state->full) {
        state->full = context->host->prefill_time(context->handle, (uint32_t)context->parameters[SATURATION], 0);
        state->one = context->host->prefill_time(context->handle, 1, 0);
    }
    return state;
}

/* With so many turns running, that hold so many tokens together. */
static double waste_of_discard_beside(const struct asim_context *context, uint32_t toks, uint32_t running,
                                      uint64_t running_toks)
{
    const struct state *state = with_step_times(context);
    const double saturation = context->parameters[SATURATION];
    const double full = (double)state->full;
    const double per_token = (full - (double)state->one) / (saturation - 1.0);
    const double room = saturation - running;
    const double chunk = room > 1.0 ? room : 1.0;
    const double whole = (double)(uint64_t)((double)toks / chunk);
    const double chunks = whole * chunk < (double)toks ? whole : whole - 1.0; /* all but the last */
    const double others = (double)running_toks;
    return full * chunk * chunks * (chunks + 1.0) / 2.0 + per_token * (double)toks * others;
}

static double waste_of_discard(const struct asim_context *context, uint32_t toks)
{
    return waste_of_discard_beside(context, toks, context->n_running, context->running_toks);
}

/* ASIM_NEVER where nothing can be swapped. */
static double waste_of_swap(const struct asim_context *context, uint32_t toks)
{
    if (!context->n_tiers) {
        return (double)ASIM_NEVER;
    }
    const double shown = 1.0 - context->parameters[HIDDEN];
    return 2.0 * (double)context->host->load_time(context->handle, 0, toks) * shown * (double)context->running_toks;
}

static double least_waste(const struct asim_context *context, uint32_t toks)
{
    const double discard = waste_of_discard(context, toks);
    const double swap = waste_of_swap(context, toks);
    return discard < swap || variant_of(context->parameters) == BUDGET ? discard : swap;
}

static bool swaps(const struct asim_context *context, uint32_t toks)
{
    return context->n_tiers && variant_of(context->parameters) != BUDGET &&
           waste_of_swap(context, toks) < waste_of_discard(context, toks);
}

/* How long a context of `toks` is preserved. */
static double longest(const struct asim_context *context, uint32_t toks)
{
    return least_waste(context, toks) / (double)toks;
}

/* ---- decisions ---- */

static struct asim_retention swap_or_discard(const struct asim_context *context, bool swap)
{
    struct asim_retention decision = retention_keep();
    if (swap && context->n_tiers) {
        decision.action = ASIM_OFFLOAD;
        decision.tier = 0;
    }
    return decision;
}

static struct asim_retention preserve(const struct asim_context *context)
{
    return retention_pin(context, (double)ASIM_NEVER);
}

static struct asim_retention decide_at_once(const struct asim_context *context, enum variant variant, double gap,
                                            uint32_t toks)
{
    const bool is_short = gap < context->parameters[SHORT];
    switch (variant) {
    case SHORT_OR_SWAP:
        return is_short ? preserve(context) : swap_or_discard(context, true);
    case SHORT_OR_DISCARD:
        return gap < context->parameters[LONG] ? preserve(context) : retention_keep();
    case BY_LENGTH:
        return is_short ? preserve(context) : swap_or_discard(context, gap < context->parameters[LONG]);
    default:
        return gap <= longest(context, toks) ? retention_pin(context, gap)
                                             : swap_or_discard(context, swaps(context, toks));
    }
}

/* As AgentServeSim does it: for a gap that is guessed, beside an idle engine, and what is discarded is not cached. */
static struct asim_retention decide_at_start(const struct asim_context *context, uint32_t toks)
{
    const double gap = context->parameters[DEFAULT_GAP];
    if (gap * (double)toks <= waste_of_discard_beside(context, toks, 0, 0)) {
        return retention_pin(context, gap);
    }
    struct asim_retention decision = retention_keep();
    decision.action = ASIM_DROP;
    return decision;
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    if (turn->is_last) {
        return retention_keep();
    }
    const uint32_t toks = retention_context(turn);
    const enum variant variant = variant_of(context->parameters);
    if (variant == AT_START) {
        return decide_at_start(context, toks);
    }
    if (!waits_and_sees(context->parameters)) {
        const double gap = running_means_or(&state->gaps, turn->tool, context->parameters[DEFAULT_GAP]);
        return decide_at_once(context, variant, gap, toks);
    }
    /* What is to be swapped is so at the end of a period, which must come before the deadline. */
    const double late = context->n_tiers ? context->parameters[PERIOD] : 0.0;
    return retention_pin(context, longest(context, toks) + late);
}

/* AgentServeSim's pins end when the program returns, and not when it is admitted. */
static void on_turn_arrival(const struct asim_context *context, const struct asim_turn *turn)
{
    if (variant_of(context->parameters) == AT_START) {
        context->host->release(context->handle, turn->program);
    }
}

static void look_again(const struct asim_context *context, const struct asim_resident *resident)
{
    const double most = longest(context, resident->context_toks);
    const double late = context->n_tiers ? context->parameters[PERIOD] : 0.0;
    if ((double)(context->now - resident->since) < most) {
        context->host->pin(context->handle, resident->program, retention_after(resident->since, most + late));
    } else if (swaps(context, resident->context_toks)) {
        context->host->offload(context->handle, resident->program, 0);
    } else {
        context->host->release(context->handle, resident->program);
    }
}

static void tick(const struct asim_context *context)
{
    for (uint32_t i = 0; waits_and_sees(context->parameters) && i < context->n_residents; i++) {
        struct asim_resident resident;
        context->host->resident(context->handle, i, &resident);
        if (resident.blocks && !resident.has_returned && !resident.is_offloading && resident.context_toks) {
            look_again(context, &resident);
        }
    }
}

static asim_time tick_period(const double *values)
{
    return waits_and_sees(values) ? (asim_time)values[PERIOD] : ASIM_NEVER;
}

/* ---- the budget of a step ---- */

/* Blocks that the turns that wait lack, as many as start a step. */
static double lacking_blocks(const struct asim_context *context)
{
    double toks = 0.0;
    for (uint32_t i = 0; i < context->n_waiting && toks < context->parameters[SATURATION]; i++) {
        struct asim_turn turn;
        context->host->waiting(context->handle, i, &turn);
        toks += turn.prompt_toks > turn.cached_toks ? turn.prompt_toks - turn.cached_toks : 0;
    }
    return toks / context->block_size - context->free_blocks;
}

/* What its absence saves: the least of what preserving it has wasted and what discarding it would. */
static double saved_by_swap(const struct asim_context *context, const struct asim_resident *resident)
{
    const double preserved = (double)(context->now - resident->since) * resident->context_toks;
    const double discarded = waste_of_discard(context, resident->context_toks);
    return preserved < discarded ? preserved : discarded;
}

/* Of those that fit the one whose absence saves most, but less than `below`, of equals the first: what it saves; 0.0:
 * nobody. */
static double find_largest(const struct asim_context *context, double room, double below, struct asim_resident *out)
{
    double most = 0.0;
    for (uint32_t i = 0; i < context->n_residents; i++) {
        struct asim_resident resident;
        context->host->resident(context->handle, i, &resident);
        if (resident.has_returned || resident.is_offloading || !resident.blocks || resident.blocks > room) {
            continue;
        }
        const double saved = saved_by_swap(context, &resident);
        if (saved > most && saved < below) {
            most = saved;
            *out = resident;
        }
    }
    return most;
}

static void plan_transfers(const struct asim_context *context, const struct asim_step *step)
{
    if (variant_of(context->parameters) != BUDGET || !context->n_waiting) {
        return;
    }
    /* What is stored makes room, and so does what is on its way when the next step comes: half of both. */
    const double hidden = (double)step->store_blocks;
    const double wanted = 0.5 * (hidden + lacking_blocks(context));
    double room = wanted < hidden ? wanted : hidden;
    double below = (double)ASIM_NEVER * (double)ASIM_NEVER;
    struct asim_resident resident;
    while (room >= 1.0 && (below = find_largest(context, room, below, &resident)) > 0.0) {
        context->host->offload(context->handle, resident.program, 0);
        room -= resident.blocks;
    }
}

static void observe_gap(const struct asim_context *context, uint32_t tool, asim_time gap)
{
    struct state *state = context->state;
    running_means_add(&state->gaps, tool, gap, context->now);
}

const struct asim_policy policy_infercept = {
    POLICY_HEAD,
    .name = "infercept",
    .summary = "KV is preserved, discarded or swapped, as wastes least memory time; programs in order of arrival",
    .source = "InferCept (arXiv 2402.01869), WukLab/InferCept",
    .assumed = "what is discarded stays cached until its blocks are needed; all running turns decode; swaps are "
               "charged as synchronous but for the share `hidden`, or, with a budget for each step, free and of whole "
               "contexts; simple variants but AgentServeSim's go by the mean of the tool's gaps",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct state),
    .tick_period = tick_period,
    .observe_gap = observe_gap,
    .on_turn_arrival = on_turn_arrival,
    .tick = tick,
    .on_turn_complete = on_turn_complete,
    .plan_transfers = plan_transfers,
    .priority = retention_by_program,
};
