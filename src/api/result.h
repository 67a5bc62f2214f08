/* Results of a run, as the API keeps them. */
#ifndef ASIM_API_RESULT_H
#define ASIM_API_RESULT_H

#include "asim/asim.h"
#include "base/diag.h"
#include "metrics/recorder.h"
#include "options/input_files.h"
#include "policy/decision.h"
#include "sim/checkpoint.h"
#include "sim/engine_stats.h"
#include "sim/residency_table.h"

/* What the execution cost; facts of this machine and moment, kept apart from the canonical summary. */
struct execution {
    double wall_s;
    double cpu_s;
    double setup_s; /* of the wall time: reading inputs and building tables */
    uint64_t steps;
    uint64_t fast_forwarded_steps;
    uint64_t turns;
    double sim_time_s;
    const struct engine_stats *engine;     /* NULL: not measured */
    const struct checkpoints *checkpoints; /* NULL: none were asked for */
};

struct asim_result {
    struct diag diag;
    char *inputs[INPUT_FILES_MOST]; /* paths of the files and folders that were read */
    size_t n_inputs;
    struct recorder *recorder;
    struct residency_table *residency; /* NULL: not asked for */
    char *summary;
    char *execution;
    bool keeps_turns;
    bool keeps_decisions;
    struct decision_list decisions;
    char **tools; /* names, for decisions */
    size_t n_tools;
    uint32_t rank; /* of this process among those that shared the simulation */
};

/* Keeps the paths of the input files that the settings name. */
void result_note_inputs(struct asim_result *result, const struct settings *settings);

/* The execution document, with the paths of the result's input files. Freed with mem_free. */
char *execution_json(const struct execution *execution, const struct asim_result *result);

#endif
