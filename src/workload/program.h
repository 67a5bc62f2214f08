/* Programs and turns: the stateful agent runs that the simulator serves. */
#ifndef ASIM_WORKLOAD_PROGRAM_H
#define ASIM_WORKLOAD_PROGRAM_H

#include "base/simtime.h"
#include "workload/extent.h"

#include <stdbool.h>
#include <stdint.h>

#define GAP_MISSING INT64_C(-1) /* the file does not say; the missing-gap option decides */

/* One LLM call. 40 bytes; a million ten-turn programs are 400 MB only if all are held at once, which generators avoid.
 */
struct turn {
    uint32_t prompt_toks;  /* the whole prompt, >= 1 */
    uint32_t output_toks;  /* 0: prefill only */
    uint32_t kept_toks;    /* leading tokens of this prompt that are the leading tokens of the parent's context */
    uint32_t parent;       /* the earlier turn whose context (prompt, then output) this one starts from; ignored when
                              kept_toks is 0 */
    uint32_t tool;         /* index into the workload's tool names: what runs in the gap after the turn */
    uint32_t first_extent; /* explicit content (prompt and output) in program->extents; n_extents 0: the rule above */
    uint32_t n_extents;
    bool shared_output; /* explicit content: another program holds the same output, so blocks must be visible at once */
    simtime gap;        /* from this turn's end to the next turn's readiness; GAP_MISSING; ignored after the last */
};

struct program {
    uint64_t id;      /* position in the workload, from 0: the program's identity in digests and random draws */
    const char *name; /* session id of the file, or generated */
    simtime arrival;  /* recorded arrival; 0 where the workload has none */
    uint32_t line;    /* of the input file, for messages; 0 = none */
    uint32_t n_turns; /* >= 1 */
    const struct turn *turns;
    const struct extent *extents;
    uint64_t shared_stream;      /* leading tokens shared with other programs */
    uint32_t shared_prefix_toks; /* 0: none */
};

#endif
