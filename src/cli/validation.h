/* What `validate` prints: a comparison with measured times on one screen. */
#ifndef ASIM_CLI_VALIDATION_H
#define ASIM_CLI_VALIDATION_H

#include <stdio.h>

/* `document` is that of asim_validate. Returns 0, or -1 when it is not one that this version reads. */
int validation_print(FILE *out, const char *document);

#endif
