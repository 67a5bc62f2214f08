#include "workload/fields.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 64 };

/* A short text of a value, for messages. */
static const char *show(struct jdoc_value value, char out[SHOWN_BYTES])
{
    int64_t integer;
    double real;
    struct jdoc_string text;
    switch (jdoc_type_of(value)) {
    case JDOC_INTEGER:
        if (jdoc_integer(value, &integer)) {
            snprintf(out, SHOWN_BYTES, "%" PRId64, integer);
            return out;
        }
        return "a number beyond 64 bits";
    case JDOC_REAL:
        jdoc_real(value, &real);
        snprintf(out, SHOWN_BYTES, "%.17g", real);
        return out;
    case JDOC_STRING:
        jdoc_text(value, &text);
        snprintf(out, SHOWN_BYTES, text.bytes > 40 ? "\"%.*s...\"" : "\"%.*s\"", text.bytes > 40 ? 40 : (int)text.bytes,
                 text.text);
        return out;
    case JDOC_BOOL:
        return "a truth value";
    case JDOC_ARRAY:
        return "an array";
    case JDOC_OBJECT:
        return "an object";
    case JDOC_NULL:
        break;
    }
    return "null";
}

/* Row of the table with this name; n when there is none. The text of a key ends with a NUL. */
static size_t find_field(const struct field *table, size_t n, struct jdoc_string key)
{
    for (size_t i = 0; i < n; i++) {
        const char *name = table[i].name;
        if (name[0] == key.text[0] && strlen(name) == key.bytes && memcmp(name, key.text, key.bytes) == 0) {
            return i;
        }
    }
    return n;
}

bool fields_collect(struct builder *builder, struct jdoc_value object, const struct field *table, size_t n,
                    const char *path, struct fields *out)
{
    assert(n <= FIELDS_MAX);
    out->builder = builder;
    out->table = table;
    out->path = path;
    out->present = 0;
    if (jdoc_type_of(object) != JDOC_OBJECT) {
        char shown[SHOWN_BYTES];
        const int named = path[0] ? (int)strlen(path) - 1 : 0; /* without the dot */
        builder_bad(builder, "%.*s%s%s given; allowed: an object {...}", named, path, named ? ": " : "",
                    show(object, shown));
        return false;
    }
    struct jdoc_iterator members = jdoc_object(object);
    struct jdoc_string key;
    struct jdoc_value value;
    uint64_t seen = 0;
    while (jdoc_object_next(&members, &key, &value)) {
        const size_t i = find_field(table, n, key);
        if (i == n) {
            builder_other_key(builder, key.text, key.bytes);
            continue;
        }
        if (seen >> i & 1) {
            builder_bad(builder, "%s%s is given twice", path, table[i].name);
            return false;
        }
        seen |= UINT64_C(1) << i;
        if (table[i].use == FIELD_READ && jdoc_type_of(value) != JDOC_NULL) {
            out->present |= UINT64_C(1) << i;
            out->values[i] = value;
        }
    }
    return true;
}

static enum field_state wrong(const struct fields *fields, int index, const char *allowed)
{
    char shown[SHOWN_BYTES];
    builder_bad(fields->builder, "%s%s: %s given; allowed: %s", fields->path, fields->table[index].name,
                show(fields->values[index], shown), allowed);
    return FIELD_BAD;
}

static const char *integer_range(int64_t least, int64_t most, char out[SHOWN_BYTES])
{
    snprintf(out, SHOWN_BYTES, "an integer from %" PRId64 " to %" PRId64, least, most);
    return out;
}

enum field_state fields_integer(const struct fields *fields, int index, int64_t least, int64_t most, int64_t *out)
{
    if (!fields_has(fields, index)) {
        return FIELD_ABSENT;
    }
    int64_t value;
    if (jdoc_type_of(fields->values[index]) != JDOC_INTEGER || !jdoc_integer(fields->values[index], &value) ||
        value < least || value > most) {
        char range[SHOWN_BYTES];
        return wrong(fields, index, integer_range(least, most, range));
    }
    *out = value;
    return FIELD_GOOD;
}

bool fields_need_integer(const struct fields *fields, int index, int64_t least, int64_t most, int64_t *out)
{
    const enum field_state state = fields_integer(fields, index, least, most, out);
    if (state == FIELD_ABSENT) {
        char range[SHOWN_BYTES];
        builder_bad(fields->builder, "%s%s is missing; needed: %s", fields->path, fields->table[index].name,
                    integer_range(least, most, range));
    }
    return state == FIELD_GOOD;
}

enum field_state fields_string(const struct fields *fields, int index, struct jdoc_string *out)
{
    if (!fields_has(fields, index)) {
        return FIELD_ABSENT;
    }
    if (!jdoc_text(fields->values[index], out) || memchr(out->text, '\0', out->bytes)) {
        return wrong(fields, index, "a string without NUL characters");
    }
    return FIELD_GOOD;
}

#define NAMES "a string without NUL characters, or an integer"

enum field_state fields_name(const struct fields *fields, int index, struct field_name *out)
{
    int64_t number;
    if (!fields_has(fields, index)) {
        return FIELD_ABSENT;
    }
    if (jdoc_integer(fields->values[index], &number)) {
        const int bytes = snprintf(out->digits, sizeof out->digits, "%" PRId64, number);
        out->text = (struct jdoc_string){.text = out->digits, .bytes = (size_t)bytes};
    } else if (!jdoc_text(fields->values[index], &out->text) || memchr(out->text.text, '\0', out->text.bytes)) {
        return wrong(fields, index, NAMES);
    }
    return FIELD_GOOD;
}

bool fields_need_name(const struct fields *fields, int index, struct field_name *out)
{
    const enum field_state state = fields_name(fields, index, out);
    if (state == FIELD_ABSENT) {
        builder_bad(fields->builder, "%s%s is missing; needed: " NAMES, fields->path, fields->table[index].name);
    }
    return state == FIELD_GOOD;
}

enum field_state fields_duration(const struct fields *fields, int index, simtime unit, bool negative_is_absent,
                                 simtime *out)
{
    if (!fields_has(fields, index)) {
        return FIELD_ABSENT;
    }
    int64_t whole;
    double real;
    if (jdoc_integer(fields->values[index], &whole) && whole >= 0 && whole <= SIMTIME_LIMIT / unit) {
        *out = whole * unit; /* exact */
        return FIELD_GOOD;
    }
    if (jdoc_real(fields->values[index], &real)) {
        if (negative_is_absent && real < 0.0) {
            return FIELD_ABSENT;
        }
        if (real >= 0.0 && simtime_from_s(real * ((double)unit / (double)SIMTIME_S), out)) {
            return FIELD_GOOD;
        }
    }
    char allowed[SHOWN_BYTES];
    snprintf(allowed, sizeof allowed, "a number from 0 to %" PRId64 " (100 days)%s", (int64_t)(SIMTIME_LIMIT / unit),
             negative_is_absent ? "" : ", or null");
    return wrong(fields, index, allowed);
}

enum field_state fields_array(const struct fields *fields, int index, struct jdoc_value *out)
{
    if (!fields_has(fields, index)) {
        return FIELD_ABSENT;
    }
    if (jdoc_type_of(fields->values[index]) != JDOC_ARRAY) {
        return wrong(fields, index, "an array [...]");
    }
    *out = fields->values[index];
    return FIELD_GOOD;
}
