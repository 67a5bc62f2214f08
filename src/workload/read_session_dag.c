/* The DAG form of a session line: nodes, which become turns in an order of their own (graph.h), and edges. */
#include "workload/read_session_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NODE_ID = N_TURN_FIELDS, NODE_MODEL, N_NODE_FIELDS };
enum { EDGE_SRC, EDGE_DST, EDGE_DELAY, N_EDGE_FIELDS };
enum { PATH_BYTES = 40, MOST_NODES = (1 << 24) - 1 /* what a stream's key holds */ };

static const struct field node_table[N_NODE_FIELDS] = {
    SESSION_TURN_FIELDS, [NODE_ID] = {"node_id", FIELD_READ}, [NODE_MODEL] = {"model", FIELD_READ}};

static const struct field edge_table[N_EDGE_FIELDS] = {
    [EDGE_SRC] = {"src", FIELD_READ}, [EDGE_DST] = {"dst", FIELD_READ}, [EDGE_DELAY] = {"delay_ns", FIELD_READ}};

void session_dag_fini(struct session_dag *dag)
{
    graph_builder_fini(&dag->builder);
    key_map_fini(&dag->ids);
    mem_free(dag->nodes);
    mem_free(dag->turns);
    mem_free(dag->turn_ids);
    mem_free(dag->hints);
}

/* What a turn of a chain has and a node has not: its edges say it. */
static bool check_gaps(const struct fields *fields)
{
    const int index = fields_has(fields, TURN_GAP_NS) ? TURN_GAP_NS : TURN_TOOL_NS;
    if (fields_has(fields, index)) {
        builder_bad(fields->builder, "%s%s is given to a node; allowed: delay_ns of its edges", fields->path,
                    fields->table[index].name);
        return false;
    }
    return true;
}

static bool read_model(const struct fields *fields)
{
    struct jdoc_string model;
    const enum field_state state = fields_string(fields, NODE_MODEL, &model);
    if (state == FIELD_GOOD) {
        builder_node_model(fields->builder, model.text, model.bytes);
    }
    return state != FIELD_BAD;
}

static void read_node(struct session_reader *reader, const struct fields *fields, uint32_t index)
{
    struct session_dag *dag = &reader->dag;
    struct field_name id;
    bool added;
    if (!fields_need_name(fields, NODE_ID, &id)) {
        return;
    }
    key_map_at(&dag->ids, key_of(id.text.text, id.text.bytes), index, &added);
    if (!added) {
        builder_bad(reader->builder, "%snode_id: '%.40s' is given twice", fields->path, id.text.text);
        return;
    }
    struct turn *turn = session_add_turn(reader, fields);
    if (!turn || !check_gaps(fields) || !read_model(fields)) {
        return;
    }
    dag->nodes = mem_grow(dag->nodes, &dag->node_capacity, (size_t)index + 1, sizeof *dag->nodes);
    struct dag_node *node = &dag->nodes[index];
    *node = (struct dag_node){.prefix = SESSION_NO_PREFIX, .has_ids = fields_has(fields, TURN_INPUT_IDS)};
    if (fields_integer(fields, TURN_PREFIX, 0, TOKENS_LIMIT, &node->prefix) != FIELD_BAD) {
        session_read_tool_and_ids(reader, fields, turn);
    }
}

static bool read_nodes(struct session_reader *reader, struct jdoc_value array)
{
    struct builder *builder = reader->builder;
    struct jdoc_iterator items = jdoc_array(array);
    struct jdoc_value item;
    key_map_clear(&reader->dag.ids);
    for (uint32_t i = 0; !builder->is_bad && jdoc_array_next(&items, &item); i++) {
        char path[PATH_BYTES];
        struct fields fields;
        snprintf(path, sizeof path, "nodes[%u].", i);
        if (i == MOST_NODES) {
            builder_bad(builder, "nodes has too many; allowed: %d", MOST_NODES);
        } else if (fields_collect(builder, item, node_table, N_NODE_FIELDS, path, &fields)) {
            read_node(reader, &fields, i);
        }
    }
    if (!builder->is_bad && builder_turn_count(builder) == 0) {
        builder_bad(builder, "nodes is empty; needed: at least one node");
    }
    return !builder->is_bad;
}

/* The number of the node that one end of an edge names. */
static bool read_end(struct session_reader *reader, const struct fields *fields, int index, uint32_t *out)
{
    struct field_name id;
    bool added;
    if (!fields_need_name(fields, index, &id)) {
        return false;
    }
    *out = *key_map_at(&reader->dag.ids, key_of(id.text.text, id.text.bytes), UINT32_MAX, &added);
    if (*out == UINT32_MAX) {
        builder_bad(reader->builder, "%s%s: there is no node '%.40s'", fields->path, fields->table[index].name,
                    id.text.text);
    }
    return *out != UINT32_MAX;
}

static void read_edge(struct session_reader *reader, const struct fields *fields)
{
    uint32_t from;
    uint32_t to;
    simtime delay = 0;
    if (!read_end(reader, fields, EDGE_SRC, &from) || !read_end(reader, fields, EDGE_DST, &to) ||
        fields_duration(fields, EDGE_DELAY, SIMTIME_NS, false, &delay) == FIELD_BAD) {
        return;
    }
    if (from == to) {
        builder_bad(reader->builder, "%ssrc and dst are the same node; allowed: two nodes", fields->path);
        return;
    }
    graph_add(&reader->dag.builder, from, to, delay);
}

static bool read_edges(struct session_reader *reader, const struct jdoc_value *array)
{
    struct builder *builder = reader->builder;
    graph_begin(&reader->dag.builder);
    if (!array) {
        return true;
    }
    struct jdoc_iterator items = jdoc_array(*array);
    struct jdoc_value item;
    for (uint32_t i = 0; !builder->is_bad && jdoc_array_next(&items, &item); i++) {
        char path[PATH_BYTES];
        struct fields fields;
        snprintf(path, sizeof path, "edges[%u].", i);
        if (fields_collect(builder, item, edge_table, N_EDGE_FIELDS, path, &fields)) {
            read_edge(reader, &fields);
        }
    }
    return !builder->is_bad;
}

static bool finish(struct session_reader *reader)
{
    struct builder *builder = reader->builder;
    uint32_t culprit;
    switch (graph_finish(&reader->dag.builder, builder_turn_count(builder), &culprit)) {
    case GRAPH_REPEATS:
        builder_bad(builder,
                    "edges[%u]: src and dst are those of an edge before it; allowed: one edge from a node to "
                    "another",
                    culprit);
        return false;
    case GRAPH_CYCLES:
        builder_bad(builder, "edges: nodes[%u] is on a cycle, it waits for itself; allowed: no cycles", culprit);
        return false;
    case GRAPH_GOOD:
        break;
    }
    return true;
}

/* Brings the turns, which came as nodes, into their order. */
static void reorder(struct session_reader *reader)
{
    struct session_dag *dag = &reader->dag;
    const uint32_t n = builder_turn_count(reader->builder);
    struct turn *turns = builder_turns(reader->builder);
    dag->turns = mem_grow(dag->turns, &dag->turn_capacity, n, sizeof *dag->turns);
    dag->turn_ids = mem_grow(dag->turn_ids, &dag->turn_id_capacity, n, sizeof *dag->turn_ids);
    memcpy(dag->turns, turns, n * sizeof *turns);
    dag->hints = mem_grow(dag->hints, &dag->hint_capacity, n, sizeof *dag->hints);
    memcpy(dag->turn_ids, reader->turn_ids, n * sizeof *dag->turn_ids);
    memcpy(dag->hints, reader->hints, n * sizeof *dag->hints);
    for (uint32_t turn = 0; turn < n; turn++) {
        const uint32_t node = dag->builder.node_of[turn];
        turns[turn] = dag->turns[node];
        reader->turn_ids[turn] = dag->turn_ids[node];
        reader->hints[turn] = dag->hints[node];
    }
}

/* A turn starts from the context of its first parent. */
static bool settle_prefixes(struct session_reader *reader)
{
    const struct session_dag *dag = &reader->dag;
    const struct program_graph *graph = &dag->builder.graph;
    struct turn *turns = builder_turns(reader->builder);
    for (uint32_t turn = 0; turn < builder_turn_count(reader->builder); turn++) {
        const uint32_t node = dag->builder.node_of[turn];
        const uint32_t first = graph->first_parent[turn];
        const bool is_root = first == graph->first_parent[turn + 1];
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "nodes[%u].", node);
        turns[turn].parent = is_root ? 0 : graph->parents[first].turn;
        if (!session_keep_prefix(reader->builder, path, &turns[turn], is_root ? NULL : &turns[turns[turn].parent],
                                 dag->nodes[node].prefix, dag->nodes[node].has_ids)) {
            return false;
        }
    }
    return true;
}

void session_read_dag(struct session_reader *reader, struct jdoc_value nodes, const struct jdoc_value *edges)
{
    struct session_dag *dag = &reader->dag;
    if (!read_nodes(reader, nodes) || !read_edges(reader, edges) || !finish(reader)) {
        return;
    }
    reorder(reader);
    if (settle_prefixes(reader)) {
        const uint32_t n = builder_turn_count(reader->builder);
        graph_set_gaps(&dag->builder.graph, builder_turns(reader->builder), n);
        dag->graph = graph_is_chain(&dag->builder.graph, n) ? NULL : &dag->builder.graph;
    }
}
