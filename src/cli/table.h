/* The table that `run` prints: the canonical summary for people. */
#ifndef ASIM_CLI_TABLE_H
#define ASIM_CLI_TABLE_H

#include <stdio.h>

/* `summary` is the canonical summary; `execution` the facts of the execution (`wall_s`), NULL: not shown. Returns 0, or
 * -1 when the summary is not one that this version reads. */
int table_print(FILE *out, const char *summary, const char *execution);

#endif
