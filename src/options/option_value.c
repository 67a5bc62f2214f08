#include "options/option_value.h"

#include "base/diag.h"
#include "base/mem.h"
#include "options/units.h"

#include <inttypes.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_utf8(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string != NULL;
}

/* Makes a text printable in place: no control characters, and nothing but ASCII when it is not UTF-8. */
static void clean(char *text)
{
    const bool ascii_only = !is_utf8(text);
    for (char *c = text; *c; c++) {
        const unsigned char byte = (unsigned char)*c;
        *c = byte < 0x20 || byte == 0x7F || (ascii_only && byte >= 0x80) ? '?' : *c;
    }
}

const char *option_shown(const char *text, char out[OPTION_SHOWN_BYTES])
{
    size_t length = OPTION_SHOWN_BYTES - 4; /* "..." and the end */
    const bool cut = strlen(text) > length;
    while (cut && length && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--; /* never inside a character */
    }
    snprintf(out, OPTION_SHOWN_BYTES, "%.*s%s", (int)length, text, cut ? "..." : "");
    clean(out);
    return out;
}

/* What a value of the type looks like, for messages. */
static const struct {
    const char *noun;
    const char *allowed;
} type_texts[] = {
    [OPTION_TEXT] = {"text", "any text but the empty one"},
    [OPTION_PATH] = {"a path", "any path"},
    [OPTION_CHOICE] = {"a known name", NULL},
    [OPTION_SWITCH] = {"a switch", "on, off, true, false"},
    [OPTION_COUNT] = {"a count", "a whole number, e.g. 8192 or 1e6"},
    [OPTION_DURATION] = {"a duration", "NUMBER with ps, ns, us, ms, s, min or h, e.g. 100ms"},
    [OPTION_RATE] = {"a rate", "NUMBER/s, NUMBER/min, NUMBER/h, e.g. 0.5/s"},
    [OPTION_BANDWIDTH] = {"a bandwidth", "NUMBER with B/s, kB/s, MB/s, GB/s, TB/s, KiB/s, MiB/s, GiB/s or TiB/s, e.g. "
                                         "50GB/s"},
    [OPTION_BYTES] = {"a size", "NUMBER with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, e.g. 200GiB"},
    [OPTION_FRACTION] = {"a fraction", "NUMBER or NUMBER%, e.g. 0.9 or 90%"},
    [OPTION_NUMBER] = {"a number", "a decimal number, e.g. 1.5"},
    [OPTION_DISTRIBUTION] = {"a distribution", NULL},
};

static void say(char message[OPTION_MESSAGE_BYTES], const char *text, const char *wrong, const char *noun,
                const char *allowed)
{
    char shown[OPTION_SHOWN_BYTES];
    snprintf(message, OPTION_MESSAGE_BYTES, "'%s' %s%s; allowed: %s", option_shown(text, shown), wrong, noun, allowed);
}

static bool fail_units(const struct option_row *row, const char *text, enum units_result result,
                       char message[OPTION_MESSAGE_BYTES])
{
    const char *noun = type_texts[row->type].noun;
    const char *allowed = type_texts[row->type].allowed;
    switch (result) {
    case UNITS_OK:
        return true;
    case UNITS_MALFORMED:
        say(message, text, "is not ", noun, allowed);
        break;
    case UNITS_NO_UNIT:
        say(message, text, "needs a unit", "", allowed);
        break;
    case UNITS_TOO_LARGE:
        say(message, text, "is too large", "", row->type == OPTION_DURATION ? "up to 100 days" : row->doc.allowed);
        break;
    }
    return false;
}

static bool in_range(const struct option_row *row, const char *text, double value, char message[OPTION_MESSAGE_BYTES])
{
    const bool whole_power = !row->power_of_two || (((uint64_t)value & ((uint64_t)value - 1)) == 0);
    if (value >= row->min && value <= row->max && !(row->above_min && value == row->min) && whole_power) {
        return true;
    }
    say(message, text, "is out of range", "", row->doc.allowed);
    return false;
}

static bool parse_name(const struct option_row *row, const char *text, struct option_value *out,
                       char message[OPTION_MESSAGE_BYTES])
{
    for (uint32_t i = 0; row->names[i]; i++) {
        if (strcmp(row->names[i], text) == 0) {
            out->choice = i;
            return true;
        }
    }
    size_t n = 0;
    while (row->names[n]) {
        n++;
    }
    const char *nearest = diag_nearest(text, row->names, n);
    char allowed[128];
    snprintf(allowed, sizeof allowed, "%s%s%s%s", row->doc.allowed, nearest ? " (did you mean " : "",
             nearest ? nearest : "", nearest ? "?)" : "");
    say(message, text, "is not ", "one of the names", allowed);
    return false;
}

static bool parse_text(const struct option_row *row, const char *text, struct option_value *out,
                       char message[OPTION_MESSAGE_BYTES])
{
    if (!is_utf8(text)) {
        say(message, text, "is not ", "UTF-8", "text in UTF-8");
        return false;
    }
    out->text = text;
    const bool good = !row->check || row->check(text, message, OPTION_MESSAGE_BYTES);
    if (!good) {
        clean(message); /* it quotes the text */
    }
    return good;
}

static bool parse_switch(const struct option_row *row, const char *text, struct option_value *out,
                         char message[OPTION_MESSAGE_BYTES])
{
    out->on = strcmp(text, "on") == 0 || strcmp(text, "true") == 0;
    const bool good = out->on || strcmp(text, "off") == 0 || strcmp(text, "false") == 0;
    return good || fail_units(row, text, UNITS_MALFORMED, message);
}

static bool parse_count(const struct option_row *row, const char *text, struct option_value *out,
                        char message[OPTION_MESSAGE_BYTES])
{
    return fail_units(row, text, units_count(text, &out->count), message) &&
           in_range(row, text, (double)out->count, message);
}

static bool parse_number(const struct option_row *row, const char *text, struct option_value *out,
                         char message[OPTION_MESSAGE_BYTES])
{
    enum units_result result = UNITS_MALFORMED;
    switch (row->type) {
    case OPTION_RATE:
        result = units_rate(text, &out->number);
        break;
    case OPTION_BANDWIDTH:
        result = units_bandwidth(text, &out->number);
        break;
    case OPTION_BYTES:
        result = units_bytes(text, &out->number);
        break;
    case OPTION_FRACTION:
        result = units_fraction(text, &out->number);
        break;
    default:
        result = units_number(text, &out->number);
        break;
    }
    return fail_units(row, text, result, message) && in_range(row, text, out->number, message);
}

static bool parse_in_c_locale(const struct option_row *row, const char *text, struct option_value *out,
                              char message[OPTION_MESSAGE_BYTES])
{
    switch (row->type) {
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_DISTRIBUTION:
        return parse_text(row, text, out, message);
    case OPTION_CHOICE:
        return parse_name(row, text, out, message);
    case OPTION_SWITCH:
        return parse_switch(row, text, out, message);
    case OPTION_COUNT:
        return parse_count(row, text, out, message);
    case OPTION_DURATION:
        return fail_units(row, text, units_duration(text, &out->duration), message) &&
               in_range(row, text, (double)out->duration, message);
    case OPTION_RATE:
    case OPTION_BANDWIDTH:
    case OPTION_BYTES:
    case OPTION_FRACTION:
    case OPTION_NUMBER:
        return parse_number(row, text, out, message);
    }
    return false;
}

/* Numbers are read and written with a decimal point whatever the locale of the process that uses the library. */
static locale_t enter_c_locale(locale_t *created)
{
    *created = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    return uselocale(*created);
}

static void leave_c_locale(locale_t created, locale_t previous)
{
    uselocale(previous);
    freelocale(created);
}

bool option_value_parse(const struct option_row *row, const char *text, struct option_value *out,
                        char message[OPTION_MESSAGE_BYTES])
{
    out->type = row->type;
    if (text[0] == '\0') {
        const char *allowed = row->doc.allowed ? row->doc.allowed : type_texts[row->type].allowed;
        say(message, text, "is empty", "", allowed);
        return false;
    }
    locale_t created;
    const locale_t previous = enter_c_locale(&created);
    const bool good = parse_in_c_locale(row, text, out, message);
    leave_c_locale(created, previous);
    return good;
}

void option_value_store(const struct option_row *row, const struct option_value *value, struct settings *settings)
{
    void *field = (char *)settings + row->offset;
    switch (row->type) {
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_DISTRIBUTION:
        *(const char **)field = value->text;
        break;
    case OPTION_CHOICE:
        *(uint32_t *)field = value->choice;
        break;
    case OPTION_SWITCH:
        *(bool *)field = value->on;
        break;
    case OPTION_COUNT:
        *(uint64_t *)field = value->count;
        break;
    case OPTION_DURATION:
        *(simtime *)field = value->duration;
        break;
    case OPTION_RATE:
    case OPTION_BANDWIDTH:
    case OPTION_BYTES:
    case OPTION_FRACTION:
    case OPTION_NUMBER:
        *(double *)field = value->number;
        break;
    }
}

void option_value_unset(const struct option_row *row, struct settings *settings)
{
    struct option_value value = {.type = row->type};
    switch (row->type) {
    case OPTION_COUNT:
        value.count = SETTING_UNSET_COUNT;
        break;
    case OPTION_DURATION:
        value.duration = SETTING_UNSET_TIME;
        break;
    case OPTION_RATE:
    case OPTION_BANDWIDTH:
    case OPTION_BYTES:
    case OPTION_FRACTION:
    case OPTION_NUMBER:
        value.number = SETTING_UNSET_NUMBER;
        break;
    default:
        break; /* text: NULL; names and switches are never unset once resolved */
    }
    option_value_store(row, &value, settings);
}

static bool format_in_c_locale(const struct option_row *row, const void *field, char out[UNITS_TEXT_BYTES])
{
    const double number = row->type >= OPTION_RATE && row->type <= OPTION_NUMBER ? *(const double *)field : 0.0;
    switch (row->type) {
    case OPTION_COUNT:
        snprintf(out, UNITS_TEXT_BYTES, "%" PRIu64, *(const uint64_t *)field);
        return *(const uint64_t *)field != SETTING_UNSET_COUNT;
    case OPTION_DURATION:
        units_format_duration(*(const simtime *)field, out);
        return *(const simtime *)field != SETTING_UNSET_TIME;
    case OPTION_RATE:
        units_format_rate(number, out);
        break;
    case OPTION_BANDWIDTH:
        units_format_bandwidth(number, out);
        break;
    case OPTION_BYTES:
        units_format_bytes(number, out);
        break;
    default:
        units_format_number(number, out);
        break;
    }
    return number >= 0.0;
}

char *option_value_format(const struct option_row *row, const struct settings *settings)
{
    const void *field = (const char *)settings + row->offset;
    switch (row->type) {
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_DISTRIBUTION: {
        const char *text = *(const char *const *)field;
        return text ? mem_strdup(text) : NULL;
    }
    case OPTION_CHOICE:
        return mem_strdup(row->names[*(const uint32_t *)field]);
    case OPTION_SWITCH:
        return mem_strdup(*(const bool *)field ? "on" : "off");
    default:
        break;
    }
    char out[UNITS_TEXT_BYTES];
    locale_t created;
    const locale_t previous = enter_c_locale(&created);
    const bool given = format_in_c_locale(row, field, out);
    leave_c_locale(created, previous);
    return given ? mem_strdup(out) : NULL;
}
