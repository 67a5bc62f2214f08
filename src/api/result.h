/* Results of a run, as the API keeps them. */
#ifndef ASIM_API_RESULT_H
#define ASIM_API_RESULT_H

#include "asim/asim.h"
#include "base/diag.h"
#include "metrics/recorder.h"
#include "options/settings.h"

/* What the execution cost; facts of this machine and moment, kept apart from the canonical summary. */
struct execution {
    double wall_s;
    double cpu_s;
    double setup_s; /* of the wall time: reading inputs and building tables */
    uint64_t steps;
    uint64_t fast_forwarded_steps;
    uint64_t turns;
    double sim_time_s;
};

struct asim_result {
    struct diag diag;
    struct recorder *recorder;
    char *summary;
    char *execution;
    bool keeps_turns;
};

/* The execution document; `settings` names the input files whose hashes it carries. Freed with mem_free. */
char *execution_json(const struct execution *execution, const struct settings *settings);

#endif
