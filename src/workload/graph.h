/* Makes the graph of a program (program.h) out of nodes and edges that come in any order.
 *
 * Nodes are numbered by who adds them. Finishing finds the order of turns: by the longest way from a root, nodes that
 * are as far by their number. Memory is kept from one graph to the next.
 */
#ifndef ASIM_WORKLOAD_GRAPH_H
#define ASIM_WORKLOAD_GRAPH_H

#include "base/mem.h"
#include "workload/program.h"

/* An edge between nodes, as it was added. */
struct graph_edge {
    uint32_t from, to;
    simtime delay;
};

/* Zero-initialised is empty. */
struct graph_builder {
    struct graph_edge *added;
    size_t n_added, added_capacity;
    struct program_graph graph; /* made by graph_finish; points into the rest */
    uint32_t *turn_of;          /* by node */
    uint32_t *node_of;          /* by turn */
    /* What the graph consists of. */
    uint32_t *first_edge, *first_parent;
    struct program_edge *edges, *parents;
    uint32_t *by_source; /* scratch, by edge */
    size_t edge_capacity, parent_capacity, source_capacity;
    uint32_t *level, *waiting; /* scratch, by node */
    size_t node_capacity;
};

enum graph_outcome {
    GRAPH_GOOD,
    GRAPH_REPEATS, /* an edge: graph_finish says which */
    GRAPH_CYCLES,  /* a node that waits for itself: graph_finish says which */
};

void graph_builder_fini(struct graph_builder *builder);

/* Starts a new graph. */
void graph_begin(struct graph_builder *builder);
void graph_add(struct graph_builder *builder, uint32_t from, uint32_t to, simtime delay);

/* The graph of `n_nodes` nodes, at least one, valid until the next graph_begin. *culprit is the edge or node at fault.
 */
enum graph_outcome graph_finish(struct graph_builder *builder, uint32_t n_nodes, uint32_t *culprit);

/* Whether each turn but the last has one edge, to the next. */
bool graph_is_chain(const struct program_graph *graph, uint32_t n_turns);

/* Sets the gap of each turn to the least delay of its edges. */
void graph_set_gaps(const struct program_graph *graph, struct turn *turns, uint32_t n_turns);

/* A copy that lives as long as the arena. */
const struct program_graph *graph_copy(const struct program_graph *graph, uint32_t n_turns, struct arena *arena);

#endif
