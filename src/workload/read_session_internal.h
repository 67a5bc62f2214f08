/* The inside of the session reader, for read_session.c (flat lines and chains) and read_session_dag.c. */
#ifndef ASIM_WORKLOAD_READ_SESSION_INTERNAL_H
#define ASIM_WORKLOAD_READ_SESSION_INTERNAL_H

#include "workload/fields.h"
#include "workload/graph.h"
#include "workload/read_session.h"

/* Members of a turn, wherever it stands: the first rows of every table that has turns. */
enum {
    TURN_INPUT,
    TURN_OUTPUT,
    TURN_PREFIX,
    TURN_TOOL_NS,
    TURN_GAP_NS,
    TURN_TOOL,
    TURN_TOOL_NAME,
    TURN_INPUT_IDS,
    TURN_OUTPUT_IDS,
    TURN_PIN_NS,
    TURN_RESUME_NS,
    /* Measured in the recorded run, which the simulation replaces. */
    TURN_API_TIME,
    TURN_LLM_START,
    TURN_PREFILL,
    TURN_DECODE,
    TURN_LLM,
    TURN_API_CACHED,
    TURN_REASONING,
    TURN_CREATED,
    TURN_NEXT_ARRIVAL_DELTA,
    N_TURN_FIELDS,
};

/* clang-format off */
#define SESSION_TURN_FIELDS                                                                                            \
    [TURN_INPUT] = {"input_toks", FIELD_READ},                                                                         \
    [TURN_OUTPUT] = {"output_toks", FIELD_READ},                                                                       \
    [TURN_PREFIX] = {"prefix_toks", FIELD_READ},                                                                       \
    [TURN_TOOL_NS] = {"tool_duration_ns", FIELD_READ},                                                                 \
    [TURN_GAP_NS] = {"gap_ns", FIELD_READ},                                                                            \
    [TURN_TOOL] = {"tool", FIELD_READ},                                                                                \
    [TURN_TOOL_NAME] = {"tool_name", FIELD_READ},                                                                      \
    [TURN_INPUT_IDS] = {"input_tok_ids", FIELD_READ},                                                                  \
    [TURN_OUTPUT_IDS] = {"output_tok_ids", FIELD_READ},                                                                \
    [TURN_PIN_NS] = {"pin_ns", FIELD_READ},                                                                            \
    [TURN_RESUME_NS] = {"resume_ns", FIELD_READ},                                                                      \
    [TURN_API_TIME] = {"api_time_s", FIELD_IGNORE},                                                                    \
    [TURN_LLM_START] = {"llm_start_s", FIELD_IGNORE},                                                                  \
    [TURN_PREFILL] = {"prefill_s", FIELD_IGNORE},                                                                      \
    [TURN_DECODE] = {"decode_s", FIELD_IGNORE},                                                                        \
    [TURN_LLM] = {"llm_s", FIELD_IGNORE},                                                                              \
    [TURN_API_CACHED] = {"api_cached_toks", FIELD_IGNORE},                                                             \
    [TURN_REASONING] = {"reasoning_toks", FIELD_IGNORE},                                                               \
    [TURN_CREATED] = {"created_s", FIELD_IGNORE},                                                                      \
    [TURN_NEXT_ARRIVAL_DELTA] = {"next_arrival_delta_ns", FIELD_IGNORE}
/* clang-format on */

#define SESSION_NO_PREFIX INT64_C(-1)

/* Token ids of the turns of the open record, one turn after another: prompt, then output where it is known. */
struct turn_ids {
    size_t start; /* in ids */
    uint32_t n_prompt;
    uint32_t n_output; /* known ones: 0 or all */
    size_t known;      /* in ids: where those of the context start, as far as they are known */
    uint32_t n_known;
    uint32_t heir; /* the first turn that starts from the context */
};

/* A node of the open record, in the order of the line. */
struct dag_node {
    int64_t prefix; /* SESSION_NO_PREFIX: not given */
    bool has_ids;
};

struct session_dag {
    struct graph_builder builder;
    const struct program_graph *graph; /* of the open record; NULL: it is a chain */
    struct key_map ids;                /* of nodes */
    struct dag_node *nodes;
    size_t node_capacity;
    struct turn *turns; /* scratch, for their new order */
    size_t turn_capacity;
    struct turn_ids *turn_ids;
    size_t turn_id_capacity;
    struct turn_hint *hints;
    size_t hint_capacity;
};

struct session_reader {
    struct builder *builder;
    struct jdoc_parser *parser;
    uint32_t *ids;
    size_t n_ids;
    size_t id_capacity;
    struct turn_ids *turn_ids;
    size_t turn_id_capacity;
    uint32_t n_with_ids;     /* turns of the record that have input_tok_ids */
    struct turn_hint *hints; /* of the turns of the record */
    size_t hint_capacity;
    bool has_hints; /* one of them says something */
    struct extent_list content;
    struct session_dag dag;
};

/* A new turn at the end of the open record, with its sizes; NULL when they are bad. */
struct turn *session_add_turn(struct session_reader *reader, const struct fields *fields);

/* The rest of the turn that was added last, but for what depends on other turns. */
bool session_read_tool_and_ids(struct session_reader *reader, const struct fields *fields, struct turn *turn);

/* Sets kept_toks of a turn that starts from the context of `before` (NULL: from nothing), by the prefix that is
 * given. `path` stands before the names in messages. */
bool session_keep_prefix(struct builder *builder, const char *path, struct turn *turn, const struct turn *before,
                         int64_t given, bool has_ids);

/* The turns of a DAG, and reader->dag.graph. `edges` may be NULL. */
void session_read_dag(struct session_reader *reader, struct jdoc_value nodes, const struct jdoc_value *edges);
void session_dag_fini(struct session_dag *dag);

#endif
