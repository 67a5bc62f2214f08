/* Programs and turns: the stateful agent runs that the simulator serves. */
#ifndef ASIM_WORKLOAD_PROGRAM_H
#define ASIM_WORKLOAD_PROGRAM_H

#include "base/simtime.h"
#include "workload/extent.h"

#include <stdbool.h>
#include <stdint.h>

#define GAP_MISSING INT64_C(-1) /* the file does not say; the missing-gap option decides */

/* One LLM call. 40 bytes; a million ten-turn programs are 400 MB only if all are held at once, which generators avoid.
 */
struct turn {
    uint32_t prompt_toks;  /* the whole prompt, >= 1 */
    uint32_t output_toks;  /* 0: prefill only */
    uint32_t kept_toks;    /* leading tokens of this prompt that are the leading tokens of the parent's context */
    uint32_t parent;       /* the earlier turn whose context (prompt, then output) this one starts from; ignored when
                              kept_toks is 0. In a graph: the first of the turn's parents, kept or not; 0 for a root */
    uint32_t tool;         /* index into the workload's tool names: what runs in the gap after the turn */
    uint32_t first_extent; /* explicit content (prompt and output) in program->extents; n_extents 0: the rule above */
    uint32_t n_extents;
    bool shared_output; /* explicit content: another program holds the same output, so blocks must be visible at once */
    simtime gap;        /* from this turn's end to the next turn's readiness; GAP_MISSING; ignored after the last. In a
                           graph: the least delay of its edges; 0 without any */
};

/* The turns of a program as a directed acyclic graph. A turn is released at the latest, over its parents, of the end of
 * the parent plus the delay of the edge; a root when the program arrives; the program ends with the last of the turns
 * that have no edge, the sinks. Turns are numbered by the longest way to them from a root, so every parent comes before
 * its children and the roots come first. A chain needs no graph. */
struct program_edge {
    simtime delay; /* from the end of the turn that it leaves to the release of the one that it leads to */
    uint32_t turn; /* where it leads to */
};

struct program_graph {
    uint32_t n_roots; /* turns 0 to n_roots - 1 */
    uint32_t n_sinks;
    uint32_t n_edges;
    uint32_t longest;                 /* turns on the longest way from a root to a sink */
    const uint32_t *first_edge;       /* by turn, and one more: its edges end where those of the next begin */
    const struct program_edge *edges; /* by the turn that they leave */
    const uint32_t *first_parent;     /* the same for the edges that lead to a turn, */
    const struct program_edge *parents;
};

/* What the application says with a turn. */
struct turn_hint {
    simtime pin;    /* its KV is to be kept this long after the turn; 0: to be dropped; -1: nothing is said */
    simtime resume; /* estimate of the gap after the turn; -1: none */
};

struct program {
    uint64_t id;      /* position in the workload, from 0: the program's identity in digests and random draws */
    const char *name; /* session id of the file, or generated */
    simtime arrival;  /* recorded arrival; 0 where the workload has none */
    uint32_t line;    /* of the input file, for messages; 0 = none */
    uint32_t n_turns; /* >= 1 */
    const struct turn *turns;
    const struct extent *extents;
    uint64_t shared_stream;            /* leading tokens shared with other programs */
    uint32_t shared_prefix_toks;       /* 0: none */
    uint32_t tenant;                   /* index into the workload's tenants, from 1; 0: none */
    simtime deadline;                  /* from its arrival to when it should have ended; 0: none */
    const struct turn_hint *hints;     /* by turn; NULL: none */
    const struct program_graph *graph; /* NULL: the turns are a chain */
};

/* Whether nothing of the program waits for the turn. */
static inline bool program_is_sink(const struct program *program, uint32_t turn)
{
    const struct program_graph *graph = program->graph;
    return graph ? graph->first_edge[turn] == graph->first_edge[turn + 1] : turn + 1 == program->n_turns;
}

#endif
