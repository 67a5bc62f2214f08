/* What the command line says besides results: errors and warnings on standard error. */
#ifndef ASIM_CLI_MESSAGES_H
#define ASIM_CLI_MESSAGES_H

#include "asim/asim.h"

/* "error: ..." on a line of its own; returns `status`, so that callers can `return report_error(...)`. */
asim_status report_error(asim_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the messages of a configuration and forgets them, so that each is said once. */
void report_config(asim_config *config);
void report_result(const asim_result *result);

/* Nearest of `n` names to `given` by edit distance, NULL when none is near enough to suggest. */
const char *nearest_name(const char *given, const char *const *names, size_t n);

#endif
