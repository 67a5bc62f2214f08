/* Writes any workload as a columnar file, for workload_open to map.
 *
 * All programs are fetched twice: first to find the sizes of the columns, then to write them, each through a buffer to
 * its place. So memory does not grow with the workload, beyond what its own reader holds. The file is written under
 * another name and renamed when it is complete.
 */
#ifndef ASIM_WORKLOAD_COLUMNAR_WRITE_H
#define ASIM_WORKLOAD_COLUMNAR_WRITE_H

#include "workload/workload.h"

struct columnar_written {
    uint64_t bytes;
    uint64_t n_programs;
    uint64_t n_turns;
    uint64_t n_extents;
    uint64_t missing_gaps; /* still */
    uint64_t longest_prompt;
};

/* `options` are those that the workload was opened with, and `source` names where it came from. A file that exists at
 * `path` is replaced if it is columnar too, else refused. On failure there is an error in diag and no file. */
asim_status columnar_write(struct workload *workload, const struct workload_options *options, const char *source,
                           const char *path, struct columnar_written *written, struct diag *diag);

#endif
