/* The tables that `study` prints. */
#ifndef ASIM_CLI_STUDY_TABLE_H
#define ASIM_CLI_STUDY_TABLE_H

#include <stdio.h>

/* Returns 0, or -1 when the document is not one that this version reads. */
int study_table_print(FILE *out, const char *document);

#endif
