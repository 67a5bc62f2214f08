/* PHOLD: events per second of the parts of src/pdes put together, and of one plain heap. 1,024 processes of 16 events.
 */
#include "support/bench.h"

#include "bench/support/phold.h"

#include <time.h>

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void phold(struct bench_state *state, struct phold_result (*run)(const struct phold_options *),
                  uint32_t n_threads)
{
    const struct phold_options options = {
        .seed = 1, .n_processes = 1024, .n_initial = 16, .n_threads = n_threads, .end = 100.0};
    struct phold_result result = {0};
    uint64_t n_events = 0;
    const double wall = seconds(CLOCK_MONOTONIC);
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID); /* of all threads; items are counted by the first one's */
    while (bench_next(state)) {
        result = run(&options);
        n_events += result.n_events;
    }
    bench_counter(state, "wall_M_per_s", 1e-6 * (double)n_events / (seconds(CLOCK_MONOTONIC) - wall));
    bench_counter(state, "cpu_M_per_s", 1e-6 * (double)n_events / (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu));
    bench_items(state, (int64_t)result.n_events);
}

static void phold_heap(struct bench_state *state)
{
    phold(state, phold_run_plain, 1);
}
BENCH(phold_heap)

static void phold_1_thread(struct bench_state *state)
{
    phold(state, phold_run, 1);
}
BENCH(phold_1_thread)

static void phold_2_threads(struct bench_state *state)
{
    phold(state, phold_run, 2);
}
BENCH(phold_2_threads)
