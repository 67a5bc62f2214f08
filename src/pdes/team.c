#include "pdes/team.h"

#include "base/mem.h"
#include "pdes/barrier.h"
#include "pdes/lines.h"
#include "pdes/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if ASIM_TEAM_PTHREADS
#include <pthread.h>
#else
#include <omp.h>
#endif

/* Written by its thread alone. */
struct member {
    _Alignas(LINE_BYTES) uint64_t wait_ns;
};

struct team {
    struct barrier barrier; /* first: its cache lines are aligned with the allocation */
    uint32_t n_threads;
    bool measures;
    struct topology *topology; /* NULL when threads are not bound */
    struct member *members;
    char problem[160]; /* of the binding; empty when there is none */
    void (*work)(void *argument, uint32_t thread);
    void *argument;
};

#if ASIM_TEAM_PTHREADS

static uint32_t startable_threads(uint32_t wanted)
{
    return wanted;
}

#else

static uint32_t startable_threads(uint32_t wanted)
{
    uint32_t n = 1;
    if (wanted > 1) {
#pragma omp parallel num_threads(wanted)
#pragma omp single
        n = (uint32_t)omp_get_num_threads();
    }
    return n;
}

#endif

static void prepare_binding(struct team *team, enum team_binding binding)
{
    if (binding == TEAM_BIND_NONE) {
        return;
    }
    team->topology = topology_create();
    if (!team->topology) {
        snprintf(team->problem, sizeof team->problem, "threads are not bound: the machine's topology cannot be read");
    } else if (!topology_place(team->topology, team->n_threads, binding == TEAM_BIND_NUMA)) {
        snprintf(team->problem, sizeof team->problem,
                 "threads are not bound: there are %u of them, and %u processing units that this process may use",
                 team->n_threads, topology_usable_units());
    } else if (!topology_bind(team->topology, 0) || !topology_unbind(team->topology)) {
        snprintf(team->problem, sizeof team->problem, "threads are not bound: the system refuses");
    }
    if (team->problem[0]) {
        topology_destroy(team->topology);
        team->topology = NULL;
    }
}

struct team *team_create(uint32_t n_threads, enum team_binding binding)
{
    struct team *team = lines_zalloc(sizeof *team);
    team->n_threads = startable_threads(n_threads);
    barrier_init(&team->barrier, team->n_threads, topology_usable_units());
    team->members = lines_zalloc(team->n_threads * sizeof *team->members);
    prepare_binding(team, binding);
    return team;
}

void team_destroy(struct team *team)
{
    if (!team) {
        return;
    }
    topology_destroy(team->topology);
    mem_free(team->members);
    mem_free(team);
}

uint32_t team_size(const struct team *team)
{
    return team->n_threads;
}

const char *team_binding_problem(const struct team *team)
{
    return team->problem[0] ? team->problem : NULL;
}

/* A refusal here would be that of a thread that a moment ago was not refused: the work goes on unbound. */
static void run_member(struct team *team, uint32_t thread)
{
    if (team->topology) {
        topology_bind(team->topology, thread);
    }
    team->work(team->argument, thread);
    if (team->topology) {
        topology_unbind(team->topology);
    }
}

#if ASIM_TEAM_PTHREADS

struct start {
    struct team *team;
    uint32_t thread;
    pthread_t id;
};

static void *run_started(void *argument)
{
    const struct start *start = argument;
    run_member(start->team, start->thread);
    return NULL;
}

static void run_all(struct team *team)
{
    struct start *starts = mem_alloc(team->n_threads * sizeof *starts);
    for (uint32_t i = 1; i < team->n_threads; i++) {
        starts[i] = (struct start){.team = team, .thread = i};
        if (pthread_create(&starts[i].id, NULL, run_started, &starts[i]) != 0) {
            fprintf(stderr, "asim: cannot start thread %u of %u\n", i + 1, team->n_threads);
            abort();
        }
    }
    run_member(team, 0);
    for (uint32_t i = 1; i < team->n_threads; i++) {
        pthread_join(starts[i].id, NULL);
    }
    mem_free(starts);
}

#else

static void run_all(struct team *team)
{
#pragma omp parallel num_threads(team->n_threads)
    {
        if ((uint32_t)omp_get_num_threads() != team->n_threads) { /* the others would be waited for in vain */
            fprintf(stderr, "asim: OpenMP started %d of %u threads\n", omp_get_num_threads(), team->n_threads);
            abort();
        }
        run_member(team, (uint32_t)omp_get_thread_num());
    }
}

#endif

void team_run(struct team *team, void (*work)(void *argument, uint32_t thread), void *argument)
{
    team->work = work;
    team->argument = argument;
    if (team->n_threads == 1) {
        run_member(team, 0);
    } else {
        run_all(team);
    }
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void team_meet(struct team *team, uint32_t thread)
{
    if (team->measures) {
        const uint64_t start = now_ns();
        barrier_wait(&team->barrier);
        team->members[thread].wait_ns += now_ns() - start;
    } else {
        barrier_wait(&team->barrier);
    }
}

/* Thread 0 waits until the others are there; what it does then is work, and its part of the wait ends before. */
void team_meet_serial(struct team *team, uint32_t thread, void (*serial)(void *argument), void *argument)
{
    const uint64_t start = team->measures ? now_ns() : 0;
    if (thread == 0) {
        barrier_gather(&team->barrier);
    } else {
        barrier_follow(&team->barrier);
    }
    if (team->measures) {
        team->members[thread].wait_ns += now_ns() - start;
    }
    if (thread == 0) {
        serial(argument);
        barrier_release(&team->barrier);
    }
}

void team_measure(struct team *team, bool on)
{
    team->measures = on;
}

uint64_t team_wait_ns(const struct team *team, uint32_t thread)
{
    return team->members[thread].wait_ns;
}
