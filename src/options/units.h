/* Numbers with units, as people write them in options, read into base units (picoseconds, bytes per second, per second)
 * and written back exactly: formatting a value and reading it again gives the same bits.
 *
 * A number may be followed by blanks before its unit. Hexadecimal, infinities and NaN are refused. The functions expect
 * the decimal point of the C locale; option_value.c sees to that.
 */
#ifndef ASIM_OPTIONS_UNITS_H
#define ASIM_OPTIONS_UNITS_H

#include "base/simtime.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum units_result {
    UNITS_OK,
    UNITS_MALFORMED, /* not a number, or a unit that does not exist */
    UNITS_NO_UNIT,   /* a number whose unit is missing */
    UNITS_TOO_LARGE, /* beyond what the type holds */
};

enum { UNITS_TEXT_BYTES = 48 };

/* Whole numbers from 0 to 2^64 - 2: digits (8192), or a power of ten as long as it is whole (1e6, 1.5e3). */
enum units_result units_count(const char *text, uint64_t *out);

/* NUMBER with ps, ns, us, ms, s, min or h; 0 needs no unit. Beyond SIMTIME_LIMIT is too large. */
enum units_result units_duration(const char *text, simtime *out);

/* NUMBER/s, NUMBER/min, NUMBER/h, or a plain number per second. */
enum units_result units_rate(const char *text, double *out);

/* NUMBER with B/s, kB/s, MB/s, GB/s, TB/s (powers of 1000) or KiB/s, MiB/s, GiB/s, TiB/s (powers of 1024). */
enum units_result units_bandwidth(const char *text, double *out);

/* NUMBER with B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024), a whole number of bytes below
 * 2^53. */
enum units_result units_bytes(const char *text, double *out);

/* 0.9 or 90%. */
enum units_result units_fraction(const char *text, double *out);

enum units_result units_number(const char *text, double *out);

/* A duration in seconds, for distribution_parse. */
bool units_seconds(const char *text, double *out);

void units_format_duration(simtime value, char out[UNITS_TEXT_BYTES]);
void units_format_rate(double value, char out[UNITS_TEXT_BYTES]);
void units_format_bandwidth(double value, char out[UNITS_TEXT_BYTES]);
void units_format_bytes(double value, char out[UNITS_TEXT_BYTES]);
void units_format_number(double value, char out[UNITS_TEXT_BYTES]);

#endif
