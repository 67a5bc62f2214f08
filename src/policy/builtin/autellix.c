#include "policy/builtin/autellix.h"

const struct asim_parameter autellix_parameters[AUTELLIX_PARAMETERS] = {
    [AUTELLIX_QUEUES] =
        {.name = "queues", .help = "number of queues", .kind = ASIM_NUMBER, .value = 6, .min = 1, .max = 32},
    [AUTELLIX_RANGE] = {.name = "range",
                        .help = "service of a program at which the second queue begins",
                        .kind = ASIM_DURATION,
                        .value = 1.0 * ASIM_SECOND,
                        .min = 1.0 * ASIM_MICROSECOND,
                        .max = 1e6 * ASIM_SECOND},
    [AUTELLIX_FACTOR] = {.name = "factor",
                         .help = "from queue to queue, of ranges and quanta",
                         .kind = ASIM_NUMBER,
                         .value = 2.0,
                         .min = 1.0,
                         .max = 1000.0},
    [AUTELLIX_QUANTUM] = {.name = "quantum",
                          .help = "time that a call may run in the first queue before it sinks",
                          .kind = ASIM_DURATION,
                          .value = 1.0 * ASIM_SECOND,
                          .min = 1.0 * ASIM_MICROSECOND,
                          .max = 1e6 * ASIM_SECOND},
    [AUTELLIX_STARVATION] = {.name = "starvation",
                             .help = "waiting over running time of a program from which its call rises; 0: never",
                             .kind = ASIM_NUMBER,
                             .value = 5.0,
                             .min = 0.0,
                             .max = 1e9},
};

/* Calls are known by their program (below 2^38) and turn (below 2^24). */
static uint64_t call_of(const struct asim_turn *turn)
{
    return turn->program << 24 | turn->turn;
}

static int32_t queue_of(const double *parameters, asim_time service)
{
    const int32_t last = (int32_t)parameters[AUTELLIX_QUEUES] - 1;
    double low = parameters[AUTELLIX_RANGE];
    int32_t queue = 0;
    for (; queue < last && (double)service >= low; queue++) {
        low *= parameters[AUTELLIX_FACTOR];
    }
    return queue;
}

static int32_t sink(const double *parameters, int32_t queue, asim_time served)
{
    const int32_t last = (int32_t)parameters[AUTELLIX_QUEUES] - 1;
    double quantum = parameters[AUTELLIX_QUANTUM];
    for (int32_t i = 0; i < queue; i++) {
        quantum *= parameters[AUTELLIX_FACTOR];
    }
    double left = (double)served;
    for (; queue < last && left >= quantum; queue++) {
        left -= quantum;
        quantum *= parameters[AUTELLIX_FACTOR];
    }
    return queue;
}

/* Waiting of the program's other calls. */
static asim_time waited_before(struct autellix_state *state, const struct asim_turn *turn)
{
    const struct autellix_program *program = memory_find(state->programs, MEMORY_SETS, sizeof *program, turn->program);
    return program ? program->waited - (program->call == call_of(turn) ? program->call_waited : 0) : 0;
}

static bool starves(const struct asim_context *context, const struct asim_turn *turn, const struct autellix_rise *rise)
{
    struct autellix_state *state = context->state;
    const asim_time ran = turn->served - (rise ? rise->served : 0);
    const double ratio = context->parameters[AUTELLIX_STARVATION];
    const asim_time waited = context->now - (rise ? rise->at : turn->arrived) - ran;
    return ratio > 0.0 && (double)(waited_before(state, turn) + waited) >= ratio * (double)(turn->attained + ran);
}

struct asim_priority autellix_priority(const struct asim_context *context, const struct asim_turn *turn,
                                       asim_time service)
{
    struct autellix_state *state = context->state;
    struct autellix_rise *rise = memory_find(state->rises, MEMORY_SETS, sizeof *rise, call_of(turn));
    int32_t queue = sink(context->parameters, rise ? 0 : queue_of(context->parameters, service),
                         turn->served - (rise ? rise->served : 0));
    const bool waits = turn->first_scheduled == ASIM_NEVER || turn->is_preempted;
    if (!waits && (!turn->output_toks || turn->cached_toks + 1 < turn->prompt_toks + turn->output_toks)) {
        queue = 0; /* what it has computed of its prompt would be lost: two calls could displace each other for ever */
    }
    if (waits && queue > 0 && starves(context, turn, rise)) {
        rise = memory_take(state->rises, MEMORY_SETS, sizeof *rise, call_of(turn), context->now);
        rise->at = context->now;
        rise->served = turn->served;
        queue = 0;
    }
    return (struct asim_priority){.level = queue, .order = turn->arrived};
}

void autellix_observe_admission(const struct asim_context *context, const struct asim_turn *turn, asim_time waited)
{
    struct autellix_state *state = context->state;
    struct autellix_program *program =
        memory_take(state->programs, MEMORY_SETS, sizeof *program, turn->program, context->now);
    if (program->call != call_of(turn)) {
        program->call = call_of(turn);
        program->call_waited = 0;
    }
    program->waited += waited;
    program->call_waited += waited;
}
