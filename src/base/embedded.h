/* The files of configs/ and the policy ABI, compiled in (cmake/EmbedConfigs.cmake writes the table). */
#ifndef ASIM_BASE_EMBEDDED_H
#define ASIM_BASE_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *path; /* below configs/, e.g. "hardware/h100-sxm.yaml"; "include/asim/policy.h" */
    const char *text; /* NUL-terminated */
    size_t bytes;     /* without the terminator */
};

extern const struct embedded_file embedded_files[]; /* ends with a NULL path */

/* NULL when there is no such file. */
const struct embedded_file *embedded_find(const char *path);

#endif
