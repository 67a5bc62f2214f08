/* Counts the instructions that this process retires in user space, by the processor's counter where there is one and it
 * may be used (many virtual machines have none).
 */
#ifndef ASIM_BASE_INSTRUCTIONS_H
#define ASIM_BASE_INSTRUCTIONS_H

#include <stdint.h>

/* Starts to count, in this thread and in those that it starts from now on; -1: there is no such counter. */
int instructions_open(void);

/* Instructions so far, or 0 without a counter; closes it. */
uint64_t instructions_close(int counter);

#endif
