/* The table of a benchmark, from its document. */
#ifndef ASIM_CLI_BENCH_TABLE_H
#define ASIM_CLI_BENCH_TABLE_H

#include <stdio.h>

/* Not 0 when the document is not of the version this program reads. */
int bench_table_print(FILE *out, const char *document);

#endif
