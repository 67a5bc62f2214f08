/* The property that the parallel engine keeps: results are those of the serial one, whatever the number of threads, the
 * longest window and the mode of stepping. */
#ifndef ASIM_TESTS_SIM_WINDOW_PROPERTIES_H
#define ASIM_TESTS_SIM_WINDOW_PROPERTIES_H

#include <stdint.h>

/* Seeds [first, last), each once as drawn (with a dispatch latency of 1 ms in place of 0) and in some seeds bent
 * towards an edge: many instances, telemetry far off the dispatch latency, exact views. */
void check_window_properties(uint64_t first, uint64_t last);

/* The same where no load makes a program leave its home. */
void check_homes_never_left(uint64_t seed);

/* After a test: when it failed in the middle, prints the seed and the settings. */
int print_failed_windows(void **state);

#endif
