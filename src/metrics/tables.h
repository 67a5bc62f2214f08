/* programs.csv and turns.csv: a header row with units in the names, RFC 4180 quoting, lines ended by LF.
 *
 * Times are written exactly, in seconds with up to twelve decimals; a duration that does not exist is an empty field.
 */
#ifndef ASIM_METRICS_TABLES_H
#define ASIM_METRICS_TABLES_H

#include "metrics/recorder.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* False when writing failed; errno says why. */
bool tables_write_programs(FILE *file, const struct program_row *rows, uint64_t n);
bool tables_write_turns(FILE *file, const struct turn_record *turns, uint64_t n);

#endif
