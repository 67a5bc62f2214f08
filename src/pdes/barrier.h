/* A barrier for few threads that may share their cores with others.
 *
 * Arrivals are counted on one cache line and an epoch on another ends the wait: with up to some sixteen threads that is
 * as fast as a tree. A waiting thread spins for a microsecond or two (not at all when there are more threads than
 * cores: whoever it waits for may need the core), then gives its core away some times, then sleeps. Spinning on alone
 * was found 15 to 30 times slower where cores are shared.
 *
 * One thread needs no barrier: n = 1 touches nothing shared.
 */
#ifndef ASIM_PDES_BARRIER_H
#define ASIM_PDES_BARRIER_H

#include "pdes/lines.h"

#include <stdatomic.h>
#include <stdint.h>

/* A word that threads wait for to change, and how many of them sleep. */
struct barrier_word {
    _Alignas(LINE_BYTES) atomic_uint value;
    atomic_uint sleepers;
};

struct barrier {
    uint32_t n;     /* threads */
    uint32_t spins; /* looks at a word before the core is given away */
    struct barrier_word arrived;
    struct barrier_word epoch;
};

/* `cores`: how many the process may use. */
void barrier_init(struct barrier *barrier, uint32_t n, uint32_t cores);

/* Waits until n threads have come. */
void barrier_wait(struct barrier *barrier);

/* The same in two halves, for one thread to act in between: the leader returns from barrier_gather when all others
 * have come to barrier_follow, and they return after its barrier_release. */
void barrier_follow(struct barrier *barrier);
void barrier_gather(struct barrier *barrier);
void barrier_release(struct barrier *barrier);

#endif
