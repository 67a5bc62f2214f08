#include "cli/cell.h"

#include "cli/human.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text);
    const size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* What a key says about its number; UNIT_NONE: ask the key above. */
static enum unit unit_of(const char *key)
{
    static const struct {
        const char *end;
        enum unit unit;
    } ends[] = {
        {"_bytes_per_s", UNIT_BYTES_PER_SECOND},
        {"bytes", UNIT_BYTES},
        {"_per_s", UNIT_PER_SECOND},
        {"request_rate", UNIT_PER_SECOND},
        {"_s", UNIT_SECONDS},
        {"_rate", UNIT_FRACTION},
        {"fraction", UNIT_FRACTION},
        {"share", UNIT_FRACTION},
        {"error", UNIT_FRACTION},
        {"utilization", UNIT_FRACTION},
        {"_use", UNIT_FRACTION},
        {"_toks", UNIT_COUNT},
        {"tokens", UNIT_COUNT},
        {"blocks", UNIT_COUNT},
        {"count", UNIT_COUNT},
    };
    if (strcmp(key, "n") == 0) {
        return UNIT_COUNT;
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends_with(key, ends[i].end)) {
            return ends[i].unit;
        }
    }
    return UNIT_NONE;
}

enum unit cell_unit(const char *key, enum unit above)
{
    const enum unit own = unit_of(key);
    return own == UNIT_NONE ? above : own;
}

const char *cell_label(const char *key, char out[CELL_LABEL_BYTES])
{
    static const char *const endings[] = {"_bytes_per_s", "_bytes", "_per_s", "_s"};
    size_t n = strlen(key);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (ends_with(key, endings[i])) {
            n -= strlen(endings[i]);
            break;
        }
    }
    snprintf(out, CELL_LABEL_BYTES, "%.*s", (int)(n < CELL_LABEL_BYTES - 1 ? n : CELL_LABEL_BYTES - 1), key);
    for (char *c = out; *c; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return out;
}

static const char *number(const json_t *value, enum unit unit, char out[CELL_BYTES])
{
    char text[HUMAN_BYTES];
    const double x = json_number_value(value);
    switch (unit) {
    case UNIT_SECONDS:
        return strcpy(out, human_duration(x, text));
    case UNIT_BYTES:
        return strcpy(out, human_size(x, text));
    case UNIT_FRACTION:
        return strcpy(out, human_percent(x, text));
    case UNIT_PER_SECOND:
        snprintf(out, CELL_BYTES, "%s/s", human_magnitude(x, text));
        return out;
    case UNIT_BYTES_PER_SECOND: /* bandwidths are decimal */
        snprintf(out, CELL_BYTES, "%s%sB/s", human_magnitude(x, text), x >= 1e4 ? "" : " ");
        return out;
    case UNIT_COUNT:
    case UNIT_NONE:
        break;
    }
    if (json_is_integer(value)) {
        return strcpy(out, human_count(json_integer_value(value), text));
    }
    if (x >= 1000 || x <= -1000) {
        return strcpy(out, human_count(llround(x), text));
    }
    snprintf(out, CELL_BYTES, "%.4g", x);
    return out;
}

bool cell_is_scalar(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

const char *cell_text(const json_t *value, enum unit unit, char out[CELL_BYTES])
{
    if (!value || json_is_null(value)) {
        return strcpy(out, "-");
    }
    if (json_is_boolean(value)) {
        return strcpy(out, json_is_true(value) ? "yes" : "no");
    }
    if (json_is_string(value)) {
        snprintf(out, CELL_BYTES, "%s", json_string_value(value));
        return out;
    }
    return number(value, unit, out);
}
