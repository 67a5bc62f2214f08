/* Google Benchmark for C: a benchmark is a C function; bench/support/bench.cc registers and runs them.
 *
 *     static void heap_churn(struct bench_state *state)
 *     {
 *         while (bench_next(state)) { ... }
 *         bench_items(state, 1000);            // items per iteration: reported as items_per_second
 *     }
 *     BENCH(heap_churn)
 */
#ifndef ASIM_BENCH_BENCH_H
#define ASIM_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_state;
typedef void (*bench_fn)(struct bench_state *state);

bool bench_next(struct bench_state *state);
void bench_pause(struct bench_state *state);
void bench_resume(struct bench_state *state);
void bench_items(struct bench_state *state, int64_t items_per_iteration);
void bench_counter(struct bench_state *state, const char *name, double value);
void bench_rate(struct bench_state *state, const char *name, double total); /* shown per second of CPU time */

/* Ends the benchmark with a note instead of a figure; bench_next is false from then on. */
void bench_skip(struct bench_state *state, const char *why);
void bench_register(const char *name, bench_fn function);

#ifdef __cplusplus
}
#endif

#define BENCH(function)                                                                                                \
    __attribute__((constructor)) static void register_##function(void)                                                 \
    {                                                                                                                  \
        bench_register(#function, function);                                                                           \
    }

#endif
