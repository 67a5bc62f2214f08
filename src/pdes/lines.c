#include "pdes/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *lines_zalloc(size_t bytes)
{
    void *pointer = NULL;
    if (posix_memalign(&pointer, LINE_BYTES, bytes ? bytes : LINE_BYTES) != 0) {
        fprintf(stderr, "asim: out of memory (%zu bytes)\n", bytes);
        abort();
    }
    return memset(pointer, 0, bytes);
}
