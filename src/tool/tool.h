/* The tool simulator: how long a program is away between two turns.
 *
 * A gap comes from the workload (recorded, or drawn by a generator) or from a distribution given for all tools or by
 * tool name. Draws are keyed by (seed, program, turn), so a gap is known before its turn ends.
 */
#ifndef ASIM_TOOL_TOOL_H
#define ASIM_TOOL_TOOL_H

#include "base/diag.h"
#include "options/gap.h"
#include "workload/workload.h"

struct tool_simulator;

/* `rule` is that of the option tool_gap. NULL and errors in diag when it names a tool that the workload lacks. */
struct tool_simulator *tool_create(const struct gap_rule *rule, const struct workload *workload, uint64_t seed,
                                   struct diag *diag);
void tool_destroy(struct tool_simulator *tool);

/* From the end of `turn` to the readiness of the next one; in a graph, of the first that it may release. */
simtime tool_gap(const struct tool_simulator *tool, const struct program *program, uint32_t turn);

/* The same along an edge of the program's graph on which the workload has `delay`. A turn's tool runs once: what is
 * drawn for it holds for all its edges. */
simtime tool_edge_gap(const struct tool_simulator *tool, const struct program *program, uint32_t turn, simtime delay);

#endif
