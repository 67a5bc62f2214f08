/* Texts of options that are one distribution: of counts (turns, tokens) or of durations. */
#ifndef ASIM_OPTIONS_DRAWS_H
#define ASIM_OPTIONS_DRAWS_H

#include "base/distribution.h"

#include <stddef.h>

/* The mean of a distribution of counts that an option takes lies in between. */
#define DRAWS_LEAST_MEAN 1.0
#define DRAWS_MOST_MEAN  10000000.0

/* On failure they return false and write what is wrong and what is allowed to message. Durations are in seconds. */
bool draws_parse_counts(const char *text, struct distribution *out, char *message, size_t message_bytes);
bool draws_parse_durations(const char *text, struct distribution *out, char *message, size_t message_bytes);

#endif
