/* Autellix's queues, which PLAS and ATLAS share: they differ in what counts as a program's service.
 *
 * Queue i holds calls of programs whose service lies in [low_i, low_i+1): low_1 = 0, low_2 = `range`, then each
 * `factor` times the one before, without end above the last. A call enters the queue of its program's service and sinks
 * by one when it has run for the quantum of its queue, `quantum` * `factor`^(i-1). A waiting call whose program has
 * waited `starvation` times as long as it has run goes to the first queue with a fresh account.
 */
#ifndef ASIM_POLICY_BUILTIN_AUTELLIX_H
#define ASIM_POLICY_BUILTIN_AUTELLIX_H

#include "policy/builtin/memory_table.h"

enum { AUTELLIX_QUEUES, AUTELLIX_RANGE, AUTELLIX_FACTOR, AUTELLIX_QUANTUM, AUTELLIX_STARVATION, AUTELLIX_PARAMETERS };

extern const struct asim_parameter autellix_parameters[AUTELLIX_PARAMETERS];

#define AUTELLIX_SOURCE "Autellix (arXiv 2502.13965)"
#define AUTELLIX_ASSUMED                                                                                               \
    "the number of queues, their ranges, quanta and the starvation ratio; within a queue the order of arrival; "       \
    "displaced calls are computed again, not swapped, and no call is displaced while it computes its prompt; "         \
    "priorities are looked at in every batch; the waiting time of a "                                                  \
    "program is what it was at this instance"

struct autellix_program {
    struct memory_key key;
    asim_time waited;      /* of all calls until they were admitted, */
    uint64_t call;         /* of which by this one, the last that was, */
    asim_time call_waited; /* so much */
};

/* A call that was taken to the first queue. */
struct autellix_rise {
    struct memory_key key;
    asim_time at, served;
};

struct autellix_state {
    struct autellix_program programs[MEMORY_ENTRIES];
    struct autellix_rise rises[MEMORY_ENTRIES];
};

/* `service` is the program's. */
struct asim_priority autellix_priority(const struct asim_context *context, const struct asim_turn *turn,
                                       asim_time service);
void autellix_observe_admission(const struct asim_context *context, const struct asim_turn *turn, asim_time waited);

#endif
