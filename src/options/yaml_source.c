#include "options/yaml_source.h"

#include "base/mem.h"
#include "options/option_lookup.h"
#include "options/option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { PATH_BYTES = 256, MAX_FILE_BYTES = 16 << 20 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    struct option_sources *sources;
    struct diag *diag;
    const char *name;
    uint32_t rank;
    uint32_t *first_line; /* by row: where it was first given, 0 = not yet */
};

static struct diag_where where_of(const struct reader *reader, yaml_mark_t mark)
{
    return (struct diag_where){reader->name, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static struct diag_where here(const struct reader *reader)
{
    return where_of(reader, reader->event.start_mark);
}

#define READER_ERROR(reader, ...) diag_error((reader)->diag, ASIM_USAGE, here(reader), __VA_ARGS__)

static void report_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "cannot be read";
    if (parser->error == YAML_READER_ERROR) {
        diag_error(reader->diag, ASIM_USAGE, (struct diag_where){.file = reader->name},
                   "not text in UTF-8: %s at byte %zu", problem, parser->problem_offset);
        return;
    }
    diag_error(reader->diag, ASIM_USAGE, where_of(reader, parser->problem_mark), "YAML: %s%s%s", problem,
               parser->context ? " " : "", parser->context ? parser->context : "");
}

/* Moves to the next event; false when the text is no YAML from there on. */
static bool advance(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->parser, &reader->event)) {
        return true;
    }
    report_syntax(reader);
    return false;
}

/* Moves past the current node, however deep; aliases inside are not looked at. */
static bool skip_node(struct reader *reader)
{
    size_t depth = 0;
    do {
        const yaml_event_type_t type = reader->event.type;
        depth += type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
        depth -= type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
        if (!advance(reader)) {
            return false;
        }
    } while (depth > 0);
    return true;
}

/* Reports what we do not take of YAML in the current node. */
static bool refuse_extras(struct reader *reader)
{
    const yaml_event_t *event = &reader->event;
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT) {
        anchor = event->data.alias.anchor;
    } else if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    }
    char shown[OPTION_SHOWN_BYTES];
    if (anchor) {
        READER_ERROR(reader, "anchors and aliases ('%s') are not supported; write the value out",
                     option_shown((const char *)anchor, shown));
    } else if (tag) {
        READER_ERROR(reader, "tags ('%s') are not supported; leave it out, the option decides the type",
                     option_shown((const char *)tag, shown));
    }
    return anchor || tag;
}

static bool is_null_scalar(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* The value of an option: the current node must be a scalar. */
static void read_value(struct reader *reader, size_t row, uint32_t line)
{
    const char *path = option_at(row)->doc.path;
    const yaml_event_t *event = &reader->event;
    if (refuse_extras(reader)) {
        return;
    }
    if (event->type != YAML_SCALAR_EVENT) {
        READER_ERROR(reader, "%s: a %s is given; allowed: one value (%s)", path,
                     event->type == YAML_SEQUENCE_START_EVENT ? "list" : "map", option_at(row)->doc.type);
        return;
    }
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length) {
        READER_ERROR(reader, "%s: the value holds a NUL character", path);
        return;
    }
    if (is_null_scalar(event)) {
        READER_ERROR(reader, "%s: has no value; leave the key out to leave the option unset", path);
        return;
    }
    char *origin = mem_alloc(strlen(reader->name) + 16);
    sprintf(origin, "%s:%" PRIu32, reader->name, line);
    const struct option_source from = {.rank = reader->rank, .where = here(reader), .name = path, .origin = origin};
    option_sources_add(reader->sources, row, text, &from, reader->diag);
    mem_free(origin);
}

static bool read_map(struct reader *reader, const char *prefix);

static void report_unknown(struct reader *reader, const char *path, struct diag_where where)
{
    char shown[OPTION_SHOWN_BYTES];
    char nearest[OPTION_NAME_BYTES];
    const bool kept = reader->diag->n_entries < DIAG_MAX_ENTRIES;
    if (kept && option_nearest(path, NAMING_PATH, nearest)) {
        diag_error(reader->diag, ASIM_USAGE, where, "unknown key '%s'; did you mean '%s'?", option_shown(path, shown),
                   nearest);
        return;
    }
    char *group = kept ? option_group_list(path) : NULL;
    diag_error(reader->diag, ASIM_USAGE, where, "unknown key '%s'; allowed: %s", option_shown(path, shown),
               group ? group : "the options that `asim help workload|hardware|engine|cluster|output` list");
    mem_free(group);
}

/* The node after the key `path`, which stands at `where`; ends behind the node. */
static bool read_entry(struct reader *reader, const char *path, struct diag_where where)
{
    const size_t row = option_find(path, NAMING_PATH);
    if (row < option_count()) {
        if (reader->first_line[row]) {
            diag_error(reader->diag, ASIM_USAGE, where, "duplicate key '%s'; first given at line %" PRIu32, path,
                       reader->first_line[row]);
            return skip_node(reader);
        }
        reader->first_line[row] = where.line;
        read_value(reader, row, where.line);
        return skip_node(reader);
    }
    if (!option_is_group(path)) {
        report_unknown(reader, path, where);
        return skip_node(reader);
    }
    if (refuse_extras(reader)) {
        return skip_node(reader);
    }
    if (reader->event.type != YAML_MAPPING_START_EVENT) {
        READER_ERROR(reader, "%s: a %s is given; allowed: a map of the options of this group", path,
                     reader->event.type == YAML_SCALAR_EVENT ? "value" : "list");
        return skip_node(reader);
    }
    return read_map(reader, path);
}

/* Joins a key to the path of its map; false, with an error, when the key cannot be part of a path. */
static bool join_path(struct reader *reader, const char *prefix, char path[PATH_BYTES])
{
    if (refuse_extras(reader)) {
        return false;
    }
    if (reader->event.type != YAML_SCALAR_EVENT) {
        READER_ERROR(reader, "a key must be the name of an option");
        return false;
    }
    const char *key = (const char *)reader->event.data.scalar.value;
    char shown[OPTION_SHOWN_BYTES];
    if (strcmp(key, "<<") == 0) {
        READER_ERROR(reader, "merge keys ('<<') are not supported; write the values out");
        return false;
    }
    const int length = snprintf(path, PATH_BYTES, "%s%s%s", prefix, prefix[0] ? "." : "", key);
    if (length >= PATH_BYTES || strlen(key) != reader->event.data.scalar.length) {
        READER_ERROR(reader, "unknown key '%s'", option_shown(key, shown));
        return false;
    }
    return true;
}

/* From the start of a map to behind its end. It only descends into groups of the table, so depth is bounded. */
static bool read_map(struct reader *reader, const char *prefix)
{
    if (!advance(reader)) {
        return false;
    }
    while (reader->event.type != YAML_MAPPING_END_EVENT) {
        char path[PATH_BYTES];
        const struct diag_where where = here(reader);
        const bool good = join_path(reader, prefix, path);
        if (!skip_node(reader) || !(good ? read_entry(reader, path, where) : skip_node(reader))) {
            return false;
        }
    }
    return advance(reader);
}

/* The current event is the first after the start of the stream. */
static void read_document(struct reader *reader)
{
    if (reader->event.type == YAML_STREAM_END_EVENT) {
        return; /* nothing but comments */
    }
    if (!advance(reader)) { /* past the start of the document */
        return;
    }
    if (refuse_extras(reader)) {
        return;
    }
    const bool empty = reader->event.type == YAML_SCALAR_EVENT && is_null_scalar(&reader->event);
    if (!empty && reader->event.type != YAML_MAPPING_START_EVENT) {
        READER_ERROR(reader, "a %s is given; allowed: a map of options, e.g. 'max_num_seqs: 256'",
                     reader->event.type == YAML_SCALAR_EVENT ? "value" : "list");
        return;
    }
    if (!(empty ? skip_node(reader) : read_map(reader, "")) || !advance(reader)) {
        return;
    }
    if (reader->event.type == YAML_DOCUMENT_START_EVENT) {
        READER_ERROR(reader, "a second document begins here; allowed: one");
    }
}

asim_status yaml_source_read(struct option_sources *sources, uint32_t rank, const char *name, const char *text,
                             size_t bytes, struct diag *diag)
{
    struct reader reader = {.sources = sources, .diag = diag, .name = name, .rank = rank};
    const size_t errors_before = diag->n_errors;
    if (!yaml_parser_initialize(&reader.parser)) {
        return diag_error(diag, ASIM_INTERNAL, (struct diag_where){.file = name}, "libyaml cannot be started");
    }
    reader.first_line = mem_zalloc(option_count() * sizeof *reader.first_line);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, bytes);
    if (advance(&reader) && advance(&reader)) { /* past the start of the stream */
        read_document(&reader);
    }
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    mem_free(reader.first_line);
    return diag->n_errors == errors_before ? ASIM_OK : ASIM_USAGE;
}

char *yaml_file_read(const char *path, size_t *bytes, struct diag *diag)
{
    const struct diag_where where = {.file = path};
    FILE *file = fopen(path, "rb");
    if (!file) {
        diag_error(diag, ASIM_USAGE, where, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    char *text = NULL;
    size_t capacity = 0;
    size_t got;
    *bytes = 0;
    do {
        text = mem_grow(text, &capacity, *bytes + 65536, 1);
        got = fread(text + *bytes, 1, 65536, file);
        *bytes += got;
    } while (got > 0 && *bytes <= MAX_FILE_BYTES);
    const int error = ferror(file) ? errno : 0;
    fclose(file);
    if (error) {
        diag_error(diag, ASIM_USAGE, where, "cannot be read: %s", strerror(error));
    } else if (*bytes > MAX_FILE_BYTES) {
        diag_error(diag, ASIM_USAGE, where, "is larger than %d MiB, too large for a configuration",
                   MAX_FILE_BYTES >> 20);
    } else {
        return text;
    }
    mem_free(text);
    return NULL;
}

asim_status yaml_source_load(struct option_sources *sources, uint32_t rank, const char *path, struct diag *diag)
{
    size_t bytes;
    char *text = yaml_file_read(path, &bytes, diag);
    const asim_status status = text ? yaml_source_read(sources, rank, path, text, bytes, diag) : ASIM_USAGE;
    mem_free(text);
    return status;
}
