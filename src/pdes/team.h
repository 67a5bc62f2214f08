/* A team of threads that walks through windows of simulated time together.
 *
 * The caller of team_run is thread 0; the others are started by OpenMP, or by pthreads where OpenMP is absent or
 * ThreadSanitizer watches (it does not know OpenMP's own barriers). Between its meetings a thread works alone. What any
 * thread did before a meeting is seen by every thread after it.
 *
 * All threads of a team make the same sequence of meetings, of the same kinds. A team runs one work at a time.
 */
#ifndef ASIM_PDES_TEAM_H
#define ASIM_PDES_TEAM_H

#include <stdbool.h>
#include <stdint.h>

struct team;

enum team_binding {
    TEAM_BIND_NONE,
    TEAM_BIND_CORES, /* thread i to core i of those that the process may use, neighbours on one NUMA node */
    TEAM_BIND_NUMA,  /* thread i to the NUMA node of that core */
};

/* n_threads >= 1. The team is smaller than asked where OpenMP does not start as many (OMP_THREAD_LIMIT, or a call from
 * inside a parallel region): ask team_size. */
struct team *team_create(uint32_t n_threads, enum team_binding binding);
void team_destroy(struct team *team);
uint32_t team_size(const struct team *team);

/* Why threads are not bound as asked, ready to print; NULL when they are. Valid until the team is destroyed. */
const char *team_binding_problem(const struct team *team);

/* Runs work(argument, thread) on every thread, 0 <= thread < team_size, and returns when all have returned. Bindings
 * hold inside; the caller has its own again afterwards. */
void team_run(struct team *team, void (*work)(void *argument, uint32_t thread), void *argument);

/* Inside team_run: waits until every thread has come here. */
void team_meet(struct team *team, uint32_t thread);

/* The same, and thread 0 runs serial(argument) while the others still wait. */
void team_meet_serial(struct team *team, uint32_t thread, void (*serial)(void *argument), void *argument);

/* Starts or stops measuring what threads wait at meetings (two clock readings each); call it outside of team_run. */
void team_measure(struct team *team, bool on);

/* Nanoseconds that a thread has waited at meetings while measured; of another thread, outside of team_run only. */
uint64_t team_wait_ns(const struct team *team, uint32_t thread);

#endif
