/* Reading and making workloads. The recorded files are those of tests (ASIM_DATA_DIR, else ../shared/data beside the
 * source folder); without them only the generator and the synthetic text are measured. */
#include "support/bench.h"
#include "support/data.h"

#include "options/draws.h"
#include "workload/columnar_write.h"
#include "workload/prompt.h"
#include "workload/workload.h"

#include <stdio.h>

static const struct workload_options options = {
    .reuse_generated = true, .block_size = 16, .seed = 1, .missing_gap = MISSING_GAP_MEDIAN};

static void read_file(struct bench_state *state, const char *relative)
{
    char path[DATA_PATH_BYTES];
    if (!data_path(relative, path)) {
        bench_skip(state, "no recorded data");
        return;
    }
    uint64_t n_turns = 0;
    while (bench_next(state)) {
        struct diag diag;
        diag_init(&diag);
        struct workload *workload = workload_open(path, &options, &diag);
        n_turns = workload ? workload_stats(workload)->n_turns : 0;
        workload_destroy(workload);
        diag_fini(&diag);
    }
    bench_items(state, (int64_t)n_turns);
}

static void read_weka_programs(struct bench_state *state)
{
    read_file(state, "traces/claude-code-weka/programs.jsonl");
}
BENCH(read_weka_programs)

static void read_vllm_token_ids(struct bench_state *state)
{
    read_file(state, "vllm/RTXPRO6000-Llama-3.1-8B/workload.jsonl");
}
BENCH(read_vllm_token_ids)

static void read_weka_document(struct bench_state *state)
{
    read_file(state, "traces/claude-code-weka/trace_0015.json");
}
BENCH(read_weka_document)

/* Makes programs and builds all their contents, one after another in one slot. */
static void generate_and_build(struct bench_state *state)
{
    struct diag diag;
    struct prompt_state prompt;
    diag_init(&diag);
    prompt_state_init(&prompt);
    struct workload *workload = workload_generate("swe-agent", 1000, &options, &diag);
    int64_t n_turns = 0;
    while (bench_next(state)) {
        n_turns = 0;
        for (uint64_t i = 0; i < 1000; i++) {
            const struct program *program = workload_fetch(workload, i, 0);
            prompt_state_reset(&prompt);
            for (uint32_t t = 0; t < program->n_turns; t++) {
                n_turns += prompt_build(&prompt, program, t).n_extents > 0;
            }
            workload_release(workload, program, 0);
        }
    }
    bench_items(state, n_turns);
    prompt_state_fini(&prompt);
    workload_destroy(workload);
    diag_fini(&diag);
}
BENCH(generate_and_build)

/* The distributions of configs/studies/million.yaml. */
static bool synthetic_options(struct workload_options *out)
{
    char message[1024];
    *out = options;
    out->synthetic.n_system_prompts = 16;
    out->synthetic.system_prompt_toks = 2000;
    return draws_parse_counts("geometric(mean=10, max=60)", &out->synthetic.turns, message, sizeof message) &&
           draws_parse_counts("lognormal(mean=1000, sigma=0.85)", &out->synthetic.first_prompt, message,
                              sizeof message) &&
           draws_parse_counts("lognormal(mean=600, sigma=0.85)", &out->synthetic.growth, message, sizeof message) &&
           draws_parse_counts("lognormal(mean=200, sigma=0.85)", &out->synthetic.output, message, sizeof message) &&
           draws_parse_durations("lognormal(median=1.5s, p99=60s, min=1ms)", &out->synthetic.gap, message,
                                 sizeof message);
}

/* Fetches all programs one after another in one slot. */
static void fetch_all(struct bench_state *state, struct workload *workload)
{
    const uint64_t n = workload_stats(workload)->n_programs;
    int64_t n_turns = 0;
    while (bench_next(state)) {
        n_turns = 0;
        for (uint64_t i = 0; i < n; i++) {
            const struct program *program = workload_fetch(workload, i, 0);
            n_turns += program->n_turns;
            workload_release(workload, program, 0);
        }
    }
    bench_items(state, n_turns);
}

static void generate_synthetic(struct bench_state *state)
{
    struct workload_options synthetic;
    if (!synthetic_options(&synthetic)) {
        bench_skip(state, "a distribution was refused");
        return;
    }
    struct diag diag;
    diag_init(&diag);
    struct workload *workload = workload_generate("synthetic", 10000, &synthetic, &diag);
    fetch_all(state, workload);
    workload_destroy(workload);
    diag_fini(&diag);
}
BENCH(generate_synthetic)

/* The same programs from a columnar file. */
static void read_columnar(struct bench_state *state)
{
    static const char file[] = "bench_workload.asimw";
    struct workload_options synthetic;
    if (!synthetic_options(&synthetic)) {
        bench_skip(state, "a distribution was refused");
        return;
    }
    struct diag diag;
    struct columnar_written written;
    diag_init(&diag);
    struct workload *workload = workload_generate("synthetic", 100000, &synthetic, &diag);
    const asim_status status = columnar_write(workload, &synthetic, "synthetic", file, &written, &diag);
    workload_destroy(workload);
    workload = status == ASIM_OK ? workload_open(file, &synthetic, &diag) : NULL;
    if (workload) {
        fetch_all(state, workload);
    } else {
        bench_skip(state, "the columnar file could not be written here");
    }
    workload_destroy(workload);
    remove(file);
    diag_fini(&diag);
}
BENCH(read_columnar)
