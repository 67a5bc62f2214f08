/* The property that checkpoints keep: a run that is cut at any window and goes on has the summary, digest included, of
 * the run that is not, whatever the number of threads, the longest window, the partition and the mode of stepping. */
#ifndef ASIM_TESTS_SIM_CHECKPOINT_PROPERTIES_H
#define ASIM_TESTS_SIM_CHECKPOINT_PROPERTIES_H

#include <stdint.h>

/* Seeds [first, last), each `cuts` times cut. */
void check_checkpoint_properties(uint64_t first, uint64_t last, uint32_t cuts);

/* After a test: when it failed in the middle, prints the seed and the settings. */
int print_failed_checkpoint(void **state);

#endif
