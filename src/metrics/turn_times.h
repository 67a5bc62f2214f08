/* The durations of a turn, one definition for statistics and tables. All start at the client (ready). */
#ifndef ASIM_METRICS_TURN_TIMES_H
#define ASIM_METRICS_TURN_TIMES_H

#include "metrics/recorder.h"

/* Time to first token; of a turn without output, the time to the end of its prefill. */
static inline simtime turn_ttft(const struct turn_record *turn)
{
    return turn->first_token - turn->ready;
}

static inline simtime turn_e2e(const struct turn_record *turn)
{
    return turn->last_token - turn->ready;
}

/* Waiting before the first token's work began, and again after every preemption. */
static inline simtime turn_queue(const struct turn_record *turn)
{
    return turn->first_scheduled - turn->ready + turn->requeue_wait;
}

/* Time per output token after the first, to the nearest picosecond; false when there is none (outputs <= 1). */
static inline bool turn_tpot(const struct turn_record *turn, simtime *out)
{
    if (turn->output_toks <= 1) {
        return false;
    }
    const simtime intervals = turn->output_toks - 1;
    *out = (turn->last_token - turn->first_token + intervals / 2) / intervals;
    return true;
}

#endif
