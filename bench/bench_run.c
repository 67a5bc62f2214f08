/* Whole runs through the C API, as a program that links the library sees them: configuration, reading, tables, the
 * simulation, the summary. What a process adds (loading, command line) is for a clock outside, see README.md. */
#include "support/bench.h"
#include "support/data.h"

#include "asim/asim.h"

#include <jansson.h>
#include <string.h>

enum { MAX_OPTIONS = 12 };

struct run_case {
    const char *options[2 * MAX_OPTIONS]; /* path, value, ...; a value that starts with @ is a file of the data folder,
                                             one that starts with profile:@ a folder of tables there */
};

/* False when a file is absent. */
static bool configure(const struct run_case *c, asim_config *config)
{
    for (int i = 0; i + 1 < 2 * MAX_OPTIONS && c->options[i]; i += 2) {
        char value[DATA_PATH_BYTES + 16];
        const char *given = c->options[i + 1];
        const char *at = strchr(given, '@');
        if (at) {
            const int before = (int)(at - given);
            char path[DATA_PATH_BYTES];
            if (!data_path(at + 1, path)) {
                return false;
            }
            snprintf(value, sizeof value, "%.*s%s", before, given, path);
            given = value;
        }
        if (asim_config_set(config, c->options[i], given) != ASIM_OK) {
            abort();
        }
    }
    return true;
}

/* Counts of the summary, to be turned into rates. */
static void count(const asim_result *result, int64_t *steps, int64_t *turns)
{
    json_t *summary = json_loads(asim_result_summary(result), 0, NULL);
    *steps = json_integer_value(json_object_get(summary, "steps"));
    *turns = json_integer_value(json_object_get(json_object_get(summary, "turns"), "completed"));
    json_decref(summary);
}

static void run(struct bench_state *state, const struct run_case *c)
{
    int64_t steps = 0;
    int64_t turns = 0;
    uint64_t iterations = 0;
    while (bench_next(state)) {
        asim_config *config = asim_config_create();
        if (!configure(c, config)) {
            asim_config_destroy(config);
            bench_skip(state, "no recorded data");
            return;
        }
        asim_result *result = NULL;
        if (asim_config_resolve(config) != ASIM_OK || asim_run(config, NULL, &result) != ASIM_OK) {
            abort();
        }
        bench_pause(state);
        count(result, &steps, &turns);
        iterations++;
        bench_resume(state);
        asim_result_destroy(result);
        asim_config_destroy(config);
    }
    bench_items(state, turns);
    bench_rate(state, "steps_per_second", (double)steps * (double)iterations);
}

/* The scenario that runs when nothing is given: 50 generated programs on two instances. */
static void run_embedded(struct bench_state *state)
{
    run(state, &(struct run_case){{NULL}});
}
BENCH(run_embedded)

static void run_generated_8_instances(struct bench_state *state)
{
    run(state, &(struct run_case){{"generate", "swe-agent", "programs", "2000", "instances", "8", "request_rate", "2/s",
                                   "routing", "session-affinity"}});
}
BENCH(run_generated_8_instances)

static void sharegpt(struct bench_state *state, const char *stepping)
{
    run(state, &(struct run_case){{"workload", "@vllm/RTXPRO6000-Llama-3.1-8B/workload.jsonl", "hardware",
                                   "rtx-pro-6000", "model", "llama-3.1-8b", "compute",
                                   "profile:@profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16", "max_num_seqs", "128",
                                   "max_num_batched_tokens", "2048", "stepping", stepping}});
}

static void run_sharegpt_tables(struct bench_state *state)
{
    sharegpt(state, "fast-forward");
}
BENCH(run_sharegpt_tables)

static void run_sharegpt_tables_steady(struct bench_state *state)
{
    sharegpt(state, "steady");
}
BENCH(run_sharegpt_tables_steady)

static void weka(struct bench_state *state, const char *stepping)
{
    run(state, &(struct run_case){{"workload", "@traces/claude-code-weka/programs.jsonl", "instances", "8", "routing",
                                   "session-affinity", "request_rate", "0.5", "max_model_len", "200000",
                                   "on_long_prompt", "drop-program", "missing_gap", "median", "stepping", stepping}});
}

static void run_weka(struct bench_state *state)
{
    weka(state, "fast-forward");
}
BENCH(run_weka)

static void run_weka_steady(struct bench_state *state)
{
    weka(state, "steady");
}
BENCH(run_weka_steady)

static void run_weka_plain(struct bench_state *state)
{
    weka(state, "plain");
}
BENCH(run_weka_plain)
