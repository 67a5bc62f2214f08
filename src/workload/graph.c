#include "workload/graph.h"

#include <assert.h>
#include <string.h>

void graph_builder_fini(struct graph_builder *builder)
{
    void *const arrays[] = {builder->added,        builder->turn_of, builder->node_of, builder->first_edge,
                            builder->first_parent, builder->parents, builder->edges,   builder->by_source,
                            builder->level,        builder->waiting};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        mem_free(arrays[i]);
    }
    *builder = (struct graph_builder){0};
}

void graph_begin(struct graph_builder *builder)
{
    builder->n_added = 0;
}

void graph_add(struct graph_builder *builder, uint32_t from, uint32_t to, simtime delay)
{
    builder->added = mem_grow(builder->added, &builder->added_capacity, builder->n_added + 1, sizeof *builder->added);
    builder->added[builder->n_added++] = (struct graph_edge){.from = from, .to = to, .delay = delay};
}

static void reserve(struct graph_builder *builder, uint32_t n_nodes)
{
    uint32_t **const by_node[] = {&builder->turn_of,      &builder->node_of, &builder->first_edge,
                                  &builder->first_parent, &builder->level,   &builder->waiting};
    if (n_nodes >= builder->node_capacity) { /* offsets are one more */
        builder->node_capacity = 2 * ((size_t)n_nodes + 1);
        for (size_t i = 0; i < sizeof by_node / sizeof by_node[0]; i++) {
            mem_free(*by_node[i]);
            *by_node[i] = mem_alloc(builder->node_capacity * sizeof **by_node[i]);
        }
    }
    builder->edges = mem_grow(builder->edges, &builder->edge_capacity, builder->n_added + 1, sizeof *builder->edges);
    builder->parents =
        mem_grow(builder->parents, &builder->parent_capacity, builder->n_added + 1, sizeof *builder->parents);
    builder->by_source =
        mem_grow(builder->by_source, &builder->source_capacity, builder->n_added + 1, sizeof *builder->by_source);
}

/* Counts in first[i + 1] become where each begins. */
static void add_up(uint32_t *first, uint32_t n)
{
    first[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        first[i + 1] += first[i];
    }
}

/* The edges in the order of the nodes that they leave: their numbers, in by_source; where each node's begin, in
 * first_edge. */
static void sort_edges(struct graph_builder *builder, uint32_t n_nodes)
{
    memset(builder->first_edge, 0, (n_nodes + 1) * sizeof *builder->first_edge);
    for (size_t i = 0; i < builder->n_added; i++) {
        builder->first_edge[builder->added[i].from + 1]++;
    }
    add_up(builder->first_edge, n_nodes);
    memcpy(builder->waiting, builder->first_edge, n_nodes * sizeof *builder->waiting);
    for (size_t i = 0; i < builder->n_added; i++) {
        builder->by_source[builder->waiting[builder->added[i].from]++] = (uint32_t)i;
    }
}

/* The first edge, in the order of nodes, that is there twice; UINT32_MAX when none is. */
static uint32_t find_repeated(struct graph_builder *builder, uint32_t n_nodes)
{
    uint32_t *seen = builder->level; /* by node: one more than the last that leads there */
    memset(seen, 0, n_nodes * sizeof *seen);
    for (size_t at = 0; at < builder->n_added; at++) {
        const struct graph_edge *edge = &builder->added[builder->by_source[at]];
        if (seen[edge->to] == edge->from + 1) {
            return builder->by_source[at];
        }
        seen[edge->to] = edge->from + 1;
    }
    return UINT32_MAX;
}

/* A node on a cycle, once nodes that wait are on one or behind one: each has a parent that waits, and going up often
 * enough leads onto one. */
static uint32_t find_cycle(struct graph_builder *builder, uint32_t n_nodes)
{
    uint32_t *up = builder->level;
    uint32_t node = 0;
    for (size_t i = 0; i < builder->n_added; i++) {
        if (builder->waiting[builder->added[i].from]) {
            up[builder->added[i].to] = builder->added[i].from;
            node = builder->added[i].from;
        }
    }
    for (uint32_t step = 0; step < n_nodes; step++) {
        node = up[node];
    }
    return node;
}

/* Finds the longest way to each node; a node that waits for itself, or UINT32_MAX. */
static uint32_t find_levels(struct graph_builder *builder, uint32_t n_nodes)
{
    uint32_t *queue = builder->node_of;
    uint32_t n = 0;
    memset(builder->level, 0, n_nodes * sizeof *builder->level);
    memset(builder->waiting, 0, n_nodes * sizeof *builder->waiting);
    for (size_t i = 0; i < builder->n_added; i++) {
        builder->waiting[builder->added[i].to]++;
    }
    for (uint32_t node = 0; node < n_nodes; node++) {
        if (builder->waiting[node] == 0) {
            queue[n++] = node;
        }
    }
    for (uint32_t next = 0; next < n; next++) {
        const uint32_t node = queue[next];
        for (uint32_t at = builder->first_edge[node]; at < builder->first_edge[node + 1]; at++) {
            const uint32_t to = builder->added[builder->by_source[at]].to;
            if (builder->level[to] <= builder->level[node]) {
                builder->level[to] = builder->level[node] + 1;
            }
            if (--builder->waiting[to] == 0) {
                queue[n++] = to;
            }
        }
    }
    if (n == n_nodes) {
        return UINT32_MAX;
    }
    return find_cycle(builder, n_nodes);
}

/* Turns by level; those of one level by node. */
static void number_turns(struct graph_builder *builder, uint32_t n_nodes)
{
    uint32_t *first = builder->waiting; /* by level */
    uint32_t longest = 0;
    memset(first, 0, n_nodes * sizeof *first);
    for (uint32_t node = 0; node < n_nodes; node++) {
        longest = builder->level[node] > longest ? builder->level[node] : longest;
        first[builder->level[node]]++;
    }
    builder->graph.n_roots = first[0];
    builder->graph.longest = longest + 1;
    uint32_t before = 0;
    for (uint32_t level = 0; level <= longest; level++) {
        const uint32_t n = first[level];
        first[level] = before;
        before += n;
    }
    for (uint32_t node = 0; node < n_nodes; node++) {
        builder->turn_of[node] = first[builder->level[node]]++;
        builder->node_of[builder->turn_of[node]] = node;
    }
}

/* The edges by turn, and the parents, each in the order in which edges were added. */
static void link_turns(struct graph_builder *builder, uint32_t n_turns)
{
    memset(builder->first_edge, 0, (n_turns + 1) * sizeof *builder->first_edge);
    memset(builder->first_parent, 0, (n_turns + 1) * sizeof *builder->first_parent);
    for (size_t i = 0; i < builder->n_added; i++) {
        builder->first_edge[builder->turn_of[builder->added[i].from] + 1]++;
        builder->first_parent[builder->turn_of[builder->added[i].to] + 1]++;
    }
    add_up(builder->first_edge, n_turns);
    add_up(builder->first_parent, n_turns);
    uint32_t *edge_at = builder->level;
    uint32_t *parent_at = builder->waiting;
    memcpy(edge_at, builder->first_edge, n_turns * sizeof *edge_at);
    memcpy(parent_at, builder->first_parent, n_turns * sizeof *parent_at);
    for (size_t i = 0; i < builder->n_added; i++) {
        const uint32_t from = builder->turn_of[builder->added[i].from];
        const uint32_t to = builder->turn_of[builder->added[i].to];
        builder->edges[edge_at[from]++] = (struct program_edge){.delay = builder->added[i].delay, .turn = to};
        builder->parents[parent_at[to]++] = (struct program_edge){.delay = builder->added[i].delay, .turn = from};
    }
    struct program_graph *graph = &builder->graph;
    graph->n_sinks = 0;
    for (uint32_t turn = 0; turn < n_turns; turn++) {
        graph->n_sinks += builder->first_edge[turn] == builder->first_edge[turn + 1];
    }
    graph->n_edges = (uint32_t)builder->n_added;
    graph->first_edge = builder->first_edge;
    graph->edges = builder->edges;
    graph->first_parent = builder->first_parent;
    graph->parents = builder->parents;
}

enum graph_outcome graph_finish(struct graph_builder *builder, uint32_t n_nodes, uint32_t *culprit)
{
    assert(n_nodes > 0);
    reserve(builder, n_nodes);
    sort_edges(builder, n_nodes);
    *culprit = find_repeated(builder, n_nodes);
    if (*culprit != UINT32_MAX) {
        return GRAPH_REPEATS;
    }
    *culprit = find_levels(builder, n_nodes);
    if (*culprit != UINT32_MAX) {
        return GRAPH_CYCLES;
    }
    number_turns(builder, n_nodes);
    link_turns(builder, n_nodes);
    return GRAPH_GOOD;
}

bool graph_is_chain(const struct program_graph *graph, uint32_t n_turns)
{
    return graph->longest == n_turns && graph->n_edges == n_turns - 1;
}

void graph_set_gaps(const struct program_graph *graph, struct turn *turns, uint32_t n_turns)
{
    for (uint32_t turn = 0; turn < n_turns; turn++) {
        turns[turn].gap = 0;
        for (uint32_t at = graph->first_edge[turn]; at < graph->first_edge[turn + 1]; at++) {
            const simtime delay = graph->edges[at].delay;
            turns[turn].gap = at == graph->first_edge[turn] || delay < turns[turn].gap ? delay : turns[turn].gap;
        }
    }
}

static void *copy(struct arena *arena, const void *from, size_t bytes)
{
    void *to = arena_alloc(arena, bytes);
    memcpy(to, from, bytes);
    return to;
}

const struct program_graph *graph_copy(const struct program_graph *graph, uint32_t n_turns, struct arena *arena)
{
    struct program_graph *to = copy(arena, graph, sizeof *graph);
    to->first_edge = copy(arena, graph->first_edge, (n_turns + 1) * sizeof *graph->first_edge);
    to->first_parent = copy(arena, graph->first_parent, (n_turns + 1) * sizeof *graph->first_parent);
    to->edges = copy(arena, graph->edges, graph->n_edges * sizeof *graph->edges);
    to->parents = copy(arena, graph->parents, graph->n_edges * sizeof *graph->parents);
    return to;
}
