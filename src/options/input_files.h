/* What a run reads beside its configuration. */
#ifndef ASIM_OPTIONS_INPUT_FILES_H
#define ASIM_OPTIONS_INPUT_FILES_H

#include "options/settings.h"

#include <stddef.h>

enum { INPUT_FILES_MOST = 8 };

/* The folder of `profile:DIR`, a value of the option compute; NULL: other times are wanted. */
const char *input_profile(const char *compute);

/* The files and folders that the settings name, each once, in a fixed order: the workload, the model, the hardware, the
 * profile, policies. Returns how many; the paths are those of the settings. */
size_t input_files(const struct settings *settings, const char *paths[INPUT_FILES_MOST]);

#endif
