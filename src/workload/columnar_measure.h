/* The first pass of writing a columnar file: how large its columns are, and which of them are needed. */
#ifndef ASIM_WORKLOAD_COLUMNAR_MEASURE_H
#define ASIM_WORKLOAD_COLUMNAR_MEASURE_H

#include "workload/arrivals.h"

struct columnar_measure {
    uint64_t n_turns;
    uint64_t n_extents;
    uint64_t name_bytes;
    uint64_t tool_bytes;
    uint64_t longest_prompt; /* with one token of output where there is any */
    uint64_t missing_gaps;
    simtime median_gap; /* of the gaps known; GAP_MISSING when none is, or none is missing */
    uint32_t most_turns;
    uint32_t most_extents;
    /* Whether any row differs from what an absent column says. */
    bool lines;
    bool streams;
    bool prefixes;
    bool parents;
    bool tools;
    bool shared_outputs;
    bool in_order;
};

/* The parent of a turn where the column is absent. */
static inline uint32_t columnar_usual_parent(uint32_t index)
{
    return index ? index - 1 : 0;
}

/* Fetches every program; false when one could not be had, or its arrival, which is in the workload's diag then. */
bool columnar_measure(struct workload *workload, struct columnar_measure *out);

/* Recorded arrivals, from the first. */
struct arrivals columnar_arrivals(const struct workload *workload);

#endif
