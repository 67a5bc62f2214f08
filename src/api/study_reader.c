#include "api/study_reader.h"

#include "options/yaml_source.h"

#include <stdio.h>
#include <string.h>

struct diag_where study_place(const struct study_reader *reader, yaml_mark_t mark)
{
    return (struct diag_where){reader->study->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

const yaml_node_t *study_node(struct study_reader *reader, int id)
{
    return yaml_document_get_node(&reader->document, id);
}

static const char *keep(struct study_reader *reader, const char *text)
{
    return arena_strndup(&reader->study->texts, text, strlen(text));
}

const char *study_scalar(struct study_reader *reader, const yaml_node_t *node, const char *key, const char *allowed)
{
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length &&
        strlen((const char *)node->data.scalar.value) == node->data.scalar.length) {
        return (const char *)node->data.scalar.value;
    }
    STUDY_ERROR(reader, node, "%s: a %s is given; allowed: %s", key,
                node->type == YAML_SCALAR_NODE     ? "value without text"
                : node->type == YAML_SEQUENCE_NODE ? "list"
                                                   : "map",
                allowed);
    return NULL;
}

const char *study_text(struct study_reader *reader, const yaml_node_t *node, const char *key, const char *allowed)
{
    const char *text = study_scalar(reader, node, key, allowed);
    return text ? keep(reader, text) : NULL;
}

/* ---- maps of options ---- */

/* Bytes before the character that a mark counts to. */
static size_t offset_of(const struct study_reader *reader, size_t index)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    size_t at = reader->bytes >= 3 && memcmp(reader->text, byte_order_mark, 3) == 0 ? 3 : 0;
    for (; at < reader->bytes && index; index--) {
        do {
            at++;
        } while (at < reader->bytes && ((unsigned char)reader->text[at] & 0xC0) == 0x80);
    }
    return at;
}

static bool is_empty(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

struct study_options study_options_of(struct study_reader *reader, const yaml_node_t *node, const char *label)
{
    struct study_options options = {.label = label};
    if (is_empty(node)) {
        return options;
    }
    if (node->type != YAML_MAPPING_NODE) {
        STUDY_ERROR(reader, node, "%s: allowed: a map of options, e.g. {max_num_seqs: 256}", label);
        return options;
    }
    const size_t start = offset_of(reader, node->start_mark.index);
    options.bytes = offset_of(reader, node->end_mark.index);
    options.text = arena_alloc(&reader->study->texts, options.bytes + 1);
    memcpy(options.text, reader->text, options.bytes);
    for (size_t i = 0; i < start; i++) {
        options.text[i] = options.text[i] == '\n' ? '\n' : ' ';
    }
    struct option_sources checked;
    option_sources_init(&checked);
    yaml_source_read(&checked, RANK_FILE, reader->study->file, options.text, options.bytes, reader->diag);
    option_sources_fini(&checked);
    return options;
}

/* ---- members of a map ---- */

static void report_unknown(struct study_reader *reader, const yaml_node_t *key, const char *name,
                           const struct study_member *members, size_t n)
{
    const char *names[STUDY_MAX_MEMBERS];
    char list[400] = "";
    for (size_t i = 0; i < n; i++) {
        names[i] = members[i].key;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = diag_nearest(name, names, n);
    STUDY_ERROR(reader, key, "unknown key '%.*s'%s%s%s; allowed: %s", STUDY_SHOWN, name,
                nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "", list);
}

void study_read_map(struct study_reader *reader, const yaml_node_t *map, const struct study_member *members, size_t n,
                    const char *what, void *into)
{
    if (map->type != YAML_MAPPING_NODE) {
        STUDY_ERROR(reader, map, "%s: allowed: a map", what);
        return;
    }
    bool seen[STUDY_MAX_MEMBERS] = {false};
    const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
    for (; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = study_node(reader, pair->key);
        const char *name = study_scalar(reader, key, what, "names as keys");
        size_t i = 0;
        while (name && i < n && strcmp(members[i].key, name) != 0) {
            i++;
        }
        if (!name) {
            continue;
        }
        if (i == n) {
            report_unknown(reader, key, name, members, n);
        } else if (seen[i]) {
            STUDY_ERROR(reader, key, "duplicate key '%s'", name);
        } else {
            members[i].read(reader, study_node(reader, pair->value), into);
        }
        if (i < n) {
            seen[i] = true;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (members[i].needed && !seen[i]) {
            STUDY_ERROR(reader, map, "%s: '%s' is missing", what, members[i].key);
        }
    }
}

void study_each_named(struct study_reader *reader, const yaml_node_t *map, const char *what,
                      void (*read)(struct study_reader *reader, const char *name, const yaml_node_t *value, void *into),
                      void *into)
{
    if (map->type != YAML_MAPPING_NODE || map->data.mapping.pairs.start == map->data.mapping.pairs.top) {
        STUDY_ERROR(reader, map, "%s: allowed: a map of names, at least one", what);
        return;
    }
    const yaml_node_pair_t *const first = map->data.mapping.pairs.start;
    for (const yaml_node_pair_t *pair = first; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = study_node(reader, pair->key);
        const char *name = study_scalar(reader, key, what, "names as keys");
        bool twice = false;
        for (const yaml_node_pair_t *other = first; name && other < pair; other++) {
            const yaml_node_t *before = study_node(reader, other->key);
            twice |= before->type == YAML_SCALAR_NODE && strcmp((const char *)before->data.scalar.value, name) == 0;
        }
        if (twice) {
            STUDY_ERROR(reader, key, "%s: duplicate name '%.*s'", what, STUDY_SHOWN, name);
        } else if (name) {
            read(reader, keep(reader, name), study_node(reader, pair->value), into);
        }
    }
}
