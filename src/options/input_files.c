#include "options/input_files.h"

#include <string.h>

/* Names without a slash are built in. */
static const char *described(const char *name)
{
    return name && strchr(name, '/') ? name : NULL;
}

const char *input_profile(const char *compute)
{
    static const char prefix[] = "profile:";
    const size_t n = sizeof prefix - 1;
    return compute && strncmp(compute, prefix, n) == 0 ? compute + n : NULL;
}

size_t input_files(const struct settings *settings, const char *paths[INPUT_FILES_MOST])
{
    const char *const candidates[INPUT_FILES_MOST] = {settings->workload,
                                                      described(settings->model),
                                                      described(settings->hardware),
                                                      input_profile(settings->compute),
                                                      described(settings->policy),
                                                      described(settings->retention),
                                                      described(settings->scheduling),
                                                      described(settings->routing)};
    size_t n = 0;
    for (size_t i = 0; i < INPUT_FILES_MOST; i++) {
        bool is_new = candidates[i] != NULL;
        for (size_t k = 0; k < n && is_new; k++) {
            is_new = strcmp(paths[k], candidates[i]) != 0;
        }
        if (is_new) {
            paths[n++] = candidates[i];
        }
    }
    return n;
}
