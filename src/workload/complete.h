/* The last steps of reading, over all programs at once: what no single line can decide.
 *
 * Kept tokens. A turn that keeps the whole prompt before it (to within the trace's block) and adds at least as many
 * tokens as the turn before generated goes on from that turn's whole context, output included; otherwise it keeps what
 * the file says. The trace's block is 64 tokens for a Weka file, and for a session file with at least
 * TRACE_BLOCK_EVIDENCE reused prefixes that are all multiples of 64: such a file comes from a Weka trace, whose
 * prefixes are counted in whole blocks. Otherwise it is one token.
 *
 * Times become picoseconds from the earliest arrival; missing gaps are filled in or reported; the gap after a last turn
 * is 0, whatever the file says.
 */
#ifndef ASIM_WORKLOAD_COMPLETE_H
#define ASIM_WORKLOAD_COMPLETE_H

#include "workload/builder.h"

enum { TRACE_BLOCK_EVIDENCE = 8 };

/* Completes what the builder holds and moves it to *out; fills the counts of *stats. On errors, *out stays empty. */
asim_status builder_complete(struct builder *builder, struct program_set *out, struct workload_stats *stats);

/* The gap after a turn that has none, from the distribution of the options; false when it is beyond 100 days. */
bool draw_missing_gap(const struct workload_options *options, uint64_t program, uint32_t turn, simtime *out);

#endif
