/* What policies may know of a turn beyond what its instance sees: where its program stands. The orchestrator knows it;
 * it travels with the turn where a policy asks for it. */
#ifndef ASIM_POLICY_TURN_FACTS_H
#define ASIM_POLICY_TURN_FACTS_H

#include "base/simtime.h"

#include <stdbool.h>
#include <stdint.h>

struct turn_facts {
    simtime program_arrival;
    simtime gap_before; /* what passed since the program's previous turn ended; -1: it is the first */
    simtime gap_after;  /* oracles only; SIMTIME_NEVER: it is the last */
    /* Execution time, from first scheduling to last token, of the turns that it comes after. What turns beside it have
     * had shows in no result: they may end on other threads. */
    simtime attained;
    simtime critical; /* of these, along the way with the greatest sum; in a chain the same */
    simtime deadline; /* of the program; SIMTIME_NEVER: none */
    simtime hint_pin; /* what the application asks for: see asim_turn; -1: nothing */
    simtime hint_resume;
    int64_t remaining_toks; /* output tokens of the program from this turn on */
    uint64_t tenant;
    uint32_t kept_toks;               /* leading tokens of its prompt that its program's context began with before */
    uint32_t kept_before;             /* leading tokens that the previous turn had from the one before it */
    uint32_t tool_before, tool_after; /* NO_TOOL: none */
    bool is_last;
};

#define NO_TOOL UINT32_MAX

#endif
