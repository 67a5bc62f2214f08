/* Random engine scenarios: configurations and arrivals, and what an instance makes of them. */
#ifndef ASIM_TESTS_INSTANCE_SCENARIO_H
#define ASIM_TESTS_INSTANCE_SCENARIO_H

#include "instance/gaps_seen.h"
#include "instance/instance.h"

enum { SCENARIO_INSTANCE = 7 };

struct scenario {
    struct engine_config config;
    struct turn_arrival *arrivals; /* by time */
    uint32_t n_arrivals;
    bool has_common;              /* turns repeat and continue each other; otherwise only system prompts are shared */
    struct extent_list *contents; /* of the turns */
    simtime gaps_from;            /* gaps between tokens that begin before are not counted */
    uint64_t *speakers;           /* whose output stream a turn's output is */
};

/* A small engine under pressure, keyed by `seed`. */
void scenario_init(struct scenario *scenario, uint64_t seed);
void scenario_fini(struct scenario *scenario);

struct outcome {
    struct turn_end *ends; /* in the order they ended */
    uint32_t n_ends;
    struct instance_counters counters;
    struct gaps_seen gaps;
    uint64_t evicted;
    struct load_snapshot *snapshots; /* one per telemetry instant looked at */
    simtime *instants;               /* of the snapshots */
    uint32_t n_snapshots;
};

/* Runs the scenario to its end. `chunk` > 0 advances in pieces of that much simulated time, taking a snapshot at each
 * telemetry instant on the way; 0 advances as far as arrivals allow. */
void scenario_run(const struct scenario *scenario, struct step_time *step_time, enum engine_stepping stepping,
                  simtime chunk, struct outcome *out);
void outcome_fini(struct outcome *outcome);

/* The tile model of Llama-3.1-8B on an H100. */
struct step_time *scenario_step_time(void);

/* An engine of 30 blocks of 16 tokens, for histories worked out by hand. */
struct engine_config scenario_small_engine(void);

#endif
