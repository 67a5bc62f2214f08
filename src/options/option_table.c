#include "options/option_table.h"

#include "base/diag.h"
#include "base/mem.h"
#include "options/gap.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What users read as the type. */
#define TYPE_TEXT         "text"
#define TYPE_PATH         "path"
#define TYPE_NAME         "name"
#define TYPE_CHOICE       "name"
#define TYPE_SWITCH       "on|off"
#define TYPE_COUNT        "count"
#define TYPE_DURATION     "duration"
#define TYPE_RATE         "rate"
#define TYPE_BANDWIDTH    "bandwidth"
#define TYPE_FRACTION     "fraction"
#define TYPE_NUMBER       "number"
#define TYPE_DISTRIBUTION "distribution"

#define OPTION(TOPIC, TYPE, PATH, FLAG, FIELD)                                                                         \
    .type = OPTION_##TYPE, .offset = offsetof(struct settings, FIELD), .doc.path = PATH, .doc.flag = FLAG,             \
    .doc.type = TYPE_##TYPE, .doc.topic = TOPIC, .doc.is_switch = OPTION_##TYPE == OPTION_SWITCH

#define DEFAULT(TEXT) .doc.default_text = TEXT
#define HELP(TEXT)    .doc.help = TEXT

/* Ranges and names, each the check and its text at once. */
#define RANGE(LOW, HIGH)       .min = LOW, .max = HIGH, .doc.allowed = #LOW " to " #HIGH
#define AT_LEAST(LOW)          .min = LOW, .max = INFINITY, .doc.allowed = ">= " #LOW
#define ABOVE(LOW)             .min = LOW, .max = INFINITY, .above_min = true, .doc.allowed = "> " #LOW
#define ABOVE_UP_TO(LOW, HIGH) .min = LOW, .max = HIGH, .above_min = true, .doc.allowed = "> " #LOW " and <= " #HIGH
#define POWER_OF_TWO(LOW, HIGH)                                                                                        \
    .min = LOW, .max = HIGH, .power_of_two = true, .doc.allowed = "a power of two, " #LOW " to " #HIGH
#define LIST(...)                                                                                                      \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }
#define NAMES1(A)             .names = LIST(A), .doc.allowed = A
#define NAMES2(A, B)          .names = LIST(A, B), .doc.allowed = A "|" B
#define NAMES3(A, B, C)       .names = LIST(A, B, C), .doc.allowed = A "|" B "|" C
#define NAMES5(A, B, C, D, E) .names = LIST(A, B, C, D, E), .doc.allowed = A "|" B "|" C "|" D "|" E

static bool check_missing_gap(const char *text, char *message, size_t message_bytes)
{
    struct gap_rule rule;
    const bool good = gap_parse_missing(text, &rule, message, message_bytes);
    gap_rule_fini(&rule);
    return good;
}

static bool check_tool_gap(const char *text, char *message, size_t message_bytes)
{
    struct gap_rule rule;
    const bool good = gap_parse_tool(text, &rule, message, message_bytes);
    gap_rule_fini(&rule);
    return good;
}

static bool check_compute(const char *text, char *message, size_t message_bytes)
{
    static const char profile[] = "profile:";
    if (strcmp(text, "tile") == 0 || (strncmp(text, profile, strlen(profile)) == 0 && text[strlen(profile)] != '\0')) {
        return true;
    }
    snprintf(message, message_bytes, "'%s' is not a compute model; allowed: tile, profile:DIR", text);
    return false;
}

static const struct option_topic topics[] = {
    {"workload", "what runs: programs, their turns, gaps and arrivals"},
    {"hardware", "the model, the accelerator and how step times are computed"},
    {"engine", "the serving engine of each instance, with vLLM's names"},
    {"cluster", "instances, routing, and how the simulation itself runs"},
    {"output", "what is written and shown"},
};

static const struct option_row rows[] = {
#include "options/option_rows.inc"
};

enum { ROWS = sizeof rows / sizeof rows[0], TOPICS = sizeof topics / sizeof topics[0] };

size_t option_count(void)
{
    return ROWS;
}

const struct option_row *option_at(size_t index)
{
    return index < ROWS ? &rows[index] : NULL;
}

const struct option_topic *option_topic_at(size_t index)
{
    return index < TOPICS ? &topics[index] : NULL;
}

size_t option_find_path(const char *path)
{
    size_t i = 0;
    while (i < ROWS && strcmp(rows[i].doc.path, path) != 0) {
        i++;
    }
    return i;
}

size_t option_find_flag(const char *flag)
{
    size_t i = 0;
    while (i < ROWS && strcmp(rows[i].doc.flag, flag) != 0) {
        i++;
    }
    return i;
}

void option_environment_name(const struct option_row *row, char out[OPTION_NAME_BYTES])
{
    snprintf(out, OPTION_NAME_BYTES, "ASIM_%s", row->doc.path);
    for (char *c = out; *c; c++) {
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    }
}

size_t option_find_environment(const char *variable)
{
    char name[OPTION_NAME_BYTES];
    size_t i = 0;
    for (; i < ROWS; i++) {
        option_environment_name(&rows[i], name);
        if (strcmp(name, variable) == 0) {
            break;
        }
    }
    return i;
}

bool option_is_group(const char *path)
{
    const size_t length = strlen(path);
    for (size_t i = 0; i < ROWS; i++) {
        if (strncmp(rows[i].doc.path, path, length) == 0 && rows[i].doc.path[length] == '.') {
            return true;
        }
    }
    return false;
}

const char *option_nearest_path(const char *path)
{
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        names[i] = rows[i].doc.path;
    }
    return diag_nearest(path, names, ROWS);
}

const char *option_nearest_flag(const char *flag)
{
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        names[i] = rows[i].doc.flag;
    }
    return diag_nearest(flag, names, ROWS);
}

const char *option_nearest_environment(const char *variable, char out[OPTION_NAME_BYTES])
{
    char storage[ROWS][OPTION_NAME_BYTES];
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        option_environment_name(&rows[i], storage[i]);
        names[i] = storage[i];
    }
    const char *nearest = diag_nearest(variable, names, ROWS);
    return nearest ? strcpy(out, nearest) : NULL;
}
