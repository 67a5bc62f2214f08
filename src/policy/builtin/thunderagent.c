/* ThunderAgent at one instance: whole programs are paused and resumed so that the contexts of those at work fit.
 *
 * A program reasons while a turn of it is here, and acts while its tool runs. Its context is that of its last turn.
 * Those at work may hold the instance's tokens together, with a buffer each. Every period, and first of all, paused
 * programs are resumed while they fit: those whose turn waits, then new ones, then those that act, small contexts
 * first. If those at work hold too much, acting programs are paused, small contexts first; if that is not enough,
 * reasoning ones are marked, to be paused when their turn ends. Turns of paused programs are not admitted while
 * anything else runs.
 */
#include "policy/builtin/builtin.h"
#include "policy/builtin/memory_table.h"

enum { PERIOD, BUFFER, ACTING_WEIGHT, HALF_LIFE, FORCED_RESUME, HOLD };

static const struct asim_parameter parameters[] = {
    [PERIOD] = {.name = "period",
                .help = "between two looks at the capacity",
                .kind = ASIM_DURATION,
                .value = 5.0 * ASIM_SECOND,
                .min = 1.0 * ASIM_MILLISECOND,
                .max = 1e6 * ASIM_SECOND},
    [BUFFER] = {.name = "buffer",
                .help = "tokens set aside for each program at work",
                .kind = ASIM_NUMBER,
                .value = 100,
                .min = 0,
                .max = 1e9},
    [ACTING_WEIGHT] = {.name = "acting_weight",
                       .help = "share of an acting program's context that counts",
                       .kind = ASIM_NUMBER,
                       .value = 1.0,
                       .min = 0.0,
                       .max = 1.0},
    [HALF_LIFE] = {.name = "half_life",
                   .help =
                       "in which the context of an acting program counts half when others want to resume; 0s: never",
                   .kind = ASIM_DURATION,
                   .value = 0,
                   .min = 0,
                   .max = 1e6 * ASIM_SECOND},
    [FORCED_RESUME] = {.name = "forced_resume",
                       .help = "after which a paused program whose turn waits is resumed in any case",
                       .kind = ASIM_DURATION,
                       .value = 1800.0 * ASIM_SECOND,
                       .min = 0,
                       .max = 1e6 * ASIM_SECOND},
    [HOLD] = {.name = "hold",
              .help =
                  "1: programs at work hold their KV between turns, until they are paused; 0: the cache's own order",
              .kind = ASIM_NUMBER,
              .value = 1,
              .min = 0,
              .max = 1},
};

enum standing { REASONING, ACTING, NEW };

struct program {
    struct memory_key key;
    uint32_t context;
    uint8_t standing;
    bool is_paused;
    bool is_marked;  /* pauses at the end of its turn */
    asim_time since; /* it acts, or was paused */
};

struct state {
    struct program programs[MEMORY_ENTRIES];
};

static double capacity(const struct asim_context *context)
{
    return (double)context->usable_blocks * context->block_size;
}

/* Tokens that a program counts for; with `decayed`, less the longer it acts. */
static double weight(const struct asim_context *context, const struct program *program, bool decayed)
{
    double toks = program->context;
    if (program->standing == ACTING && !program->is_paused) {
        toks *= context->parameters[ACTING_WEIGHT];
        const asim_time half = (asim_time)context->parameters[HALF_LIFE];
        for (asim_time age = context->now - program->since; decayed && half > 0 && age >= half && toks >= 1.0;
             age -= half) {
            toks *= 0.5;
        }
    }
    return toks + context->parameters[BUFFER];
}

/* Tokens of the programs at work: as those see it that want to resume, or to find out whether somebody must pause;
 * programs that are marked will not be at work for long. */
static double used(const struct asim_context *context, bool resuming)
{
    const struct state *state = context->state;
    double sum = 0.0;
    for (size_t i = 0; i < MEMORY_ENTRIES; i++) {
        const struct program *program = &state->programs[i];
        if (program->key.mark && !program->is_paused && (resuming || !program->is_marked)) {
            sum += weight(context, program, resuming);
        }
    }
    return sum;
}

static void pause_program(const struct asim_context *context, struct program *program)
{
    program->is_paused = true;
    program->is_marked = false;
    program->since = context->now;
    context->host->release(context->handle, program->key.mark - 1);
}

/* ---- the period ---- */

static bool is_smaller(const struct program *a, const struct program *b)
{
    return a->context < b->context || (a->context == b->context && a->key.mark < b->key.mark);
}

/* The smallest of a standing that is paused, or at work and not marked; NULL: none. */
static struct program *smallest(struct state *state, enum standing standing, bool paused)
{
    struct program *found = NULL;
    for (size_t i = 0; i < MEMORY_ENTRIES; i++) {
        struct program *program = &state->programs[i];
        if (program->key.mark && program->standing == standing && program->is_paused == paused && !program->is_marked &&
            (!found || is_smaller(program, found))) {
            found = program;
        }
    }
    return found;
}

static void resume(const struct asim_context *context, struct program *program)
{
    program->is_paused = false;
    program->standing = program->standing == NEW ? REASONING : program->standing;
    program->since = context->now;
}

static void resume_those_that_fit(const struct asim_context *context)
{
    static const enum standing turns[] = {REASONING, NEW, ACTING};
    struct state *state = context->state;
    double sum = used(context, true);
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        struct program *next;
        while ((next = smallest(state, turns[i], true)) &&
               (sum + weight(context, next, false) <= capacity(context) || (sum <= 0.0 && turns[i] != ACTING))) {
            sum += weight(context, next, false);
            resume(context, next);
        }
    }
    for (size_t i = 0; i < MEMORY_ENTRIES; i++) {
        struct program *program = &state->programs[i];
        if (program->key.mark && program->is_paused && program->standing != ACTING &&
            (double)(context->now - program->since) >= context->parameters[FORCED_RESUME]) {
            resume(context, program);
        }
    }
}

static void pause_those_too_many(const struct asim_context *context)
{
    struct state *state = context->state;
    double sum = used(context, false);
    struct program *next;
    while (sum > capacity(context) && (next = smallest(state, ACTING, false))) {
        sum -= weight(context, next, false);
        pause_program(context, next);
    }
    while (sum > capacity(context) && (next = smallest(state, REASONING, false))) {
        sum -= weight(context, next, false);
        next->is_marked = true;
    }
}

static void tick(const struct asim_context *context)
{
    resume_those_that_fit(context);
    pause_those_too_many(context);
}

static asim_time tick_period(const double *values)
{
    return (asim_time)values[PERIOD];
}

/* ---- what happens to programs ---- */

/* A new program queues, and goes on at once where there is room. */
static void on_turn_arrival(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    const bool is_new = memory_find(state->programs, MEMORY_SETS, sizeof(struct program), turn->program) == NULL;
    struct program *program = memory_take(state->programs, MEMORY_SETS, sizeof *program, turn->program, context->now);
    program->context = turn->prompt_toks;
    program->standing = REASONING;
    if (is_new) {
        program->standing = NEW;
        program->is_paused = true;
        program->since = context->now;
        tick(context);
    }
}

static bool admit(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    const struct program *program = memory_find(state->programs, MEMORY_SETS, sizeof *program, turn->program);
    return !program || !program->is_paused;
}

static struct asim_retention on_turn_complete(const struct asim_context *context, const struct asim_turn *turn)
{
    struct state *state = context->state;
    struct program *program = memory_take(state->programs, MEMORY_SETS, sizeof *program, turn->program, context->now);
    if (turn->is_last) {
        memory_forget(program, sizeof *program);
        return (struct asim_retention){.action = ASIM_KEEP};
    }
    program->context = turn->prompt_toks + turn->output_toks;
    program->standing = ACTING;
    program->since = context->now;
    if (program->is_marked) {
        pause_program(context, program);
    }
    return (struct asim_retention){.action =
                                       context->parameters[HOLD] > 0.0 && !program->is_paused ? ASIM_HOLD : ASIM_KEEP};
}

const struct asim_policy policy_thunderagent = {
    POLICY_HEAD,
    .name = "thunderagent",
    .summary = "whole programs are paused and resumed so that the contexts of those at work fit in HBM",
    .source = "ThunderAgent, scheduler of its gateway",
    .assumed =
        "each instance by itself, as if it were a cluster of one: the gateway queues for all and may resume a "
        "program elsewhere; a marked program counts as gone at once, where the gateway goes on to mark them all; "
        "programs at work hold their KV (hold = 0: the cache's order, as there); no credit for shared prefixes",
    POLICY_PARAMETERS(parameters),
    .state_size = sizeof(struct state),
    .tick_period = tick_period,
    .on_turn_arrival = on_turn_arrival,
    .tick = tick,
    .on_turn_complete = on_turn_complete,
    .admit = admit,
};
