/* Simulated time: integer picoseconds from the earliest arrival of the workload.
 *
 * The clock path is integer only, so results do not depend on the order of additions. Durations beyond
 * SIMTIME_LIMIT (100 days) are input errors, and simulated time ends there too:
 * the orchestrator refuses a turn that would be ready later. The 6.7 days that the type goes beyond are room for the
 * steps of the last turns.
 */
#ifndef ASIM_BASE_SIMTIME_H
#define ASIM_BASE_SIMTIME_H

#include <stdbool.h>
#include <stdint.h>

typedef int64_t simtime;

#define SIMTIME_NS    INT64_C(1000)
#define SIMTIME_US    INT64_C(1000000)
#define SIMTIME_MS    INT64_C(1000000000)
#define SIMTIME_S     INT64_C(1000000000000)
#define SIMTIME_LIMIT (INT64_C(8640000) * SIMTIME_S)
#define SIMTIME_NEVER INT64_MAX

/* Nearest picosecond to `seconds`; false (and *out untouched) when not finite or beyond +-SIMTIME_LIMIT. */
bool simtime_from_s(double seconds, simtime *out);

/* Seconds in exact decimals, without trailing zeros; t >= 0. Returns `out`. */
enum { SIMTIME_TEXT_BYTES = 24 };
const char *simtime_text(simtime t, char out[SIMTIME_TEXT_BYTES]);

static inline double simtime_to_s(simtime t)
{
    return (double)t / (double)SIMTIME_S;
}

static inline simtime simtime_least(simtime a, simtime b)
{
    return a < b ? a : b;
}

#endif
