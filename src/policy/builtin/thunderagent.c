/* ThunderAgent, the gateway of a cluster: whole programs are paused and resumed so that the contexts of those at work
 * fit in the instances that they are at.
 *
 * A program reasons while a turn of it is at an instance or waits, and acts while its tool runs. Its context is that of
 * its last turn. Those at work at an instance may have its tokens together, with a buffer each. Every period, and when
 * new programs have come, paused programs are resumed while they fit in all that is free: those whose turn waits, then
 * new ones, then those that act, small contexts first; of those that are resumed the largest goes first to where most
 * is free, wherever it was before. Then, where those at work have too much, acting programs are paused, small contexts
 * first; if that is not enough, reasoning ones are marked, to be paused when their turn ends. Turns of paused programs
 * wait at the gateway; their KV is left to the cache's own order.
 */
#include "policy/builtin/builtin.h"
#include "policy/builtin/memory_table.h"

#include "base/mem.h"

#include <stdlib.h>

enum { PERIOD, BUFFER, ACTING_WEIGHT, HALF_LIFE, FORCED_RESUME };

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
};

enum standing { REASONING, NEW, ACTING, STANDINGS };

struct program {
    struct memory_key key;
    uint32_t context;
    uint32_t backend; /* instance; ASIM_NONE: it is paused */
    uint32_t n_sent;  /* turns at the instance */
    uint32_t n_held;  /* turns at the gateway */
    uint8_t standing;
    bool is_marked;  /* pauses at the end of its turn */
    asim_time since; /* it acts, or was paused */
};

enum { SETS = 2048, PROGRAMS = SETS * MEMORY_WAYS };

struct state {
    struct program programs[PROGRAMS];
    uint64_t n_queued;   /* programs whose turns wait */
    asim_time next_look; /* at the capacity */
    bool is_wanted;      /* earlier: a new program has come */
};

static bool is_paused(const struct program *program)
{
    return program->backend == ASIM_NONE;
}

static double capacity(const struct asim_routing *routing, uint32_t instance)
{
    return (double)routing->instances[instance].usable_blocks * routing->block_size;
}

/* Tokens that a program counts for; with `decayed`, less the longer it acts. */
static double weight(const struct asim_routing *routing, const struct program *program, bool decayed)
{
    double toks = program->context;
    if (program->standing == ACTING && !is_paused(program)) {
        toks *= routing->parameters[ACTING_WEIGHT];
        const asim_time half = (asim_time)routing->parameters[HALF_LIFE];
        for (asim_time age = routing->now - program->since; decayed && half > 0 && age >= half && toks >= 1.0;
             age -= half) {
            toks *= 0.5;
        }
    }
    return toks + routing->parameters[BUFFER];
}

/* Tokens left at each instance, freed with mem_free: as those see it that want to resume, or to find out whether
 * somebody must pause; programs that are marked will not be at work for long. */
static double *find_free(const struct asim_routing *routing, bool resuming)
{
    const struct state *state = routing->state;
    double *left = mem_alloc(routing->n_instances * sizeof *left);
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        left[i] = capacity(routing, i);
    }
    for (size_t i = 0; i < PROGRAMS; i++) {
        const struct program *program = &state->programs[i];
        if (program->key.mark && !is_paused(program) && (resuming || !program->is_marked)) {
            left[program->backend] -= weight(routing, program, resuming);
        }
    }
    return left;
}

static uint32_t most_free(const struct asim_routing *routing, const double *left)
{
    uint32_t most = 0;
    for (uint32_t i = 1; i < routing->n_instances; i++) {
        most = left[i] > left[most] ? i : most;
    }
    return most;
}

/* ---- groups of programs ---- */

struct group {
    struct program **programs;
    size_t n;
};

static bool is_of(const struct program *program, enum standing standing, bool paused)
{
    return program->key.mark && program->standing == standing && is_paused(program) == paused && !program->is_marked;
}

static int by_context(const void *left, const void *right)
{
    const struct program *a = *(struct program *const *)left;
    const struct program *b = *(struct program *const *)right;
    if (a->context != b->context) {
        return a->context < b->context ? -1 : 1;
    }
    return (a->key.mark > b->key.mark) - (a->key.mark < b->key.mark);
}

/* Those of a standing that are paused, or at work, and not marked, small contexts first; freed with mem_free. */
static struct group find_group(struct state *state, enum standing standing, bool paused)
{
    struct group group = {.programs = NULL};
    for (size_t i = 0; i < PROGRAMS; i++) {
        group.n += is_of(&state->programs[i], standing, paused);
    }
    group.programs = mem_alloc((group.n + 1) * sizeof(struct program *));
    size_t n = 0;
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (is_of(&state->programs[i], standing, paused)) {
            group.programs[n++] = &state->programs[i];
        }
    }
    qsort(group.programs, group.n, sizeof *group.programs, by_context);
    return group;
}

/* ---- resuming ---- */

static void resume(const struct asim_routing *routing, struct program *program, double *left)
{
    program->backend = most_free(routing, left);
    program->standing = program->standing == NEW ? REASONING : program->standing;
    program->since = routing->now;
    program->n_sent += program->n_held;
    program->n_held = 0;
    left[program->backend] -= weight(routing, program, false);
}

/* Paused programs that fit together in what is free; alone, where nobody is at work, one that is larger. */
static struct group choose_those_that_fit(const struct asim_routing *routing, const double *left)
{
    struct state *state = routing->state;
    double room = 0.0;
    double all = 0.0;
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        room += left[i] > 0.0 ? left[i] : 0.0;
        all += capacity(routing, i);
    }
    bool none_at_work = !(room < all);
    struct group chosen = {.programs = mem_alloc(PROGRAMS * sizeof(struct program *))};
    for (enum standing standing = REASONING; standing < STANDINGS; standing++) {
        const struct group group = find_group(state, standing, true);
        for (size_t i = 0; i < group.n; i++) {
            const double wanted = weight(routing, group.programs[i], false);
            if (wanted > room && !(none_at_work && standing != ACTING)) {
                break;
            }
            room -= wanted;
            none_at_work = false;
            chosen.programs[chosen.n++] = group.programs[i];
        }
        mem_free(group.programs);
    }
    return chosen;
}

static void resume_those_that_fit(const struct asim_routing *routing)
{
    struct state *state = routing->state;
    double *left = find_free(routing, true);
    const struct group chosen = choose_those_that_fit(routing, left);
    qsort(chosen.programs, chosen.n, sizeof *chosen.programs, by_context);
    for (size_t i = chosen.n; i-- > 0;) {
        resume(routing, chosen.programs[i], left);
    }
    for (size_t i = 0; i < PROGRAMS; i++) {
        struct program *program = &state->programs[i];
        if (program->key.mark && is_paused(program) && program->n_held &&
            (double)(routing->now - program->since) >= routing->parameters[FORCED_RESUME]) {
            resume(routing, program, left);
        }
    }
    mem_free(chosen.programs);
    mem_free(left);
}

/* ---- pausing ---- */

static void pause_program(struct program *program, asim_time now)
{
    program->backend = ASIM_NONE;
    program->is_marked = false;
    program->since = now;
}

/* Of a standing, while an instance has too much: acting programs are paused, others marked. */
static void relieve(const struct asim_routing *routing, enum standing standing, double *left)
{
    const struct group group = find_group(routing->state, standing, false);
    for (size_t i = 0; i < group.n; i++) {
        struct program *program = group.programs[i];
        if (left[program->backend] >= 0.0) {
            continue;
        }
        left[program->backend] += weight(routing, program, false);
        if (standing == ACTING) {
            pause_program(program, routing->now);
        } else {
            program->is_marked = true;
        }
    }
    mem_free(group.programs);
}

static void pause_those_too_many(const struct asim_routing *routing)
{
    double *left = find_free(routing, false);
    relieve(routing, ACTING, left);
    relieve(routing, REASONING, left);
    mem_free(left);
}

/* ---- the gateway ---- */

static struct program *take_new(struct state *state, uint64_t id, uint32_t context, asim_time now)
{
    struct program *program = memory_take(state->programs, SETS, sizeof *program, id, now);
    program->context = context;
    program->backend = ASIM_NONE;
    program->standing = NEW;
    program->since = now;
    return program;
}

/* A new program goes on at once where nobody queues and there is room. */
static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    struct state *state = routing->state;
    struct program *program = memory_find(state->programs, SETS, sizeof *program, request->program);
    if (program) {
        program->key.taken = routing->now;
        program->context = request->prompt_toks;
        program->standing = program->standing == NEW ? NEW : REASONING;
    } else {
        program = take_new(state, request->program, request->prompt_toks, routing->now);
        state->is_wanted = true;
        double *left = state->n_queued ? NULL : find_free(routing, true);
        if (left && left[most_free(routing, left)] >= weight(routing, program, false)) {
            resume(routing, program, left);
        }
        mem_free(left);
    }
    if (is_paused(program)) {
        state->n_queued += program->n_held == 0;
        program->n_held++;
        return ASIM_HELD;
    }
    program->n_sent++;
    return program->backend;
}

static void on_complete(const struct asim_context *context, const struct asim_completion *completion)
{
    struct state *state = context->state;
    struct program *program = memory_find(state->programs, SETS, sizeof *program, completion->program);
    if (!program) {
        return;
    }
    if (completion->is_last) {
        memory_forget(program, sizeof *program);
        return;
    }
    program->n_sent -= program->n_sent > 0;
    if (program->n_sent == 0 && program->n_held == 0) {
        program->context = completion->prompt_toks + completion->output_toks;
        program->standing = ACTING;
        program->since = context->now;
        if (program->is_marked) {
            pause_program(program, context->now);
        }
    }
}

/* Turns of programs that are at work go there. A program that was forgotten is new. */
static void release(const struct asim_routing *routing, const struct asim_gateway *gateway)
{
    struct state *state = routing->state;
    state->n_queued = 0;
    for (uint32_t i = 0; i < gateway->n_held; i++) {
        struct asim_held held;
        gateway->held(gateway->handle, i, &held);
        struct program *program = memory_find(state->programs, SETS, sizeof *program, held.program);
        if (!program) {
            program = take_new(state, held.program, held.prompt_toks, routing->now);
            program->n_held = 1;
        }
        if (is_paused(program)) {
            state->n_queued++;
        } else {
            gateway->release(gateway->handle, i, program->backend);
        }
    }
}

static void route_tick(const struct asim_routing *routing, const struct asim_gateway *gateway)
{
    struct state *state = routing->state;
    if (routing->now < state->next_look && !state->is_wanted) {
        return;
    }
    const asim_time period = (asim_time)routing->parameters[PERIOD];
    state->next_look = (routing->now / period + 1) * period;
    state->is_wanted = false;
    resume_those_that_fit(routing);
    pause_those_too_many(routing);
    release(routing, gateway);
}

const struct asim_policy policy_thunderagent = {
    POLICY_HEAD,
    .name = "thunderagent",
    .summary = "whole programs are paused and resumed, anywhere, so that the contexts of those at work fit in HBM",
    .source = "ThunderAgent, scheduler of its gateway",
    .assumed = "the gateway looks at telemetry instants; a marked program counts as gone at once, where the gateway "
               "goes on to mark them all; no credit for shared prefixes; the last 16384 programs are remembered",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_PROMPT,
    .state_size = sizeof(struct state),
    .route = route,
    .on_complete = on_complete,
    .route_tick = route_tick,
};
