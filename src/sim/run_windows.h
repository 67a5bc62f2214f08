/* The parallel engine: conservative windows of lookahead, shared by a team of threads.
 *
 * A window [start, end) is closed by the earliest instant at which anything still unknown may become ready: the least
 * bound over the turns at the instances (end, then gap) and over the turns routed in the window itself; or by a
 * telemetry instant that a decision waits for. Every turn that is ready inside the window is then known, and is routed
 * in order of (time, program, turn). Instances are advanced up to `end` plus the dispatch latency, since no turn still
 * to be routed can arrive before; but only those whose bound may close the next window, until a telemetry instant asks
 * for all of them.
 *
 *     thread 0     open: gather, bounds, programs that come, routing
 *     all threads  work: deliver, advance, record, take what is due
 *     meet, and again
 *
 * Results do not depend on threads, on the length of windows or on which thread advances which instance: everything
 * that is ordered is ordered by content, everything that is summed is a sum of integers.
 */
#ifndef ASIM_SIM_RUN_WINDOWS_H
#define ASIM_SIM_RUN_WINDOWS_H

#include "pdes/transport.h"
#include "sim/checkpoint.h"
#include "sim/engine_stats.h"
#include "sim/ring.h"

/* Runs to the last completion with settings.threads threads on each rank of `transport`, which are those that the
 * cluster was created for; the dispatch latency must be above 0. False when the pulse or an error (reported to `diag`
 * of the rank that found it) ended it. Fills *stats unless it is NULL (measuring costs some time). */
bool run_windows(struct cluster *cluster, struct transport *transport, run_pulse pulse, void *user,
                 struct engine_stats *stats, struct diag *diag);

/* The same; writes checkpoints, and goes on from one, as `checkpoints` says (NULL: neither); on one rank. */
bool run_windows_saved(struct cluster *cluster, struct transport *transport, run_pulse pulse, void *user,
                       struct engine_stats *stats, struct checkpoints *checkpoints, struct diag *diag);

#endif
