/* What the fuzz targets of the workload readers share: read a text under all options, and check all that a reader
 * promises about what it accepts. */
#ifndef ASIM_TESTS_FUZZ_READ_WORKLOAD_H
#define ASIM_TESTS_FUZZ_READ_WORKLOAD_H

#include "workload/prompt.h"
#include "workload/workload.h"

#include <stdio.h>
#include <stdlib.h>

/* Checks also in builds without assertions. */
#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static inline void check_turn(const struct workload *workload, const struct program *program, uint32_t index)
{
    const struct turn *turn = &program->turns[index];
    FUZZ_CHECK(turn->prompt_toks >= 1 && turn->prompt_toks <= INT32_MAX && turn->output_toks <= INT32_MAX);
    FUZZ_CHECK(turn->kept_toks <= turn->prompt_toks);
    if (turn->kept_toks) {
        FUZZ_CHECK(turn->parent < index);
        const struct turn *parent = &program->turns[turn->parent];
        FUZZ_CHECK(turn->kept_toks <= parent->prompt_toks + parent->output_toks);
    }
    FUZZ_CHECK(turn->gap >= 0 && turn->gap <= SIMTIME_LIMIT);
    FUZZ_CHECK(turn->tool < workload_tool_count(workload) && workload_tool_name(workload, turn->tool));
}

static inline void check_graph(const struct program *program)
{
    const struct program_graph *graph = program->graph;
    uint32_t n_roots = 0;
    uint32_t n_sinks = 0;
    FUZZ_CHECK(program->n_turns > 1 && graph->longest >= 1 && graph->longest <= program->n_turns);
    FUZZ_CHECK(graph->first_edge[0] == 0 && graph->first_edge[program->n_turns] == graph->n_edges);
    FUZZ_CHECK(graph->first_parent[0] == 0 && graph->first_parent[program->n_turns] == graph->n_edges);
    for (uint32_t turn = 0; turn < program->n_turns; turn++) {
        n_roots += graph->first_parent[turn] == graph->first_parent[turn + 1];
        n_sinks += program_is_sink(program, turn);
        FUZZ_CHECK((graph->first_parent[turn] == graph->first_parent[turn + 1]) == (turn < graph->n_roots));
        for (uint32_t at = graph->first_edge[turn]; at < graph->first_edge[turn + 1]; at++) {
            FUZZ_CHECK(graph->edges[at].turn > turn && graph->edges[at].turn < program->n_turns);
            FUZZ_CHECK(graph->edges[at].delay >= program->turns[turn].gap && graph->edges[at].delay <= SIMTIME_LIMIT);
        }
        for (uint32_t at = graph->first_parent[turn]; at < graph->first_parent[turn + 1]; at++) {
            FUZZ_CHECK(graph->parents[at].turn < turn);
        }
    }
    FUZZ_CHECK(n_roots == graph->n_roots && n_sinks == graph->n_sinks);
}

static inline void check_program(struct workload *workload, uint64_t id)
{
    struct prompt_state state;
    const struct program *program = workload_fetch(workload, id, 0);
    FUZZ_CHECK(program->id == id && program->name && program->n_turns >= 1);
    FUZZ_CHECK(program->arrival >= 0 && program->arrival <= SIMTIME_LIMIT);
    FUZZ_CHECK(program->shared_prefix_toks <= program->turns[0].prompt_toks);
    prompt_state_init(&state);
    for (uint32_t i = 0; i < program->n_turns; i++) {
        check_turn(workload, program, i);
        const struct content content = prompt_build(&state, program, i);
        uint32_t n = 0;
        for (uint32_t e = 0; e < content.n_extents; e++) {
            FUZZ_CHECK(content.extents[e].count > 0 && content.extents[e].first == n);
            n += content.extents[e].count;
        }
        FUZZ_CHECK(n == content.n_tokens && n == program->turns[i].prompt_toks + program->turns[i].output_toks);
    }
    prompt_state_fini(&state);
    if (program->graph) {
        check_graph(program);
    }
    workload_release(workload, program, 0);
}

/* Reads the text with skip_bad_lines off and on; what is accepted must be sound, what is refused must say why. */
static inline void read_workload(const char *text, size_t bytes, struct workload_options options)
{
    for (int skip = 0; skip < 2; skip++) {
        struct diag diag;
        diag_init(&diag);
        options.skip_bad_lines = skip;
        struct workload *workload = workload_open_memory("input", text, bytes, &options, &diag);
        FUZZ_CHECK((workload == NULL) == (diag.n_errors > 0));
        FUZZ_CHECK((diag.status == ASIM_OK) == (diag.n_errors == 0));
        if (workload) {
            FUZZ_CHECK(workload_stats(workload)->n_programs > 0);
            for (uint64_t i = 0; i < workload_stats(workload)->n_programs; i++) {
                check_program(workload, i);
            }
        }
        workload_destroy(workload);
        diag_fini(&diag);
    }
}

#endif
