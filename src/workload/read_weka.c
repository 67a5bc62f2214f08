#include "workload/read_weka.h"

#include "workload/fields.h"
#include "workload/input_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    DOC_ID,
    DOC_BLOCK_SIZE,
    DOC_SCOPE,
    DOC_TOOL_TOKENS,
    DOC_SYSTEM_TOKENS,
    DOC_REQUESTS,
    DOC_MODELS,
    DOC_TOTALS,
    N_DOC_FIELDS,
};

static const struct field doc_table[N_DOC_FIELDS] = {
    [DOC_ID] = {"id", FIELD_READ},
    [DOC_BLOCK_SIZE] = {"block_size", FIELD_READ},
    [DOC_SCOPE] = {"hash_id_scope", FIELD_READ},
    [DOC_TOOL_TOKENS] = {"tool_tokens", FIELD_READ},
    [DOC_SYSTEM_TOKENS] = {"system_tokens", FIELD_READ},
    [DOC_REQUESTS] = {"requests", FIELD_READ},
    [DOC_MODELS] = {"models", FIELD_IGNORE},
    [DOC_TOTALS] = {"totals", FIELD_IGNORE},
};

enum {
    REQUEST_TYPE,
    REQUEST_IN,
    REQUEST_OUT,
    REQUEST_HASH_IDS,
    REQUEST_THINK_TIME,
    REQUEST_INPUT_TYPES,
    REQUEST_REQUESTS,
    REQUEST_T,
    REQUEST_MODEL,
    REQUEST_OUTPUT_TYPES,
    REQUEST_STOP,
    REQUEST_API_TIME,
    REQUEST_AGENT_ID,
    REQUEST_SUBAGENT_TYPE,
    REQUEST_DURATION_MS,
    REQUEST_TOTAL_TOKENS,
    REQUEST_TOOL_USE_COUNT,
    REQUEST_STATUS,
    REQUEST_MODELS,
    REQUEST_TOOL_TOKENS,
    REQUEST_SYSTEM_TOKENS,
    REQUEST_TTFT,
    N_REQUEST_FIELDS,
};

static const struct field request_table[N_REQUEST_FIELDS] = {
    [REQUEST_TYPE] = {"type", FIELD_READ},
    [REQUEST_IN] = {"in", FIELD_READ},
    [REQUEST_OUT] = {"out", FIELD_READ},
    [REQUEST_HASH_IDS] = {"hash_ids", FIELD_READ},
    [REQUEST_THINK_TIME] = {"think_time", FIELD_READ},
    [REQUEST_INPUT_TYPES] = {"input_types", FIELD_READ},
    [REQUEST_REQUESTS] = {"requests", FIELD_READ},
    /* Measurements of the recorded run, and the description of sub-agents. */
    [REQUEST_T] = {"t", FIELD_IGNORE},
    [REQUEST_MODEL] = {"model", FIELD_IGNORE},
    [REQUEST_OUTPUT_TYPES] = {"output_types", FIELD_IGNORE},
    [REQUEST_STOP] = {"stop", FIELD_IGNORE},
    [REQUEST_API_TIME] = {"api_time", FIELD_IGNORE},
    [REQUEST_AGENT_ID] = {"agent_id", FIELD_IGNORE},
    [REQUEST_SUBAGENT_TYPE] = {"subagent_type", FIELD_IGNORE},
    [REQUEST_DURATION_MS] = {"duration_ms", FIELD_IGNORE},
    [REQUEST_TOTAL_TOKENS] = {"total_tokens", FIELD_IGNORE},
    [REQUEST_TOOL_USE_COUNT] = {"tool_use_count", FIELD_IGNORE},
    [REQUEST_STATUS] = {"status", FIELD_IGNORE},
    [REQUEST_MODELS] = {"models", FIELD_IGNORE},
    [REQUEST_TOOL_TOKENS] = {"tool_tokens", FIELD_IGNORE},
    [REQUEST_SYSTEM_TOKENS] = {"system_tokens", FIELD_IGNORE},
    [REQUEST_TTFT] = {"ttft", FIELD_IGNORE},
};

struct weka_reader {
    struct builder *builder;
    struct jdoc_parser *parser;
    struct key_map prefixes; /* leading run of ids, by chained hash, to the latest turn that has it */
};

struct weka_reader *weka_reader_create(struct builder *builder, struct jdoc_parser *parser)
{
    struct weka_reader *reader = mem_zalloc(sizeof *reader);
    reader->builder = builder;
    reader->parser = parser;
    key_map_init(&reader->prefixes);
    return reader;
}

void weka_reader_destroy(struct weka_reader *reader)
{
    key_map_fini(&reader->prefixes);
    mem_free(reader);
}

/* Finds the parent of the newest turn by its ids and enters them as the newest turn's. A run of ids that is in the map
 * has all its shorter runs there too, so the last one found is the longest. */
static void read_hash_ids(struct weka_reader *reader, const struct fields *fields, struct turn *turn, uint32_t index,
                          uint32_t block)
{
    struct jdoc_value array;
    struct {
        struct key128 before;
        int64_t id;
    } link = {0};
    const enum field_state state = fields_array(fields, REQUEST_HASH_IDS, &array);
    if (state != FIELD_GOOD) {
        if (state == FIELD_ABSENT) {
            builder_bad(reader->builder, "%shash_ids is missing; needed: an array [...]", fields->path);
        }
        return;
    }
    struct jdoc_iterator items = jdoc_array(array);
    struct jdoc_value item;
    uint32_t n = 0;
    uint32_t n_common = 0;
    for (; jdoc_array_next(&items, &item); n++) {
        if (!jdoc_integer(item, &link.id)) {
            builder_bad(reader->builder, "%shash_ids[%u] is no integer", fields->path, n);
            return;
        }
        bool fresh;
        link.before = key_of(&link, sizeof link);
        uint32_t *latest = key_map_at(&reader->prefixes, link.before, index, &fresh);
        if (!fresh && *latest != index) {
            n_common = n + 1;
            turn->parent = *latest;
        }
        *latest = index;
    }
    if ((uint64_t)n * block >= (uint64_t)turn->prompt_toks + block) {
        builder_bad(reader->builder, "%shash_ids has %u blocks of %u tokens; allowed: at most the prompt (in: %u)",
                    fields->path, n, block, turn->prompt_toks);
        return;
    }
    const uint64_t common = (uint64_t)n_common * block;
    turn->kept_toks = common < turn->prompt_toks ? (uint32_t)common : turn->prompt_toks;
}

/* Whether the request's new content holds a tool result. */
static bool brings_tool_result(const struct fields *fields)
{
    struct jdoc_value types;
    if (fields_array(fields, REQUEST_INPUT_TYPES, &types) != FIELD_GOOD) {
        return false;
    }
    struct jdoc_iterator items = jdoc_array(types);
    struct jdoc_value item;
    struct jdoc_string name;
    static const char wanted[] = "tool_result";
    while (jdoc_array_next(&items, &item)) {
        if (jdoc_text(item, &name) && name.bytes == strlen(wanted) && memcmp(name.text, wanted, name.bytes) == 0) {
            return true;
        }
    }
    return false;
}

static void read_request(struct weka_reader *reader, const struct fields *fields, uint32_t block)
{
    struct builder *builder = reader->builder;
    int64_t prompt;
    int64_t output;
    const bool has_prompt = fields_need_integer(fields, REQUEST_IN, 1, TOKENS_LIMIT, &prompt);
    const bool has_output = fields_need_integer(fields, REQUEST_OUT, 0, TOKENS_LIMIT, &output);
    simtime gap = GAP_MISSING;
    if (!has_prompt || !has_output || fields_duration(fields, REQUEST_THINK_TIME, SIMTIME_S, true, &gap) == FIELD_BAD) {
        return;
    }
    const bool is_tool = brings_tool_result(fields);
    const uint32_t index = builder_turn_count(builder);
    struct turn *turn = builder_add_turn(builder);
    turn->prompt_toks = (uint32_t)prompt;
    turn->output_toks = (uint32_t)output;
    turn->gap = GAP_MISSING;
    if (index) {
        turn[-1].gap = gap;
        turn[-1].tool = is_tool ? builder_tool(builder, "tool", 4) : builder_tool(builder, "user", 4);
    }
    read_hash_ids(reader, fields, turn, index, block);
}

static uint64_t count_requests(struct jdoc_value requests)
{
    uint64_t n = 0;
    struct jdoc_iterator items = jdoc_array(requests);
    struct jdoc_value item;
    while (jdoc_array_next(&items, &item)) {
        n++;
    }
    return n;
}

static bool is_text(const struct fields *fields, int index, const char *wanted)
{
    struct jdoc_string text;
    return fields_has(fields, index) && jdoc_text(fields->values[index], &text) && text.bytes == strlen(wanted) &&
           memcmp(text.text, wanted, text.bytes) == 0;
}

static void read_requests(struct weka_reader *reader, struct jdoc_value requests, uint32_t block)
{
    struct builder *builder = reader->builder;
    struct jdoc_iterator items = jdoc_array(requests);
    struct jdoc_value item;
    uint64_t left_out = 0;
    key_map_clear(&reader->prefixes);
    for (uint32_t i = 0; jdoc_array_next(&items, &item) && !builder->is_bad; i++) {
        char path[32];
        struct fields fields;
        struct jdoc_value nested;
        snprintf(path, sizeof path, "requests[%u].", i);
        if (!fields_collect(builder, item, request_table, N_REQUEST_FIELDS, path, &fields)) {
            return;
        }
        if (is_text(&fields, REQUEST_TYPE, "n") || is_text(&fields, REQUEST_TYPE, "s")) {
            read_request(reader, &fields, block);
        } else if (!is_text(&fields, REQUEST_TYPE, "subagent")) {
            builder_bad(builder, "%stype: allowed: \"n\", \"s\", \"subagent\"", path);
        } else if (fields_array(&fields, REQUEST_REQUESTS, &nested) == FIELD_GOOD) {
            left_out += count_requests(nested);
        }
    }
    if (!builder->is_bad && builder_turn_count(builder) == 0) {
        builder_bad(builder, "requests has no request of type \"n\" or \"s\"; needed: at least one");
    }
    builder->left_out_requests += builder->is_bad ? 0 : left_out;
}

static bool read_document_fields(const struct fields *fields, struct jdoc_string *name, int64_t *block, int64_t *shared,
                                 struct jdoc_value *requests)
{
    struct builder *builder = fields->builder;
    int64_t tool = 0;
    int64_t system = 0;
    *block = TRACE_BLOCK;
    if (fields_array(fields, DOC_REQUESTS, requests) == FIELD_ABSENT) {
        builder_bad(builder, "requests is missing; needed: an array [...]");
    }
    if (fields_has(fields, DOC_SCOPE) && !is_text(fields, DOC_SCOPE, "local")) {
        builder_bad(builder, "hash_id_scope: only \"local\" is supported: blocks named across conversations would lose "
                             "their sharing");
    }
    fields_string(fields, DOC_ID, name);
    fields_integer(fields, DOC_BLOCK_SIZE, TRACE_BLOCK, TRACE_BLOCK, block);
    fields_integer(fields, DOC_TOOL_TOKENS, 0, TOKENS_LIMIT, &tool);
    fields_integer(fields, DOC_SYSTEM_TOKENS, 0, TOKENS_LIMIT, &system);
    *shared = tool + system;
    return !builder->is_bad;
}

static void read_document(struct weka_reader *reader, struct jdoc_value root)
{
    struct builder *builder = reader->builder;
    struct fields fields;
    struct jdoc_string name = {0};
    struct jdoc_value requests;
    int64_t block = TRACE_BLOCK;
    int64_t shared = 0;
    if (fields_collect(builder, root, doc_table, N_DOC_FIELDS, "", &fields) &&
        read_document_fields(&fields, &name, &block, &shared, &requests)) {
        read_requests(reader, requests, (uint32_t)block);
    }
    struct program *program = builder_commit(builder, name.text, name.bytes);
    if (program) {
        const uint32_t first = builder_turns(builder)->prompt_toks;
        program->shared_prefix_toks = shared < first ? (uint32_t)shared : first;
    }
}

static void read_text(struct weka_reader *reader, const char *text, size_t bytes, uint32_t line)
{
    struct jdoc_value root;
    builder_begin(reader->builder, line);
    const char *problem = jdoc_parse(reader->parser, text, bytes, &root);
    if (problem) {
        builder_bad(reader->builder, "not a JSON document: %s", problem);
        builder_commit(reader->builder, NULL, 0); /* undoes it */
    } else {
        read_document(reader, root);
    }
}

/* Whether any line is a document by itself. */
static bool has_document_line(struct weka_reader *reader, struct input_lines lines)
{
    const char *line;
    size_t bytes;
    struct jdoc_value root;
    while (input_lines_next(&lines, &line, &bytes)) {
        if (!jdoc_parse(reader->parser, line, bytes, &root) && jdoc_type_of(root) == JDOC_OBJECT) {
            return true;
        }
    }
    return false;
}

/* Whether the text is to be read as a whole: its first line is no document, and either the text is one, or no other
 * line is, so that a message about each of them would be noise. */
static bool is_one_document(struct weka_reader *reader, struct input_lines lines)
{
    const char *start = lines.at;
    const struct input_lines from_start = lines;
    const char *line;
    size_t bytes;
    struct jdoc_value root;
    if (!input_lines_next(&lines, &line, &bytes) || !jdoc_parse(reader->parser, line, bytes, &root)) {
        return false;
    }
    return !jdoc_parse(reader->parser, start, (size_t)(lines.end - start), &root) ||
           !has_document_line(reader, from_start);
}

void weka_read(struct weka_reader *reader, const char *text, size_t bytes)
{
    struct builder *builder = reader->builder;
    struct input_lines lines;
    const char *line;
    size_t line_bytes;
    builder->trace_block = TRACE_BLOCK;
    input_lines_init(&lines, text, bytes);
    if (is_one_document(reader, lines)) {
        read_text(reader, lines.at, (size_t)(lines.end - lines.at), 1);
        return;
    }
    while (!builder_is_full(builder) && input_lines_next(&lines, &line, &line_bytes)) {
        read_text(reader, line, line_bytes, lines.line);
    }
}
