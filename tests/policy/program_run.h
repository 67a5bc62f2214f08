/* A few programs on one instance under a scheduling policy: turns that follow each other after a gap, with the facts
 * that policies are told. */
#ifndef ASIM_TESTS_POLICY_PROGRAM_RUN_H
#define ASIM_TESTS_POLICY_PROGRAM_RUN_H

#include "instance/instance.h"
#include "instance/residency/residency_counters.h"

enum { PROGRAM_RUN_MOST = 32 };

/* A chain of equal turns; each prompt is the context before it and `fresh` more tokens. */
struct program_plan {
    simtime arrival;
    uint32_t turns;
    uint32_t first_prompt;
    uint32_t fresh;
    uint32_t output;
    simtime gap;
};

struct program_run {
    struct engine_config config;
    struct step_time *step_time;
    const struct asim_policy *policy;         /* of scheduling; retention is left to the engine unless it has it */
    double parameters[POLICY_MAX_PARAMETERS]; /* the policy's defaults after program_run_use */
    bool retains;                             /* the policy serves retention, too */
    uint32_t n;
    struct program_plan plans[PROGRAM_RUN_MOST];
    /* results */
    simtime ends[PROGRAM_RUN_MOST];            /* of programs */
    simtime first_scheduled[PROGRAM_RUN_MOST]; /* of their first turns */
    uint64_t hit_toks, prompt_toks;            /* of all turns */
    uint64_t preemptions;
    struct residency_counters counters;
    uint64_t digest; /* of everything above, by program and turn */
};

/* Chooses a policy with the defaults of its parameters. */
void program_run_use(struct program_run *run, const struct asim_policy *policy);

/* Runs everything with one stepping. */
void program_run_serve(struct program_run *run, enum engine_stepping stepping);

/* Mean time from arrival to end. */
simtime program_run_mean(const struct program_run *run);

#endif
