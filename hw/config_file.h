/* Texts of configuration files: a path, or the name of one compiled in from configs/. */
#ifndef ASIM_HW_CONFIG_FILE_H
#define ASIM_HW_CONFIG_FILE_H

#include "base/diag.h"

#include <stddef.h>

/* A family of configuration files, e.g. folder "hardware/", extension ".yaml", noun "device". */
struct config_family {
    const char *folder;
    const char *extension;
    const char *noun;
};

struct config_text {
    const char *text; /* NUL-terminated */
    size_t bytes;     /* without the terminator */
    char *owned;      /* what config_text_fini frees, or NULL */
};

/* Finds `name` (a path when it contains '/') and its text. Errors name the known names. */
asim_status config_text_load(const struct config_family *family, const char *name, struct config_text *out,
                             struct diag *diag);
void config_text_fini(struct config_text *text);

/* Fills `names` (room for `capacity`, each of `size` bytes) with the built-in names of a family in alphabetical order;
 * returns their number. */
size_t config_builtin_names(const struct config_family *family, char *names, size_t capacity, size_t size);

/* Last part of a path without .yaml, .yml or .json ("a/b/h100.yaml" -> "h100"); a file called config.json takes its
 * folder's name. Cut to the size of `out`. */
void config_stem(const char *path, char *out, size_t size);

#endif
