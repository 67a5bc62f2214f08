/* The files of configs/, compiled in (cmake/EmbedConfigs.cmake writes the table). */
#ifndef ASIM_BASE_EMBEDDED_H
#define ASIM_BASE_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *path; /* below configs/, e.g. "hardware/h100-sxm.yaml" */
    const char *text; /* NUL-terminated */
    size_t bytes;     /* without the terminator */
};

extern const struct embedded_file embedded_files[]; /* ends with a NULL path */

#endif
