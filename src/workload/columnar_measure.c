#include "workload/columnar_measure.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The gaps that are known, where some are missing. */
struct gaps {
    bool is_wanted;
    simtime *values;
    size_t n;
    size_t capacity;
};

static void measure_turn(struct columnar_measure *measure, const struct program *program, uint32_t index,
                         struct gaps *gaps)
{
    const struct turn *turn = &program->turns[index];
    const uint64_t prompt = (uint64_t)turn->prompt_toks + (turn->output_toks > 0);
    measure->longest_prompt = prompt > measure->longest_prompt ? prompt : measure->longest_prompt;
    measure->parents |= turn->kept_toks && turn->parent != columnar_usual_parent(index);
    measure->tools |= turn->tool != 0;
    measure->shared_outputs |= turn->shared_output;
    if (index + 1 == program->n_turns) {
        return;
    }
    measure->missing_gaps += turn->gap == GAP_MISSING;
    if (gaps->is_wanted && turn->gap != GAP_MISSING) {
        gaps->values = mem_grow(gaps->values, &gaps->capacity, gaps->n + 1, sizeof *gaps->values);
        gaps->values[gaps->n++] = turn->gap;
    }
}

static void measure_program(struct columnar_measure *measure, const struct program *program, struct gaps *gaps)
{
    uint64_t n_extents = 0;
    for (uint32_t i = 0; i < program->n_turns; i++) {
        measure_turn(measure, program, i, gaps);
        n_extents += program->turns[i].n_extents;
    }
    assert(n_extents <= UINT32_MAX);
    measure->n_turns += program->n_turns;
    measure->n_extents += n_extents;
    measure->name_bytes += strlen(program->name) + 1;
    measure->most_turns = program->n_turns > measure->most_turns ? program->n_turns : measure->most_turns;
    measure->most_extents = n_extents > measure->most_extents ? (uint32_t)n_extents : measure->most_extents;
    measure->lines |= program->line != 0;
    /* A stream that nothing is taken from says nothing. */
    measure->streams |= program->shared_prefix_toks && program->shared_stream != stream_common(STREAM_SHARED, 0);
    measure->prefixes |= program->shared_prefix_toks != 0;
}

static int compare_times(const void *a, const void *b)
{
    const simtime left = *(const simtime *)a;
    const simtime right = *(const simtime *)b;
    return (left > right) - (left < right);
}

/* As the reader of traces computes it. */
static simtime median_of(const struct gaps *gaps)
{
    const size_t n = gaps->n;
    if (n == 0) {
        return GAP_MISSING;
    }
    simtime *values = gaps->values;
    qsort(values, n, sizeof *values, compare_times);
    return values[(n - 1) / 2] + (values[n / 2] - values[(n - 1) / 2]) / 2;
}

struct arrivals columnar_arrivals(const struct workload *workload)
{
    struct arrivals arrivals;
    arrivals_init(&arrivals, workload, &(struct arrivals_options){.process = ARRIVALS_RECORDED});
    return arrivals;
}

/* Whether programs are in the order of their arrivals. */
static bool measure_order(const struct workload *workload, bool *in_order)
{
    const struct workload_stats *stats = workload_stats(workload);
    *in_order = true;
    if (!stats->has_arrivals) {
        return true;
    }
    struct arrivals arrivals = columnar_arrivals(workload);
    uint64_t n = 0;
    uint64_t id;
    simtime time;
    while (arrivals_next(&arrivals, &id, &time)) {
        *in_order &= id == n++;
    }
    arrivals_fini(&arrivals);
    return n == stats->n_programs;
}

bool columnar_measure(struct workload *workload, struct columnar_measure *out)
{
    const struct workload_stats *stats = workload_stats(workload);
    struct gaps gaps = {.is_wanted = stats->missing_gaps > 0};
    bool good = true;
    *out = (struct columnar_measure){.median_gap = GAP_MISSING};
    for (uint32_t i = 0; i < workload_tool_count(workload); i++) {
        out->tool_bytes += strlen(workload_tool_name(workload, i)) + 1;
    }
    for (uint64_t id = 0; good && id < stats->n_programs; id++) {
        const struct program *program = workload_fetch(workload, id, 0);
        good = program != NULL;
        if (good) {
            measure_program(out, program, &gaps);
            workload_release(workload, program, 0);
        }
    }
    if (out->missing_gaps) {
        out->median_gap = median_of(&gaps);
    }
    mem_free(gaps.values);
    return good && measure_order(workload, &out->in_order);
}
