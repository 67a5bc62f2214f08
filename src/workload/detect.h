/* Which format an input is in, by its content. */
#ifndef ASIM_WORKLOAD_DETECT_H
#define ASIM_WORKLOAD_DETECT_H

#include "workload/json_lines.h"
#include "workload/workload.h"

enum { DETECT_REASON_BYTES = 128 };

/* The format of a padded text, and why, by the first object in it that parses: one a line, or the whole text. When it
 * is none that can be read, adds an error and returns WORKLOAD_AUTO. */
enum workload_format detect_format(struct jdoc_parser *parser, const char *file, const char *text, size_t bytes,
                                   char reason[DETECT_REASON_BYTES], struct diag *diag);

#endif
