/* Numbers for people: three or four digits with a unit, counts with separators, text wrapped to a width. */
#ifndef ASIM_CLI_HUMAN_H
#define ASIM_CLI_HUMAN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { HUMAN_BYTES = 40, HUMAN_COLUMNS = 100 };

/* "12.3 ms", "4.56 s", "2.10 min", "0 s". */
const char *human_duration(double seconds, char out[HUMAN_BYTES]);

/* "1,234,567". */
const char *human_count(int64_t count, char out[HUMAN_BYTES]);

/* Without a unit, shortened: "1.23 M", "456". */
const char *human_magnitude(double value, char out[HUMAN_BYTES]);

/* "80.0 GiB". */
const char *human_size(double bytes, char out[HUMAN_BYTES]);

/* A fraction as "12.3%". */
const char *human_percent(double fraction, char out[HUMAN_BYTES]);

/* Columns that a UTF-8 text takes: its characters. */
size_t human_width(const char *text);

/* Prints text broken at spaces so that no line passes `columns`; continuation lines begin with `indent` spaces. The
 * cursor stands at column `at`. Ends with a line break. */
void human_wrap(FILE *out, const char *text, size_t at, size_t indent, size_t columns);

/* Escape sequences for headings: empty unless `out` is a terminal and NO_COLOR is unset. */
struct human_style {
    const char *bold;
    const char *plain;
};
struct human_style human_style(FILE *out);

#endif
