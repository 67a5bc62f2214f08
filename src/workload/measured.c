#include "workload/measured.h"

#include "base/mem.h"
#include "workload/input_file.h"
#include "workload/json_lines.h"

#include <string.h>

/* What a line must hold; other members are measurements of no use here. */
enum member { INPUT_TOKS, OUTPUT_TOKS, ARRIVAL, QUEUED, SCHEDULED, FIRST_TOKEN, LAST_TOKEN, MEMBERS };

static const char *const member_names[MEMBERS] = {"input_toks",   "output_toks",    "arrival_time", "queued_ts",
                                                  "scheduled_ts", "first_token_ts", "last_token_ts"};

void measured_fini(struct measured_run *run)
{
    mem_free(run->requests);
    *run = (struct measured_run){0};
}

static bool read_count(struct jdoc_value value, uint32_t *out)
{
    int64_t count;
    if (!jdoc_integer(value, &count) || count < 0 || count > INT32_MAX) {
        return false;
    }
    *out = (uint32_t)count;
    return true;
}

/* Stores one member; false when it has the wrong type or is out of range. */
static bool store(struct measured_request *request, enum member member, struct jdoc_value value)
{
    switch (member) {
    case INPUT_TOKS:
        return read_count(value, &request->input_toks);
    case OUTPUT_TOKS:
        return read_count(value, &request->output_toks);
    case ARRIVAL:
        return jdoc_real(value, &request->arrival_s);
    case QUEUED:
        return jdoc_real(value, &request->queued_s);
    case SCHEDULED:
        return jdoc_real(value, &request->scheduled_s);
    case FIRST_TOKEN:
        return jdoc_real(value, &request->first_token_s);
    default:
        return jdoc_real(value, &request->last_token_s);
    }
}

static enum member find_member(struct jdoc_string key)
{
    enum member member = 0;
    while (member < MEMBERS &&
           (strlen(member_names[member]) != key.bytes || memcmp(member_names[member], key.text, key.bytes) != 0)) {
        member++;
    }
    return member;
}

static bool read_members(struct jdoc_value root, struct measured_request *out, struct diag_where where,
                         struct diag *diag)
{
    if (jdoc_type_of(root) != JDOC_OBJECT) {
        diag_error(diag, ASIM_INPUT, where, "a JSON object is needed on every line");
        return false;
    }
    unsigned seen = 0;
    struct jdoc_iterator iterator = jdoc_object(root);
    struct jdoc_string key;
    struct jdoc_value value;
    while (jdoc_object_next(&iterator, &key, &value)) {
        const enum member member = find_member(key);
        if (member == MEMBERS) {
            continue;
        }
        if (!store(out, member, value)) {
            diag_error(diag, ASIM_INPUT, where, "%s: allowed: %s", member_names[member],
                       member <= OUTPUT_TOKS ? "an integer from 0 to 2147483647" : "a number of seconds");
            return false;
        }
        seen |= 1U << member;
    }
    for (enum member member = 0; member < MEMBERS; member++) {
        if (!(seen >> member & 1)) {
            diag_error(diag, ASIM_INPUT, where, "%s is missing", member_names[member]);
            return false;
        }
    }
    return true;
}

static bool read_request(struct jdoc_parser *parser, const char *text, size_t bytes, struct measured_request *out,
                         struct diag_where where, struct diag *diag)
{
    struct jdoc_value root;
    const char *problem = jdoc_parse(parser, text, bytes, &root);
    if (problem) {
        diag_error(diag, ASIM_INPUT, where, "not JSON: %s", problem);
        return false;
    }
    *out = (struct measured_request){.line = where.line};
    if (!read_members(root, out, where, diag)) {
        return false;
    }
    if (!(out->queued_s <= out->scheduled_s && out->scheduled_s <= out->first_token_s &&
          out->first_token_s <= out->last_token_s)) {
        diag_error(diag, ASIM_INPUT, where,
                   "times must not decrease: queued_ts <= scheduled_ts <= first_token_ts <= last_token_ts");
        return false;
    }
    return true;
}

static void recover_arrivals(struct measured_run *run)
{
    double offset = 0.0;
    for (uint64_t i = 0; i < run->n; i++) {
        const double difference = run->requests[i].queued_s - run->requests[i].arrival_s;
        offset = i == 0 || difference < offset ? difference : offset;
    }
    for (uint64_t i = 0; i < run->n; i++) {
        run->requests[i].arrival_s += offset;
    }
}

/* The text is padded. */
static asim_status parse_padded(const struct input_text *input, const char *name, struct measured_run *out,
                                struct diag *diag)
{
    *out = (struct measured_run){0};
    struct jdoc_parser *parser = jdoc_parser_create();
    struct input_lines lines;
    input_lines_init(&lines, input->text, input->bytes);
    size_t capacity = 0;
    bool good = true;
    const char *text;
    size_t bytes;
    while (input_lines_next(&lines, &text, &bytes)) {
        const struct diag_where where = {.file = name, .line = lines.line};
        out->requests = mem_grow(out->requests, &capacity, out->n + 1, sizeof *out->requests);
        good = read_request(parser, text, bytes, &out->requests[out->n], where, diag) && good;
        out->n++;
    }
    jdoc_parser_destroy(parser);
    if (good && out->n == 0) {
        diag_error(diag, ASIM_INPUT, (struct diag_where){.file = name}, "holds no requests");
        good = false;
    }
    if (!good) {
        measured_fini(out);
        return ASIM_INPUT;
    }
    recover_arrivals(out);
    return ASIM_OK;
}

asim_status measured_read(const char *path, struct measured_run *out, struct diag *diag)
{
    *out = (struct measured_run){0};
    struct input_text input;
    const asim_status status = input_file_read(path, &input, diag);
    if (status != ASIM_OK) {
        return status;
    }
    const asim_status parsed = parse_padded(&input, path, out, diag);
    input_text_fini(&input);
    return parsed;
}

asim_status measured_parse(const char *text, size_t bytes, const char *name, struct measured_run *out,
                           struct diag *diag)
{
    struct input_text input = input_text_copy(text, bytes);
    const asim_status parsed = parse_padded(&input, name, out, diag);
    input_text_fini(&input);
    return parsed;
}
