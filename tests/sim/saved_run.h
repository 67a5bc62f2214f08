/* Runs of random clusters on the parallel engine that are saved, and go on from what was saved. */
#ifndef ASIM_TESTS_SIM_SAVED_RUN_H
#define ASIM_TESTS_SIM_SAVED_RUN_H

#include "sim/random_cluster.h"

/* Where a run is cut. */
struct cut {
    uint64_t window; /* a checkpoint is written before it, */
    uint64_t pulse;  /* or the run is stopped there; UINT64_MAX: never */
    uint64_t windows, pulses;
};

/* Runs from `resume`, NULL: from the beginning; writes `file` where it is cut. The digest of its turns. */
struct digest run_cut(const struct random_cluster *random, const char *resume, const char *file, struct cut *cut);

#endif
