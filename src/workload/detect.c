#include "workload/detect.h"

#include "workload/input_file.h"

#include <stdio.h>
#include <string.h>

#define SUPPORTED                                                                                                      \
    "supported: session JSONL (lines with input_toks or sub_requests), Weka JSON (conversations with requests and "    \
    "hash_ids) and columnar files (of asim import)"

/* A member that tells a format. Earlier rows win. */
struct sign {
    const char *key;
    enum workload_format format;
    const char *other; /* name of a format that is recognised and not supported */
};

static const struct sign signs[] = {
    {"sub_requests", WORKLOAD_SESSION, NULL},
    {"workflow_id", WORKLOAD_SESSION, NULL},
    {"input_toks", WORKLOAD_SESSION, NULL},
    {"requests", WORKLOAD_WEKA, NULL},
    {"input_length", WORKLOAD_AUTO, "a Mooncake trace"},
    {"schema", WORKLOAD_AUTO, "a Dynamo request trace"},
    {"event", WORKLOAD_AUTO, "a Dynamo request trace"},
    {"num_turns", WORKLOAD_AUTO, "a TRIE trace"},
    {"conversations", WORKLOAD_AUTO, "a ShareGPT file"},
    {"messages", WORKLOAD_AUTO, "a file of messages"},
};

enum { N_SIGNS = sizeof signs / sizeof *signs };

static const struct sign *find_sign(struct jdoc_value object)
{
    const struct sign *best = NULL;
    struct jdoc_iterator members = jdoc_object(object);
    struct jdoc_string key;
    struct jdoc_value value;
    while (jdoc_object_next(&members, &key, &value)) {
        for (const struct sign *sign = signs; sign < signs + N_SIGNS; sign++) {
            const bool is_it = strlen(sign->key) == key.bytes && memcmp(sign->key, key.text, key.bytes) == 0;
            if (is_it && (!best || sign < best)) {
                best = sign;
            }
        }
    }
    return best;
}

/* The first line that parses, or the whole text; *line is 0 for the latter. When nothing does: what is wrong with the
 * first line that is not blank. */
static const char *first_value(struct jdoc_parser *parser, const char *text, size_t bytes, struct jdoc_value *value,
                               uint32_t *line)
{
    struct input_lines lines;
    const char *at;
    size_t n;
    const char *problem = NULL;
    uint32_t problem_line = 0;
    input_lines_init(&lines, text, bytes);
    const char *start = lines.at;
    while (input_lines_next(&lines, &at, &n)) {
        const char *now = jdoc_parse(parser, at, n, value);
        *line = lines.line;
        if (!now) {
            return NULL;
        }
        if (!problem) {
            problem = now;
            problem_line = lines.line;
            if (!jdoc_parse(parser, start, (size_t)(lines.end - start), value)) {
                *line = 0;
                return NULL;
            }
        }
    }
    *line = problem_line;
    return problem ? problem : "it is empty";
}

enum workload_format detect_format(struct jdoc_parser *parser, const char *file, const char *text, size_t bytes,
                                   char reason[DETECT_REASON_BYTES], struct diag *diag)
{
    const struct diag_where where = {.file = file};
    struct jdoc_value value;
    uint32_t line = 0;
    const char *problem = first_value(parser, text, bytes, &value, &line);
    if (problem) {
        diag_error(diag, ASIM_INPUT, (struct diag_where){.file = file, .line = line},
                   "not a JSON document (%s); " SUPPORTED, problem);
        return WORKLOAD_AUTO;
    }
    const struct sign *sign = jdoc_type_of(value) == JDOC_OBJECT ? find_sign(value) : NULL;
    if (!sign) {
        diag_error(diag, ASIM_INPUT, where, "the format is not recognised; " SUPPORTED);
        return WORKLOAD_AUTO;
    }
    if (sign->other) {
        diag_error(diag, ASIM_INPUT, where, "this is %s (it has \"%s\"), which is not supported yet; " SUPPORTED,
                   sign->other, sign->key);
        return WORKLOAD_AUTO;
    }
    if (line) {
        snprintf(reason, DETECT_REASON_BYTES, "line %u has \"%s\"", line, sign->key);
    } else {
        snprintf(reason, DETECT_REASON_BYTES, "the document has \"%s\"", sign->key);
    }
    return sign->format;
}
