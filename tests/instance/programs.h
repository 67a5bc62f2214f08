/* Random programs under policies, on one instance or on some that share tiers: each turn follows the one before it
 * after a gap, with the facts that policies are told. */
#ifndef ASIM_TESTS_INSTANCE_PROGRAMS_H
#define ASIM_TESTS_INSTANCE_PROGRAMS_H

#include "instance/gaps_seen.h"
#include "instance/instance.h"
#include "instance/residency/residency_counters.h"
#include "instance/tiers/node.h"

enum { PROGRAMS_MOST = 24, PROGRAMS_MOST_TURNS = 6, PROGRAMS_MOST_INSTANCES = 3 };

struct planned_program {
    simtime arrival;
    uint32_t shared; /* tokens of its first prompt that all programs begin with */
    uint32_t n_turns;
    uint32_t prompt[PROGRAMS_MOST_TURNS]; /* the context of the turn before, and more */
    uint32_t output[PROGRAMS_MOST_TURNS];
    simtime gap[PROGRAMS_MOST_TURNS]; /* after the turn */
    uint32_t tool[PROGRAMS_MOST_TURNS];
    uint32_t instance[PROGRAMS_MOST_TURNS];
    uint64_t tenant;
    simtime deadline;
    simtime hint_pin, hint_resume;
};

struct programs {
    struct engine_config config;
    struct tier_plan tiers; /* none: there is one instance */
    uint32_t n_instances;
    struct planned_program plans[PROGRAMS_MOST];
    uint32_t n;
    simtime latency; /* from ready to arrival */
    char label[160]; /* for messages */
};

/* A small engine under pressure, keyed by `seed`. */
void programs_init(struct programs *programs, uint64_t seed);

/* The same on up to three instances that share up to three small tiers. */
void programs_use_tiers(struct programs *programs, uint64_t seed);

/* How a run is carried forward. */
enum pace {
    PACE_WHOLE,    /* as far as arrivals allow */
    PACE_INSTANTS, /* from one telemetry instant to the next, with a snapshot at each */
    PACE_EVENTS,   /* one event at a time, everything checked after each */
};

struct programs_outcome {
    struct turn_end ends[PROGRAMS_MOST * PROGRAMS_MOST_TURNS];
    uint32_t n_ends;
    struct programs_share {
        struct instance_counters counters;
        struct residency_counters residency;
        bool decides; /* policies do */
        uint64_t evicted;
    } shares[PROGRAMS_MOST_INSTANCES]; /* by instance */
    struct gaps_seen gaps;             /* of all instances */
    struct load_snapshot snapshots[512];
    uint32_t n_snapshots;
    char fault[256]; /* empty: none */
};

void programs_run(const struct programs *programs, const struct policy_set *policies, struct step_time *step_time,
                  enum engine_stepping stepping, enum pace pace, struct programs_outcome *out);

#endif
