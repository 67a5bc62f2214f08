/* PHOLD, the usual benchmark of parallel discrete-event simulation (R. M. Fujimoto, 1990), with the conventions of
 * ROSS.
 *
 * Logical processes hold a fixed number of events. An event at one of them makes the next one, after the lookahead and
 * an exponential time of mean 1: at another process, uniformly chosen, in a quarter of the cases, else at the same one.
 * All draws of an event are one Philox block keyed by the process and the number of its events, so no engine can change
 * them. The digest covers the sequence of events of each process.
 */
#ifndef ASIM_BENCH_PHOLD_H
#define ASIM_BENCH_PHOLD_H

#include "base/digest.h"

#include <stdint.h>

struct phold_options {
    uint64_t seed;
    uint32_t n_processes;
    uint32_t n_initial; /* events per process */
    uint32_t n_threads;
    double end; /* units of model time; events before it are run */
};

struct phold_result {
    uint64_t n_events;
    uint64_t n_windows;
    uint64_t n_remote; /* messages between threads */
    struct digest digest;
};

/* The parts of src/pdes put together: a calendar a thread, a mailbox, a window of one lookahead at a time. */
struct phold_result phold_run(const struct phold_options *options);

/* Its plain twin: one heap, one event at a time. */
struct phold_result phold_run_plain(const struct phold_options *options);

#endif
