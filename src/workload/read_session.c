#include "workload/read_session.h"

#include "workload/input_file.h"
#include "workload/read_session_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LINE_SESSION_ID = N_TURN_FIELDS,
    LINE_ARRIVAL_NS,
    LINE_ARRIVAL_S,
    LINE_SUB_REQUESTS,
    LINE_SHARED_PREFIX,
    LINE_WORKFLOW_ID,
    LINE_NODES,
    LINE_EDGES,
    LINE_TENANT,
    LINE_DEADLINE_NS,
    LINE_SPAN,
    LINE_ENV_START,
    LINE_END,
    N_LINE_FIELDS,
};

/* A flat line has the members of a turn, too. */
static const struct field table[N_LINE_FIELDS] = {
    SESSION_TURN_FIELDS,
    [LINE_SESSION_ID] = {"session_id", FIELD_READ},
    [LINE_ARRIVAL_NS] = {"arrival_time_ns", FIELD_READ},
    [LINE_ARRIVAL_S] = {"arrival_s", FIELD_READ},
    [LINE_SUB_REQUESTS] = {"sub_requests", FIELD_READ},
    [LINE_SHARED_PREFIX] = {"shared_prefix_toks", FIELD_READ},
    [LINE_WORKFLOW_ID] = {"workflow_id", FIELD_READ},
    [LINE_NODES] = {"nodes", FIELD_READ},
    [LINE_EDGES] = {"edges", FIELD_READ},
    [LINE_TENANT] = {"tenant", FIELD_READ},
    [LINE_DEADLINE_NS] = {"deadline_ns", FIELD_READ},
    [LINE_SPAN] = {"span_s", FIELD_IGNORE},
    [LINE_ENV_START] = {"env_start_s", FIELD_IGNORE},
    [LINE_END] = {"end_s", FIELD_IGNORE},
};

struct session_reader *session_reader_create(struct builder *builder, struct jdoc_parser *parser)
{
    struct session_reader *reader = mem_zalloc(sizeof *reader);
    reader->builder = builder;
    reader->parser = parser;
    extent_list_init(&reader->content);
    return reader;
}

void session_reader_destroy(struct session_reader *reader)
{
    mem_free(reader->ids);
    mem_free(reader->turn_ids);
    mem_free(reader->hints);
    extent_list_fini(&reader->content);
    session_dag_fini(&reader->dag);
    mem_free(reader);
}

/* Appends the ids of one member, which must be as many as `expected`. */
static bool read_ids(struct session_reader *reader, const struct fields *fields, int index, uint32_t expected)
{
    struct jdoc_value array;
    if (fields_array(fields, index, &array) != FIELD_GOOD) {
        return false;
    }
    reader->ids = mem_grow(reader->ids, &reader->id_capacity, reader->n_ids + expected, sizeof *reader->ids);
    size_t bad;
    const size_t n = jdoc_array_u32(array, reader->ids + reader->n_ids, expected, &bad);
    const char *name = fields->table[index].name;
    if (n != expected) {
        builder_bad(reader->builder, "%s%s has %zu ids; needed: one for each of the %u tokens", fields->path, name, n,
                    expected);
        return false;
    }
    if (bad != SIZE_MAX) {
        builder_bad(reader->builder, "%s%s[%zu] is no token id; allowed: an integer from 0 to %u", fields->path, name,
                    bad, UINT32_MAX);
        return false;
    }
    reader->n_ids += expected;
    return true;
}

static bool read_turn_ids(struct session_reader *reader, const struct fields *fields, const struct turn *turn,
                          uint32_t index)
{
    reader->turn_ids =
        mem_grow(reader->turn_ids, &reader->turn_id_capacity, (size_t)index + 1, sizeof *reader->turn_ids);
    struct turn_ids *ids = &reader->turn_ids[index];
    *ids = (struct turn_ids){.start = reader->n_ids};
    if (!fields_has(fields, TURN_INPUT_IDS)) {
        if (fields_has(fields, TURN_OUTPUT_IDS)) {
            builder_bad(reader->builder, "%soutput_tok_ids is given without input_tok_ids", fields->path);
            return false;
        }
        return true;
    }
    reader->n_with_ids++;
    ids->n_prompt = turn->prompt_toks;
    if (!read_ids(reader, fields, TURN_INPUT_IDS, turn->prompt_toks)) {
        return false;
    }
    if (fields_has(fields, TURN_OUTPUT_IDS)) {
        ids->n_output = turn->output_toks;
        return read_ids(reader, fields, TURN_OUTPUT_IDS, turn->output_toks);
    }
    return true;
}

static bool read_tool(struct builder *builder, const struct fields *fields, struct turn *turn)
{
    struct jdoc_string name;
    if (fields_has(fields, TURN_TOOL) && fields_has(fields, TURN_TOOL_NAME)) {
        builder_bad(builder, "%stool and %stool_name are both given; allowed: one of them", fields->path, fields->path);
        return false;
    }
    const int index = fields_has(fields, TURN_TOOL) ? TURN_TOOL : TURN_TOOL_NAME;
    const enum field_state state = fields_string(fields, index, &name);
    if (state == FIELD_GOOD && name.bytes) {
        turn->tool = builder_tool(builder, name.text, name.bytes);
    }
    return state != FIELD_BAD;
}

/* The reused prefix as the file gives it, in kept_toks (complete.h makes the final number of it). */
bool session_keep_prefix(struct builder *builder, const char *path, struct turn *turn, const struct turn *before,
                         int64_t given, bool has_ids)
{
    const int64_t context = before ? (int64_t)before->prompt_toks + before->output_toks : 0;
    int64_t prefix = given == SESSION_NO_PREFIX ? 0 : given;
    if (prefix > turn->prompt_toks || prefix > context) {
        builder_bad(builder,
                    "%sprefix_toks: %" PRId64 " given; allowed: at most the prompt (%u) and the context before it "
                    "(%" PRId64 ")",
                    path, prefix, turn->prompt_toks, context);
        return false;
    }
    if (given == SESSION_NO_PREFIX && before && !has_ids) {
        prefix = turn->prompt_toks >= before->prompt_toks ? before->prompt_toks : 0;
        builder->assumed_prefixes++;
    } else if (prefix && !has_ids) {
        builder->prefixes++;
        builder->odd_prefixes += prefix % TRACE_BLOCK != 0;
    }
    turn->kept_toks = (uint32_t)prefix;
    return true;
}

static bool read_prefix(struct builder *builder, const struct fields *fields, struct turn *turn, uint32_t index)
{
    int64_t prefix = SESSION_NO_PREFIX;
    if (fields_integer(fields, TURN_PREFIX, 0, TOKENS_LIMIT, &prefix) == FIELD_BAD) {
        return false;
    }
    turn->parent = index ? index - 1 : 0;
    return session_keep_prefix(builder, fields->path, turn, index ? turn - 1 : NULL, prefix,
                               fields_has(fields, TURN_INPUT_IDS));
}

static bool read_gap(const struct fields *fields, struct turn *turn)
{
    turn->gap = GAP_MISSING;
    const enum field_state state = fields_duration(fields, TURN_GAP_NS, SIMTIME_NS, false, &turn->gap);
    if (state != FIELD_ABSENT) {
        return state == FIELD_GOOD;
    }
    return fields_duration(fields, TURN_TOOL_NS, SIMTIME_NS, false, &turn->gap) != FIELD_BAD;
}

/* What the application says with the turn. */
static bool read_hints(struct session_reader *reader, const struct fields *fields, uint32_t index)
{
    reader->hints = mem_grow(reader->hints, &reader->hint_capacity, (size_t)index + 1, sizeof *reader->hints);
    struct turn_hint *hint = &reader->hints[index];
    *hint = (struct turn_hint){.pin = -1, .resume = -1};
    reader->has_hints |= fields_has(fields, TURN_PIN_NS) || fields_has(fields, TURN_RESUME_NS);
    return fields_duration(fields, TURN_PIN_NS, SIMTIME_NS, false, &hint->pin) != FIELD_BAD &&
           fields_duration(fields, TURN_RESUME_NS, SIMTIME_NS, false, &hint->resume) != FIELD_BAD;
}

struct turn *session_add_turn(struct session_reader *reader, const struct fields *fields)
{
    int64_t prompt;
    int64_t output;
    const bool has_prompt = fields_need_integer(fields, TURN_INPUT, 1, TOKENS_LIMIT, &prompt);
    const bool has_output = fields_need_integer(fields, TURN_OUTPUT, 0, TOKENS_LIMIT, &output);
    if (!has_prompt || !has_output) {
        return NULL;
    }
    struct turn *turn = builder_add_turn(reader->builder);
    turn->prompt_toks = (uint32_t)prompt;
    turn->output_toks = (uint32_t)output;
    return turn;
}

bool session_read_tool_and_ids(struct session_reader *reader, const struct fields *fields, struct turn *turn)
{
    const uint32_t index = builder_turn_count(reader->builder) - 1;
    return read_tool(reader->builder, fields, turn) && read_turn_ids(reader, fields, turn, index) &&
           read_hints(reader, fields, index);
}

static void read_turn(struct session_reader *reader, const struct fields *fields)
{
    const uint32_t index = builder_turn_count(reader->builder);
    struct turn *turn = session_add_turn(reader, fields);
    if (turn && read_prefix(reader->builder, fields, turn, index) && read_gap(fields, turn)) {
        session_read_tool_and_ids(reader, fields, turn);
    }
}

static uint32_t common_ids(const uint32_t *a, uint32_t n_a, const uint32_t *b, uint32_t n_b)
{
    const uint32_t n = n_a < n_b ? n_a : n_b;
    uint32_t at = 0;
    while (at < n && a[at] == b[at]) {
        at++;
    }
    return at;
}

/* Whether a turn starts from another one's context. */
static bool has_parent(const struct program_graph *graph, uint32_t turn)
{
    return graph ? graph->first_parent[turn] < graph->first_parent[turn + 1] : turn > 0;
}

/* The first turn that starts from the context of `turn`, or n. */
static uint32_t find_heir(const struct session_reader *reader, const struct program_graph *graph, uint32_t turn,
                          uint32_t n)
{
    if (!graph) {
        return turn + 1;
    }
    const struct turn *turns = builder_turns(reader->builder);
    uint32_t heir = n;
    for (uint32_t at = graph->first_edge[turn]; at < graph->first_edge[turn + 1]; at++) {
        const uint32_t to = graph->edges[at].turn;
        heir = turns[to].parent == turn && to < heir ? to : heir;
    }
    return heir;
}

/* Finds what is known of the context of turn `index`, whose prompt's and perhaps output's ids are known: when its heir
 * goes on from its prompt, the output is what follows there. */
static void find_known(struct session_reader *reader, const struct program_graph *graph, uint32_t index)
{
    const uint32_t n = builder_turn_count(reader->builder);
    const bool reuse = reader->builder->options->reuse_generated;
    struct turn *turns = builder_turns(reader->builder);
    struct turn_ids *now = &reader->turn_ids[index];
    const uint32_t heir = find_heir(reader, graph, index, n);
    now->heir = heir;
    now->known = now->start;
    now->n_known = now->n_prompt + (reuse ? now->n_output : 0);
    if (heir >= n) {
        return;
    }
    const struct turn_ids *next = &reader->turn_ids[heir];
    uint32_t kept = common_ids(reader->ids + now->known, now->n_known, reader->ids + next->start, next->n_prompt);
    if (reuse && kept == now->n_prompt && !now->n_output && next->n_prompt - kept >= turns[index].output_toks) {
        now->known = next->start;
        now->n_known += turns[index].output_toks;
        kept = now->n_known;
    }
    turns[heir].kept_toks = kept;
}

/* Contents of all turns of the record from their ids. */
static void intern_turns(struct session_reader *reader, const struct program_graph *graph)
{
    struct builder *builder = reader->builder;
    const uint32_t n = builder_turn_count(builder);
    for (uint32_t i = 0; i < n; i++) {
        struct turn *turn = builder_turns(builder) + i;
        find_known(reader, graph, i);
        const struct turn_ids *now = &reader->turn_ids[i];
        const struct turn_ids *before = &reader->turn_ids[turn->parent];
        if (!has_parent(graph, i)) {
            turn->kept_toks = 0;
        } else if (before->heir != i) {
            turn->kept_toks =
                common_ids(reader->ids + before->known, before->n_known, reader->ids + now->start, now->n_prompt);
        }
        reader->content.n = 0;
        reader->content.n_tokens = 0;
        interner_add(&builder->interner, builder->set.n_programs, reader->ids + now->known, now->n_known,
                     &reader->content);
        const uint32_t unknown = turn->prompt_toks + turn->output_toks - now->n_known;
        extent_list_append(&reader->content, (struct extent){.stream = stream_private(builder->set.n_programs, i),
                                                             .first = now->n_known,
                                                             .count = unknown});
        builder_add_extents(builder, turn, &reader->content);
    }
    builder->has_token_ids = true;
}

static void read_chain(struct session_reader *reader, struct jdoc_value array)
{
    struct builder *builder = reader->builder;
    struct jdoc_iterator items = jdoc_array(array);
    struct jdoc_value item;
    for (uint32_t i = 0; jdoc_array_next(&items, &item) && !builder->is_bad; i++) {
        char path[40];
        struct fields fields;
        snprintf(path, sizeof path, "sub_requests[%u].", i);
        if (fields_collect(builder, item, table, N_TURN_FIELDS, path, &fields)) {
            read_turn(reader, &fields);
        }
    }
    if (!builder->is_bad && builder_turn_count(builder) == 0) {
        builder_bad(builder, "sub_requests is empty; needed: at least one turn");
    }
}

/* Nanoseconds of a time in seconds, by whole seconds and fraction: a double of today's Unix time holds fractions to
 * about 0.2 us, and the product with 1e9 would lose more. */
static bool ns_from_s(double seconds, int64_t *ns)
{
    if (!(fabs(seconds) <= 4e9)) {
        return false;
    }
    const double whole = floor(seconds);
    *ns = (int64_t)whole * 1000000000 + (int64_t)((seconds - whole) * 1e9 + 0.5);
    return true;
}

/* The arrival of the line, if it has one; false when it is bad. */
static bool read_arrival(const struct fields *fields, bool *has, int64_t *ns)
{
    const bool in_ns = fields_has(fields, LINE_ARRIVAL_NS);
    const bool in_s = fields_has(fields, LINE_ARRIVAL_S);
    *has = in_ns || in_s;
    if (in_ns && in_s) {
        builder_bad(fields->builder, "arrival_time_ns and arrival_s are both given; allowed: one of them");
        return false;
    }
    if (in_ns) {
        return fields_integer(fields, LINE_ARRIVAL_NS, 0, INT64_MAX, ns) == FIELD_GOOD;
    }
    double seconds;
    if (in_s && !(jdoc_real(fields->values[LINE_ARRIVAL_S], &seconds) && ns_from_s(seconds, ns))) {
        builder_bad(fields->builder, "arrival_s is no time; allowed: seconds from -4e9 to 4e9");
        return false;
    }
    return true;
}

static void read_dag(struct session_reader *reader, const struct fields *fields)
{
    struct builder *builder = reader->builder;
    struct jdoc_value nodes;
    struct jdoc_value edges;
    if (fields_has(fields, LINE_SUB_REQUESTS) || fields_has(fields, TURN_INPUT)) {
        builder_bad(builder, "workflow_id, nodes and edges (a DAG) are given beside %s; allowed: one of them",
                    fields_has(fields, LINE_SUB_REQUESTS) ? "sub_requests" : "input_toks");
        return;
    }
    const enum field_state has_nodes = fields_array(fields, LINE_NODES, &nodes);
    if (has_nodes == FIELD_ABSENT) {
        builder_bad(builder, "nodes is missing; needed: an array of at least one node");
    }
    const enum field_state has_edges = fields_array(fields, LINE_EDGES, &edges);
    if (has_nodes == FIELD_GOOD && has_edges != FIELD_BAD) {
        session_read_dag(reader, nodes, has_edges == FIELD_GOOD ? &edges : NULL);
    }
}

/* The name of the program: false when it is bad. */
static bool read_name(const struct fields *fields, struct field_name *name)
{
    if (fields_has(fields, LINE_SESSION_ID) && fields_has(fields, LINE_WORKFLOW_ID)) {
        builder_bad(fields->builder, "session_id and workflow_id are both given; allowed: one of them");
        return false;
    }
    if (fields_has(fields, LINE_WORKFLOW_ID)) {
        return fields_name(fields, LINE_WORKFLOW_ID, name) == FIELD_GOOD;
    }
    return fields_string(fields, LINE_SESSION_ID, &name->text) != FIELD_BAD;
}

/* The open record's turns, by the kind of its line. */
static void read_turns(struct session_reader *reader, const struct fields *fields)
{
    struct builder *builder = reader->builder;
    struct jdoc_value chain;
    if (fields_has(fields, LINE_WORKFLOW_ID) || fields_has(fields, LINE_NODES) || fields_has(fields, LINE_EDGES)) {
        read_dag(reader, fields);
    } else if (fields_has(fields, LINE_SUB_REQUESTS) && fields_has(fields, TURN_INPUT)) {
        builder_bad(builder, "input_toks and sub_requests are both given; allowed: one of them");
    } else if (fields_array(fields, LINE_SUB_REQUESTS, &chain) == FIELD_GOOD) {
        read_chain(reader, chain);
    } else if (!builder->is_bad && !fields_has(fields, TURN_INPUT)) {
        builder_bad(builder, "neither input_toks (a flat line) nor sub_requests (a chain) nor nodes (a DAG) is given");
    } else if (!builder->is_bad) {
        read_turn(reader, fields);
    }
    const uint32_t n_with_ids = reader->n_with_ids;
    if (!builder->is_bad && n_with_ids && n_with_ids != builder_turn_count(builder)) {
        builder_bad(builder, "%u of %u turns have input_tok_ids; allowed: all or none", n_with_ids,
                    builder_turn_count(builder));
    }
}

/* What the application says with the program: its tenant, a number from 1, and its deadline, after its arrival; 0 where
 * nothing is said. False when that is bad. */
static bool read_wishes(const struct fields *fields, uint32_t *tenant, simtime *deadline)
{
    struct field_name name;
    const enum field_state has_tenant = fields_name(fields, LINE_TENANT, &name);
    if (has_tenant == FIELD_GOOD && !name.text.bytes) {
        builder_bad(fields->builder, "tenant is empty; allowed: a name");
        return false;
    }
    if (has_tenant == FIELD_GOOD) {
        *tenant = builder_tenant(fields->builder, name.text.text, name.text.bytes);
    }
    const enum field_state has_deadline = fields_duration(fields, LINE_DEADLINE_NS, SIMTIME_NS, false, deadline);
    if (has_deadline == FIELD_GOOD && *deadline == 0) {
        builder_bad(fields->builder, "deadline_ns: 0 given; allowed: above 0, from the arrival of the program");
        return false;
    }
    return has_tenant != FIELD_BAD && has_deadline != FIELD_BAD;
}

static const struct turn_hint *keep_hints(struct session_reader *reader, uint32_t n_turns)
{
    struct turn_hint *hints = arena_alloc(&reader->builder->set.arena, n_turns * sizeof *hints);
    memcpy(hints, reader->hints, n_turns * sizeof *hints);
    return hints;
}

static void read_line(struct session_reader *reader, struct jdoc_value root)
{
    struct builder *builder = reader->builder;
    struct fields fields;
    struct field_name name = {0};
    bool has_arrival = false;
    int64_t arrival = 0;
    int64_t shared = 0;
    uint32_t tenant = 0;
    simtime deadline = 0;
    reader->n_ids = 0;
    reader->n_with_ids = 0;
    reader->has_hints = false;
    reader->dag.graph = NULL;
    if (!fields_collect(builder, root, table, N_LINE_FIELDS, "", &fields)) {
        return;
    }
    read_turns(reader, &fields);
    if (builder->is_bad || !read_arrival(&fields, &has_arrival, &arrival) || !read_name(&fields, &name) ||
        fields_integer(&fields, LINE_SHARED_PREFIX, 0, builder_turns(builder)->prompt_toks, &shared) == FIELD_BAD ||
        !read_wishes(&fields, &tenant, &deadline)) {
        return;
    }
    if (reader->n_with_ids) {
        intern_turns(reader, reader->dag.graph);
    }
    const uint32_t n_turns = builder_turn_count(builder);
    struct program *program = builder_commit(builder, name.text.text, name.text.bytes);
    if (reader->dag.graph) {
        program->graph = graph_copy(reader->dag.graph, n_turns, &builder->set.arena);
    }
    program->shared_prefix_toks = (uint32_t)shared;
    program->tenant = tenant;
    program->deadline = deadline;
    program->hints = reader->has_hints ? keep_hints(reader, n_turns) : NULL;
    if (has_arrival) {
        builder_arrival(builder, arrival);
    }
}

void session_read(struct session_reader *reader, const char *text, size_t bytes)
{
    struct builder *builder = reader->builder;
    struct input_lines lines;
    const char *line;
    size_t line_bytes;
    input_lines_init(&lines, text, bytes);
    while (!builder_is_full(builder) && input_lines_next(&lines, &line, &line_bytes)) {
        struct jdoc_value root;
        builder_begin(builder, lines.line);
        const char *problem = jdoc_parse(reader->parser, line, line_bytes, &root);
        if (problem) {
            builder_bad(builder, "not a JSON document: %s", problem);
        } else {
            read_line(reader, root);
        }
        if (builder->is_bad) {
            builder_commit(builder, NULL, 0); /* undoes it */
        }
    }
}
