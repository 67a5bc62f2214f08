/* From turns to contents: builds each turn's prompt and output as extents.
 *
 * Rule: a prompt starts with the first `kept_toks` tokens of its parent turn's context and goes on with fresh tokens.
 * Explicit contents (token ids, interned by the reader) are used as they are.
 */
#ifndef ASIM_WORKLOAD_PROMPT_H
#define ASIM_WORKLOAD_PROMPT_H

#include "workload/program.h"

/* The contents of a program in progress. A chain needs only the newest context; a turn whose parent is older than the
 * newest is rebuilt from the turns before it. */
struct prompt_state {
    struct extent_list context; /* content of turn `turn` (prompt and output), complete */
    struct extent first[2];     /* of the context: enough for a system prompt and a conversation */
    uint32_t turn;              /* the turn it belongs to; UINT32_MAX = none yet */
};

/* The state must not move afterwards. */
void prompt_state_init(struct prompt_state *state);
void prompt_state_fini(struct prompt_state *state);
void prompt_state_reset(struct prompt_state *state);

/* Content (prompt_toks + output_toks tokens) of turn `turn`. The result borrows from `state` or from `program` and is
 * valid until the next call with the same state. */
struct content prompt_build(struct prompt_state *state, const struct program *program, uint32_t turn);

/* The same, when `before` may have the content of the turn's parent: then it is not built again. */
struct content prompt_build_after(struct prompt_state *state, const struct prompt_state *before,
                                  const struct program *program, uint32_t turn);

#endif
