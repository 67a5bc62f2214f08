/* What retention policies answer, in short; and times as sums of what policies compute with. */
#ifndef ASIM_POLICY_BUILTIN_RETENTION_H
#define ASIM_POLICY_BUILTIN_RETENTION_H

#include "policy/builtin/builtin.h"

/* `duration` (ps) after `now`; ASIM_NEVER where the clock would not reach that far. */
static inline asim_time retention_after(asim_time now, double duration)
{
    if (duration <= 0.0) {
        return now;
    }
    return duration < 0.5 * (double)(ASIM_NEVER - now) ? now + (asim_time)duration : ASIM_NEVER;
}

static inline struct asim_retention retention_keep(void)
{
    return (struct asim_retention){.action = ASIM_KEEP, .until = ASIM_NEVER, .tier = ASIM_NONE};
}

static inline struct asim_retention retention_hold(double score)
{
    return (struct asim_retention){.action = ASIM_HOLD, .until = ASIM_NEVER, .tier = ASIM_NONE, .score = score};
}

/* A pin for `duration` (ps); none where that is zero. */
static inline struct asim_retention retention_pin(const struct asim_context *context, double duration)
{
    if (duration <= 0.0) {
        return retention_keep();
    }
    return (struct asim_retention){
        .action = ASIM_PIN, .until = retention_after(context->now, duration), .tier = ASIM_NONE};
}

/* Tokens of the context that a turn leaves behind. */
static inline uint32_t retention_context(const struct asim_turn *turn)
{
    return turn->prompt_toks + turn->output_toks;
}

/* Time to have a context in HBM again once it is gone: loaded from the first tier or computed, whichever is faster. */
static inline asim_time retention_reload(const struct asim_context *context, uint32_t toks)
{
    const asim_time computed = context->host->prefill_time(context->handle, toks, 0);
    const asim_time loaded = context->n_tiers ? context->host->load_time(context->handle, 0, toks) : ASIM_NEVER;
    return loaded < computed ? loaded : computed;
}

/* Continuum's queue: preempted turns, those of pinned programs, others; in each class by their programs' arrival. */
static inline struct asim_priority retention_pinned_first(const struct asim_context *context,
                                                          const struct asim_turn *turn)
{
    (void)context;
    return (struct asim_priority){.level = turn->is_preempted ? 0
                                           : turn->is_pinned  ? 1
                                                              : 2,
                                  .order = turn->program_arrival};
}

/* Programs in the order of their arrival. */
static inline struct asim_priority retention_by_program(const struct asim_context *context,
                                                        const struct asim_turn *turn)
{
    (void)context;
    return (struct asim_priority){.order = turn->program_arrival};
}

/* Running turns: the one of the latest program; with `spares_last`, one that is not its program's last where there is
 * such. */
static inline uint32_t retention_latest_running(const struct asim_context *context, bool spares_last)
{
    uint32_t latest = 0;
    struct asim_turn of_latest;
    for (uint32_t i = 0; i < context->n_running; i++) {
        struct asim_turn turn;
        context->host->running(context->handle, i, &turn);
        const bool is_last = spares_last && turn.is_last;
        const bool latest_is_last = i && spares_last && of_latest.is_last;
        if (!i || is_last < latest_is_last ||
            (is_last == latest_is_last && turn.program_arrival >= of_latest.program_arrival)) {
            latest = i;
            of_latest = turn;
        }
    }
    return latest;
}

#endif
