#define _GNU_SOURCE /* sched_getaffinity */

#include "support/support.h"

#include "pdes/team.h"
#include "pdes/topology.h"

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 9, ROUNDS = 2000 };

struct shared {
    struct team *team;
    uint32_t n;
    uint64_t cells[MAX_THREADS]; /* plain words: only the meetings order the accesses */
    uint64_t total;
    uint64_t serial_runs;
    bool wrong[MAX_THREADS];
};

/* Each thread counts rounds in its own cell and looks at all others' after the meeting. */
static void count_rounds(void *argument, uint32_t thread)
{
    struct shared *shared = argument;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        shared->cells[thread] = round;
        team_meet(shared->team, thread);
        for (uint32_t i = 0; i < shared->n; i++) {
            shared->wrong[thread] |= shared->cells[i] != round;
        }
        team_meet(shared->team, thread);
    }
}

static void add_cells(void *argument)
{
    struct shared *shared = argument;
    shared->serial_runs++;
    shared->total = 0;
    for (uint32_t i = 0; i < shared->n; i++) {
        shared->total += shared->cells[i];
    }
}

/* One serial meeting a round: cells are summed when all are written, and written again when the sum is done. */
static void add_serially(void *argument, uint32_t thread)
{
    struct shared *shared = argument;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        shared->cells[thread] = round * (thread + 1);
        team_meet_serial(shared->team, thread, add_cells, shared);
        shared->wrong[thread] |= shared->total != round * shared->n * (shared->n + 1) / 2;
        if (round % 3 == 0) { /* kinds may alternate */
            team_meet(shared->team, thread);
        }
        team_meet_serial(shared->team, thread, add_cells, shared);
    }
}

static void check_none_wrong(const struct shared *shared)
{
    for (uint32_t i = 0; i < shared->n; i++) {
        assert_false(shared->wrong[i]);
    }
}

/* Any number of threads, also more than there are cores; the same team again and again. */
static void meetings_order_everything(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 2, 3, 4, 7, MAX_THREADS};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct shared shared = {.team = team_create(sizes[i], TEAM_BIND_NONE)};
        shared.n = team_size(shared.team);
        assert_int_equal(shared.n, sizes[i]);
        assert_null(team_binding_problem(shared.team));
        for (uint64_t run = 1; run <= 3; run++) {
            team_run(shared.team, count_rounds, &shared);
            team_run(shared.team, add_serially, &shared);
            check_none_wrong(&shared);
            assert_int_equal(shared.serial_runs, run * 2 * ROUNDS);
        }
        team_destroy(shared.team);
    }
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Thread 1 comes late, then thread 0: the other sleeps meanwhile, and is woken in both kinds of meetings. */
static void come_late(void *argument, uint32_t thread)
{
    struct shared *shared = argument;
    for (uint32_t late = 0; late < 2; late++) {
        if (thread == late) {
            sleep_ms(50);
        }
        team_meet(shared->team, thread);
        if (thread == late) {
            sleep_ms(50);
        }
        team_meet_serial(shared->team, thread, add_cells, shared);
    }
}

static void sleepers_wake_and_waits_are_measured(void **state)
{
    (void)state;
    struct shared shared = {.team = team_create(2, TEAM_BIND_NONE), .n = 2};
    team_run(shared.team, come_late, &shared);
    assert_int_equal(team_wait_ns(shared.team, 0), 0);
    team_measure(shared.team, true);
    team_run(shared.team, come_late, &shared);
    for (uint32_t thread = 0; thread < 2;
         thread++) { /* each waits for two naps of the other, less what it is late itself */
        assert_true(team_wait_ns(shared.team, thread) > 20000000);
        assert_true(team_wait_ns(shared.team, thread) < UINT64_C(10000000000));
    }
    team_destroy(shared.team);
}

struct places {
    cpu_set_t sets[MAX_THREADS];
};

static void note_place(void *argument, uint32_t thread)
{
    struct places *places = argument;
    sched_getaffinity(0, sizeof places->sets[thread], &places->sets[thread]);
}

/* Bound threads have units of their own; the caller is bound only inside; threads too many for the units stay free. */
static void binds_to_cores(void **state)
{
    (void)state;
    cpu_set_t before;
    if (sched_getaffinity(0, sizeof before, &before) != 0) {
        skip();
    }
    const uint32_t units = topology_usable_units();
    assert_int_equal(units, CPU_COUNT(&before));
    const uint32_t n = units < MAX_THREADS ? units : MAX_THREADS;
    struct places places;
    struct team *team = team_create(n, TEAM_BIND_CORES);
    if (team_binding_problem(team)) {
        print_message("%s\n", team_binding_problem(team));
        team_destroy(team);
        skip();
    }
    team_run(team, note_place, &places);
    cpu_set_t together;
    CPU_ZERO(&together);
    for (uint32_t i = 0; i < n; i++) {
        cpu_set_t common;
        CPU_AND(&common, &together, &places.sets[i]);
        assert_int_equal(CPU_COUNT(&common), 0);
        CPU_AND(&common, &before, &places.sets[i]);
        assert_true(CPU_EQUAL(&common, &places.sets[i]));
        assert_true(CPU_COUNT(&common) > 0);
        CPU_OR(&together, &together, &places.sets[i]);
    }
    cpu_set_t after;
    sched_getaffinity(0, sizeof after, &after);
    assert_true(CPU_EQUAL(&after, &before));
    team_destroy(team);
    if (units < MAX_THREADS) {
        team = team_create(units + 1, TEAM_BIND_CORES);
        assert_non_null(strstr(team_binding_problem(team), "not bound"));
        team_run(team, note_place, &places);
        assert_true(CPU_EQUAL(&places.sets[0], &before));
        team_destroy(team);
    }
}

/* Nodes hold any number of threads. */
static void binds_to_nodes(void **state)
{
    (void)state;
    struct places places;
    struct team *team = team_create(MAX_THREADS, TEAM_BIND_NUMA);
    if (team_binding_problem(team)) {
        team_destroy(team);
        skip();
    }
    team_run(team, note_place, &places);
    for (uint32_t i = 0; i < MAX_THREADS; i++) {
        assert_true(CPU_COUNT(&places.sets[i]) > 0);
    }
    team_destroy(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meetings_order_everything),
        cmocka_unit_test(sleepers_wake_and_waits_are_measured),
        cmocka_unit_test(binds_to_cores),
        cmocka_unit_test(binds_to_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
