#include "workload/describe.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A growing list of values. */
struct sample {
    double *values;
    size_t n;
    size_t capacity;
};

static void sample_add(struct sample *sample, double value)
{
    sample->values = mem_grow(sample->values, &sample->capacity, sample->n + 1, sizeof *sample->values);
    sample->values[sample->n++] = value;
}

static int compare_values(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double quantile(const struct sample *sorted, double p)
{
    const double at = p * (double)(sorted->n - 1);
    const size_t low = (size_t)at;
    const size_t high = low + 1 < sorted->n ? low + 1 : low;
    return sorted->values[low] + (at - (double)low) * (sorted->values[high] - sorted->values[low]);
}

static double sum_of(const struct sample *sample)
{
    double sum = 0.0;
    for (size_t i = 0; i < sample->n; i++) {
        sum += sample->values[i];
    }
    return sum;
}

/* Sorts the sample and frees it. */
static json_t *summarise(struct sample *sample)
{
    json_t *object = json_pack("{s:I}", "n", (json_int_t)sample->n);
    if (sample->n) {
        qsort(sample->values, sample->n, sizeof *sample->values, compare_values);
        const double sum = sum_of(sample);
        json_object_set_new(object, "mean", json_real(sum / (double)sample->n));
        json_object_set_new(object, "p50", json_real(quantile(sample, 0.5)));
        json_object_set_new(object, "p90", json_real(quantile(sample, 0.9)));
        json_object_set_new(object, "p99", json_real(quantile(sample, 0.99)));
        json_object_set_new(object, "max", json_real(sample->values[sample->n - 1]));
        json_object_set_new(object, "sum", json_real(sum));
    }
    mem_free(sample->values);
    *sample = (struct sample){0};
    return object;
}

struct description {
    struct sample turns;
    struct sample prompt;
    struct sample kept;
    struct sample fresh;
    struct sample output;
    struct sample context;
    struct sample gap;
    struct sample edges, longest; /* of graphs: edges, turns on the longest way */
    struct sample *tool_gaps;     /* by tool */
    uint64_t shared_outputs;
    simtime last_arrival;
};

static void add_gap(struct description *d, const struct turn *turn, simtime gap)
{
    const double seconds = simtime_to_s(gap);
    sample_add(&d->gap, seconds);
    sample_add(&d->tool_gaps[turn->tool], seconds);
}

static void describe_graph(struct description *d, const struct program *program)
{
    const struct program_graph *graph = program->graph;
    sample_add(&d->edges, graph->n_edges);
    sample_add(&d->longest, graph->longest);
    for (uint32_t turn = 0; turn < program->n_turns; turn++) {
        for (uint32_t at = graph->first_edge[turn]; at < graph->first_edge[turn + 1]; at++) {
            add_gap(d, &program->turns[turn], graph->edges[at].delay);
        }
    }
}

static void describe_program(struct description *d, const struct program *program)
{
    sample_add(&d->turns, program->n_turns);
    for (uint32_t i = 0; i < program->n_turns; i++) {
        const struct turn *turn = &program->turns[i];
        sample_add(&d->prompt, turn->prompt_toks);
        sample_add(&d->kept, turn->kept_toks);
        sample_add(&d->fresh, turn->prompt_toks - turn->kept_toks);
        sample_add(&d->output, turn->output_toks);
        d->shared_outputs += turn->shared_output;
        if (!program->graph && i + 1 < program->n_turns && turn->gap != GAP_MISSING) {
            add_gap(d, turn, turn->gap);
        }
    }
    if (program->graph) {
        describe_graph(d, program);
    }
    const struct turn *last = &program->turns[program->n_turns - 1];
    sample_add(&d->context, (double)last->prompt_toks + last->output_toks);
    d->last_arrival = program->arrival > d->last_arrival ? program->arrival : d->last_arrival;
}

struct tool_time {
    uint32_t tool;
    double seconds;
};

static int longest_first(const void *a, const void *b)
{
    const struct tool_time *left = a;
    const struct tool_time *right = b;
    if (left->seconds != right->seconds) {
        return left->seconds > right->seconds ? -1 : 1;
    }
    return left->tool < right->tool ? -1 : 1;
}

static json_t *describe_tools(const struct workload *workload, struct description *d)
{
    const uint32_t n = workload_tool_count(workload);
    struct tool_time *times = mem_alloc(n * sizeof *times);
    json_t *tools = json_array();
    for (uint32_t i = 0; i < n; i++) {
        times[i] = (struct tool_time){.tool = i, .seconds = sum_of(&d->tool_gaps[i])};
    }
    qsort(times, n, sizeof *times, longest_first);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t tool = times[i].tool;
        if (d->tool_gaps[tool].n) {
            json_array_append_new(tools, json_pack("{s:s, s:o}", "name", workload_tool_name(workload, tool), "gap_s",
                                                   summarise(&d->tool_gaps[tool])));
        }
    }
    mem_free(times);
    return tools;
}

static json_t *describe_all(const struct workload *workload, struct description *d)
{
    const struct workload_stats *stats = workload_stats(workload);
    const double kept_fraction = sum_of(&d->kept) / sum_of(&d->prompt);
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b}", "format", stats->format, "reason", stats->reason,
                  "programs", (json_int_t)stats->n_programs, "turns", (json_int_t)d->prompt.n, "skipped_lines",
                  (json_int_t)stats->skipped_lines, "missing_gaps", (json_int_t)stats->missing_gaps, "has_arrivals",
                  stats->has_arrivals, "has_token_ids", stats->has_token_ids);
    if (d->edges.n) {
        json_object_set_new(object, "dag_programs", json_integer((json_int_t)d->edges.n));
    }
    json_object_set_new(object, "turns_per_program", summarise(&d->turns));
    if (d->edges.n) {
        json_object_set_new(object, "dag_edges", summarise(&d->edges));
        json_object_set_new(object, "dag_longest_path_turns", summarise(&d->longest));
    }
    json_object_set_new(object, "prompt_toks", summarise(&d->prompt));
    json_object_set_new(object, "kept_toks", summarise(&d->kept));
    json_object_set_new(object, "new_toks", summarise(&d->fresh));
    json_object_set_new(object, "output_toks", summarise(&d->output));
    json_object_set_new(object, "final_context_toks", summarise(&d->context));
    json_object_set_new(object, "gap_s", summarise(&d->gap));
    json_object_set_new(object, "kept_fraction", json_real(kept_fraction));
    json_object_set_new(object, "shared_output_turns", json_integer((json_int_t)d->shared_outputs));
    if (stats->has_arrivals) {
        json_object_set_new(object, "arrival_span_s", json_real(simtime_to_s(d->last_arrival)));
    }
    json_object_set_new(object, "tools", describe_tools(workload, d));
    return object;
}

static void description_fini(struct description *d, uint32_t n_tools)
{
    struct sample *samples[] = {&d->turns,   &d->prompt, &d->kept,  &d->fresh,  &d->output,
                                &d->context, &d->gap,    &d->edges, &d->longest};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        mem_free(samples[i]->values);
    }
    for (uint32_t i = 0; i < n_tools; i++) {
        mem_free(d->tool_gaps[i].values);
    }
    mem_free(d->tool_gaps);
}

json_t *workload_describe(struct workload *workload)
{
    const struct workload_stats *stats = workload_stats(workload);
    struct description d = {.tool_gaps = mem_zalloc(workload_tool_count(workload) * sizeof *d.tool_gaps)};
    for (uint64_t i = 0; i < stats->n_programs; i++) {
        const struct program *program = workload_fetch(workload, i, 0);
        if (!program) {
            description_fini(&d, workload_tool_count(workload));
            return NULL;
        }
        describe_program(&d, program);
        workload_release(workload, program, 0);
    }
    json_t *object = describe_all(workload, &d);
    description_fini(&d, workload_tool_count(workload));
    return object;
}
