/* Memory on cache lines of its own, so that threads that write side by side do not slow each other down. */
#ifndef ASIM_PDES_LINES_H
#define ASIM_PDES_LINES_H

#include <stddef.h>

enum { LINE_BYTES = 64 };

/* Zeroed, aligned to a line, to be freed by mem_free; never NULL. */
void *lines_zalloc(size_t bytes);

#endif
