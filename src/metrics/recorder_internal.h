/* What a recorder holds, for the files that implement it. */
#ifndef ASIM_METRICS_RECORDER_INTERNAL_H
#define ASIM_METRICS_RECORDER_INTERNAL_H

#include "metrics/program_sample.h"
#include "metrics/recorder.h"
#include "metrics/series.h"

#include <stddef.h>

enum { TTFT, TPOT, E2E, QUEUE, JCT, TOOL, PROGRAM_QUEUE, TOKEN_LATENCY, ITL, N_SERIES };

struct recorder {
    bool keep_turns;
    bool turns_sorted;
    simtime warmup;
    struct service_levels slo;
    struct fairness fairness;
    struct digest digest;
    struct recorder_summary totals; /* counts and end; the quantities are filled on demand */
    struct series series[N_SERIES];
    struct program_sample sample;
    struct turn_record *turns;
    size_t n_turns;
    size_t turn_capacity;
};

#endif
