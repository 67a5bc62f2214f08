/* Ctrl-C: once asks the run to end early with partial results, twice ends the process at once. */
#ifndef ASIM_CLI_INTERRUPT_H
#define ASIM_CLI_INTERRUPT_H

#include <stdbool.h>

/* From begin to end SIGINT and SIGTERM only leave a note; outside, they do what they did before. */
void interrupt_begin(void);
void interrupt_end(void);

/* The asim_callbacks.cancelled callback. */
bool interrupt_requested(void *user);

#endif
