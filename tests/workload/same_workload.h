/* Two workloads hold the same programs. */
#ifndef ASIM_TESTS_WORKLOAD_SAME_WORKLOAD_H
#define ASIM_TESTS_WORKLOAD_SAME_WORKLOAD_H

#include "workload/workload.h"

/* Fails unless all programs, tools, counts and the order of arrivals are the same. Uses slot 0 of both. */
void assert_same_workload(struct workload *a, struct workload *b);

/* Imports `workload`, opened with `options`, to `path` and opens that with `again`. */
struct workload *imported(struct workload *workload, const struct workload_options *options, const char *path,
                          const struct workload_options *again, struct diag *diag);

#endif
