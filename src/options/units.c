#include "options/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

static const struct unit duration_units[] = {
    {"h", 3600e12}, {"min", 60e12}, {"s", 1e12}, {"ms", 1e9}, {"us", 1e6}, {"ns", 1e3}, {"ps", 1.0}, {NULL, 0.0},
};

/* Divisors, so that 30/min is exactly 0.5. */
static const struct unit rate_units[] = {{"/s", 1.0}, {"/min", 60.0}, {"/h", 3600.0}, {NULL, 0.0}};

/* Largest first within each base: the order in which formatting tries them. */
static const struct unit bandwidth_units[] = {
    {"TB/s", 1e12},           {"GB/s", 1e9},         {"MB/s", 1e6},      {"kB/s", 1e3},     {"B/s", 1.0},
    {"TiB/s", 1099511627776}, {"GiB/s", 1073741824}, {"MiB/s", 1048576}, {"KiB/s", 1024.0}, {NULL, 0.0},
};

static const struct unit byte_units[] = {
    {"TB", 1e12},           {"GB", 1e9},         {"MB", 1e6},      {"kB", 1e3},     {"B", 1.0},
    {"TiB", 1099511627776}, {"GiB", 1073741824}, {"MiB", 1048576}, {"KiB", 1024.0}, {NULL, 0.0},
};

static const struct unit *find_unit(const struct unit *units, const char *name)
{
    for (; units->name; units++) {
        if (strcmp(units->name, name) == 0) {
            return units;
        }
    }
    return NULL;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* True when `text` begins with a decimal number, which strtod then reads; it would also take inf, nan and hex. */
static bool starts_decimal(const char *text)
{
    text += *text == '-';
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        return false;
    }
    return isdigit((unsigned char)text[0]) || (text[0] == '.' && isdigit((unsigned char)text[1]));
}

/* Reads the number at the start of `text`; *unit is what follows it, without blanks before it and after it. */
static bool split_number(const char *text, char unit[16], double *out)
{
    text = skip_blanks(text);
    if (!starts_decimal(text)) {
        return false;
    }
    char *end;
    *out = strtod(text, &end);
    const char *rest = skip_blanks(end);
    size_t length = strlen(rest);
    while (length && (rest[length - 1] == ' ' || rest[length - 1] == '\t')) {
        length--;
    }
    if (length >= 16) {
        return false;
    }
    memcpy(unit, rest, length);
    unit[length] = '\0';
    return true;
}

enum units_result units_count(const char *text, uint64_t *out)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits && text[digits] == '\0') {
        errno = 0;
        const unsigned long long value = strtoull(text, NULL, 10);
        if (errno == ERANGE || value == UINT64_MAX) {
            return UNITS_TOO_LARGE;
        }
        *out = value;
        return UNITS_OK;
    }
    char unit[16];
    double value;
    if (!split_number(text, unit, &value) || unit[0] != '\0' || value < 0.0 || value != floor(value)) {
        return UNITS_MALFORMED;
    }
    if (value > 0x1p53) {
        return UNITS_TOO_LARGE; /* a double no longer holds every whole number */
    }
    *out = (uint64_t)value;
    return UNITS_OK;
}

/* The number at `text`, about `rough`, times a factor. Whole numbers, which is what units_format_duration writes, are
 * exact; a double would not hold picoseconds beyond two and a half hours. */
static bool scale_duration(const char *text, double rough, double factor, simtime *out)
{
    const double ps = rough * factor;
    if (!(fabs(ps) <= (double)SIMTIME_LIMIT)) {
        return false;
    }
    const size_t digits = strspn(text, "0123456789");
    if (digits && !strchr(".eE", text[digits])) {
        *out = (simtime)strtoull(text, NULL, 10) * (simtime)factor;
        return *out <= SIMTIME_LIMIT;
    }
    *out = (simtime)(ps < 0.0 ? ps - 0.5 : ps + 0.5);
    return true;
}

enum units_result units_duration(const char *text, simtime *out)
{
    char name[16];
    double rough;
    if (!split_number(text, name, &rough)) {
        return UNITS_MALFORMED;
    }
    if (name[0] == '\0') {
        if (rough != 0.0) {
            return UNITS_NO_UNIT;
        }
        *out = 0;
        return UNITS_OK;
    }
    const struct unit *unit = find_unit(duration_units, name);
    if (!unit) {
        return UNITS_MALFORMED;
    }
    return scale_duration(skip_blanks(text), rough, unit->factor, out) ? UNITS_OK : UNITS_TOO_LARGE;
}

enum units_result units_rate(const char *text, double *out)
{
    char name[16];
    double value;
    if (!split_number(text, name, &value)) {
        return UNITS_MALFORMED;
    }
    const struct unit *unit = find_unit(rate_units, name[0] == '\0' ? "/s" : name);
    if (!unit) {
        return UNITS_MALFORMED;
    }
    *out = value / unit->factor;
    return isfinite(*out) ? UNITS_OK : UNITS_TOO_LARGE;
}

static enum units_result scaled(const struct unit *units, const char *text, double *out)
{
    char name[16];
    double value;
    if (!split_number(text, name, &value)) {
        return UNITS_MALFORMED;
    }
    if (name[0] == '\0') {
        return UNITS_NO_UNIT;
    }
    const struct unit *unit = find_unit(units, name);
    if (!unit) {
        return UNITS_MALFORMED;
    }
    *out = value * unit->factor;
    return isfinite(*out) ? UNITS_OK : UNITS_TOO_LARGE;
}

enum units_result units_bandwidth(const char *text, double *out)
{
    return scaled(bandwidth_units, text, out);
}

enum units_result units_bytes(const char *text, double *out)
{
    const enum units_result result = scaled(byte_units, text, out);
    if (result == UNITS_OK && fabs(*out) >= 0x1p53) {
        return UNITS_TOO_LARGE;
    }
    return result == UNITS_OK && *out != floor(*out) ? UNITS_MALFORMED : result;
}

enum units_result units_fraction(const char *text, double *out)
{
    char name[16];
    double value;
    if (!split_number(text, name, &value) || (name[0] != '\0' && strcmp(name, "%") != 0)) {
        return UNITS_MALFORMED;
    }
    *out = name[0] == '%' ? value / 100.0 : value;
    return isfinite(*out) ? UNITS_OK : UNITS_TOO_LARGE;
}

enum units_result units_number(const char *text, double *out)
{
    char name[16];
    if (!split_number(text, name, out) || name[0] != '\0') {
        return UNITS_MALFORMED;
    }
    return isfinite(*out) ? UNITS_OK : UNITS_TOO_LARGE;
}

bool units_seconds(const char *text, double *out)
{
    simtime value;
    if (units_duration(text, &value) != UNITS_OK) {
        return false;
    }
    *out = simtime_to_s(value);
    return true;
}

void units_format_duration(simtime value, char out[UNITS_TEXT_BYTES])
{
    static const struct {
        const char *name;
        simtime factor;
    } exact[] = {{"s", SIMTIME_S}, {"ms", SIMTIME_MS}, {"us", SIMTIME_US}, {"ns", SIMTIME_NS}, {"ps", 1}};
    int i = 0;
    while (value % exact[i].factor != 0) {
        i++;
    }
    snprintf(out, UNITS_TEXT_BYTES, "%" PRId64 "%s", value / exact[i].factor, exact[i].name);
}

/* The fewest digits that read back as the same bits. */
void units_format_number(double value, char out[UNITS_TEXT_BYTES])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, UNITS_TEXT_BYTES, "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            return;
        }
    }
}

void units_format_rate(double value, char out[UNITS_TEXT_BYTES])
{
    units_format_number(value, out);
    strcat(out, "/s");
}

static void format_scaled(const struct unit *units, enum units_result (*parse)(const char *, double *), double value,
                          char out[UNITS_TEXT_BYTES])
{
    for (const struct unit *unit = units; unit->factor >= 1.0; unit++) {
        double back = 0.0;
        units_format_number(value / unit->factor, out);
        strcat(out, unit->name);
        const bool readable = value >= unit->factor || unit->factor == 1.0;
        if (readable && parse(out, &back) == UNITS_OK && back == value) {
            return;
        }
    }
}

void units_format_bandwidth(double value, char out[UNITS_TEXT_BYTES])
{
    format_scaled(bandwidth_units, units_bandwidth, value, out);
}

void units_format_bytes(double value, char out[UNITS_TEXT_BYTES])
{
    format_scaled(byte_units, units_bytes, value, out);
}
