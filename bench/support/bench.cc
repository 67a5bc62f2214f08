#include "support/bench.h"

#include <benchmark/benchmark.h>

struct bench_state {
    benchmark::State *state;
};

bool bench_next(struct bench_state *state)
{
    return state->state->KeepRunning();
}

void bench_pause(struct bench_state *state)
{
    state->state->PauseTiming();
}

void bench_resume(struct bench_state *state)
{
    state->state->ResumeTiming();
}

void bench_items(struct bench_state *state, int64_t items_per_iteration)
{
    state->state->SetItemsProcessed(static_cast<int64_t>(state->state->iterations()) * items_per_iteration);
}

void bench_counter(struct bench_state *state, const char *name, double value)
{
    state->state->counters[name] = value;
}

void bench_rate(struct bench_state *state, const char *name, double total)
{
    state->state->counters[name] = benchmark::Counter(total, benchmark::Counter::kIsRate);
}

void bench_skip(struct bench_state *state, const char *why)
{
    state->state->SkipWithError(why);
}

void bench_register(const char *name, bench_fn function)
{
    benchmark::RegisterBenchmark(name, [function](benchmark::State &google) {
        bench_state state{&google};
        function(&state);
    });
}

BENCHMARK_MAIN();
