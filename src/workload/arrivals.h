/* When programs arrive: recorded times, a Poisson process, all at zero, or closed-loop clients. */
#ifndef ASIM_WORKLOAD_ARRIVALS_H
#define ASIM_WORKLOAD_ARRIVALS_H

#include "base/simtime.h"
#include "base/store.h"
#include "workload/workload.h"

enum arrival_process { ARRIVALS_RECORDED, ARRIVALS_POISSON, ARRIVALS_ZERO, ARRIVALS_CLOSED };

struct arrivals_options {
    enum arrival_process process;
    double rate;          /* Poisson: programs per second */
    uint32_t clients;     /* closed loop: programs in progress at once */
    simtime client_setup; /* closed loop: a client's time before each program */
    uint64_t seed;
};

/* Open-loop arrivals in order of (time, program); closed loops are released by the orchestrator. */
struct arrivals {
    struct arrivals_options options;
    const struct workload *workload;
    uint64_t n_programs;
    uint64_t next;   /* position in the order */
    simtime last;    /* time of the last arrival */
    simtime *drawn;  /* Poisson: intervals before programs, by number modulo ARRIVALS_AHEAD; -1: not drawn */
    uint64_t *order; /* recorded: program ids by arrival; NULL when already in order */
    struct arrival_cursor cursor; /* recorded, where the workload knows the order */
    simtime origin;               /* recorded: the earliest arrival, which is time zero */
};

void arrivals_init(struct arrivals *arrivals, const struct workload *workload, const struct arrivals_options *options);
void arrivals_fini(struct arrivals *arrivals);

/* Poisson arrivals: draws the interval before the program ARRIVALS_AHEAD after `program`, which has been given out, so
 * that arrivals_next need not. Threads may do so side by side for different programs, while nothing else is asked for.
 */
enum { ARRIVALS_AHEAD = 8192 };
void arrivals_draw(const struct arrivals *arrivals, uint64_t program);

/* The next open-loop arrival, or false when there are no more. */
bool arrivals_next(struct arrivals *arrivals, uint64_t *program, simtime *time);

/* How far they have come, as part of the caller's section. arrivals_load goes on from there with the same workload and
 * options; false when the place makes no sense, and the reader knows why. */
void arrivals_save(const struct arrivals *arrivals, struct store_writer *writer);
bool arrivals_load(struct arrivals *arrivals, struct store_reader *reader);

#endif
