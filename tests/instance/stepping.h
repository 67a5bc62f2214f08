/* The property that fast paths keep: plain, steady and fast-forward stepping give the same history. */
#ifndef ASIM_TESTS_INSTANCE_STEPPING_H
#define ASIM_TESTS_INSTANCE_STEPPING_H

#include <stdint.h>

/* Checks the seeds [first, last) and prints what they covered. */
void check_stepping(uint64_t first, uint64_t last);

#endif
