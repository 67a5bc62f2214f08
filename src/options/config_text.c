#include "options/config_text.h"

#include "options/option_lookup.h"
#include "options/option_value.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { COMMENT_COLUMN = 44, EMITTED_BYTES = 8192 };

static bool has_control_character(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            return true;
        }
    }
    return false;
}

/* Style of a scalar: plain unless YAML readers with types of their own would take the text for no value. */
static yaml_scalar_style_t style_of(const char *text)
{
    if (has_control_character(text) || strcmp(text, "~") == 0 || strcmp(text, "null") == 0) {
        return YAML_DOUBLE_QUOTED_SCALAR_STYLE; /* the style that stays on one line */
    }
    return YAML_PLAIN_SCALAR_STYLE; /* libyaml quotes it where it must */
}

static int append(void *data, unsigned char *buffer, size_t size)
{
    return fwrite(buffer, 1, size, data) == size;
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text)
{
    yaml_event_t event;
    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
                                        style_of(text)) &&
           yaml_emitter_emit(emitter, &event);
}

/* Writes "key: text" and the end of the line, quoted and escaped as YAML wants. */
static void write_pair(FILE *out, const char *key, const char *text)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    bool good = yaml_emitter_initialize(&emitter);
    yaml_emitter_set_output(&emitter, append, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    good =
        good && yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(&emitter, &event);
    good = good && yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
           yaml_emitter_emit(&emitter, &event);
    good = good && yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) &&
           yaml_emitter_emit(&emitter, &event);
    good = good && emit_scalar(&emitter, key) && emit_scalar(&emitter, text);
    good = good && yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(&emitter, &event);
    good = good && yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&emitter, &event);
    good = good && yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&emitter, &event);
    assert(good);
    (void)good;
    yaml_emitter_delete(&emitter);
}

/* The line without its end, owned by the caller. */
static char *pair_line(const char *key, const char *text)
{
    char *line = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&line, &bytes);
    write_pair(memory, key, text);
    fclose(memory);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* Writes "router:" when the path enters another group, and returns the key below it. */
static const char *enter_group(FILE *out, const char *path, char group[OPTION_NAME_BYTES])
{
    const char *dot = strrchr(path, '.');
    const size_t length = dot ? (size_t)(dot - path) : 0;
    if (dot && (strncmp(group, path, length) != 0 || group[length] != '\0')) {
        fprintf(out, "%.*s:\n", (int)length, path);
    }
    memcpy(group, path, length);
    group[length] = '\0';
    return dot ? dot + 1 : path;
}

static void write_row(FILE *out, const struct resolved *resolved, size_t row, bool origin,
                      char group[OPTION_NAME_BYTES])
{
    const struct option_row *option = option_at(row);
    char *text = option_value_format(option, &resolved->settings);
    if (text) {
        const char *key = enter_group(out, option->doc.path, group);
        char *line = pair_line(key, text);
        const char *indent = group[0] ? "  " : "";
        if (origin) {
            fprintf(out, "%s%-*s # %s\n", indent, COMMENT_COLUMN - (int)strlen(indent), line, resolved->origins[row]);
        } else {
            fprintf(out, "%s%s\n", indent, line);
        }
        free(line);
        mem_free(text);
    } else if (origin) {
        char name[OPTION_NAME_BYTES];
        snprintf(name, sizeof name, "# %s: unset", option->doc.path);
        fprintf(out, "%-*s # %s\n", COMMENT_COLUMN, name, resolved->origins[row]);
    }
}

char *config_text(const struct resolved *resolved, bool origin)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    char group[OPTION_NAME_BYTES] = "";
    const char *topic = NULL;
    for (size_t row = 0; row < option_count(); row++) {
        if (!topic || strcmp(topic, option_at(row)->doc.topic) != 0) {
            fprintf(out, "%s# %s\n", topic ? "\n" : "", option_at(row)->doc.topic);
            topic = option_at(row)->doc.topic;
        }
        write_row(out, resolved, row, origin, group);
    }
    fclose(out);
    return text;
}
