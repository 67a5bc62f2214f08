/* A workload in figures, for `inspect`: sizes, reuse, gaps by tool, arrivals.
 *
 * Percentiles interpolate between order statistics (R type 7) on exact values. All programs are visited; for a
 * generator that means making every one of them.
 */
#ifndef ASIM_WORKLOAD_DESCRIBE_H
#define ASIM_WORKLOAD_DESCRIBE_H

#include "workload/workload.h"

#include <jansson.h>

/* A new JSON object:
 *
 *     {"format", "reason", "programs", "turns", "skipped_lines", "missing_gaps", "has_arrivals", "has_token_ids",
 *      "dag_programs" (only with graphs), "turns_per_program", "dag_edges", "dag_longest_path_turns" (both only with
 *      graphs), "prompt_toks", "kept_toks", "new_toks", "output_toks", "final_context_toks", "gap_s", "kept_fraction",
 *      "shared_output_turns", "arrival_span_s" (only with arrivals), "tools": [{"name", "gap_s"}]}
 *
 * where each quantity is {"n", "mean", "p50", "p90", "p99", "max", "sum"}. kept_fraction is kept prompt tokens over all
 * prompt tokens: the hit rate of an unbounded cache, but for what programs share and for blocks. Tools come in the
 * order of their summed gaps, longest first. Gaps that are missing are counted in missing_gaps and in no quantity. Uses
 * slot 0, which must be free. NULL when a program cannot be fetched (workload.h). */
json_t *workload_describe(struct workload *workload);

#endif
