#include "workload/prompt.h"

#include <assert.h>

void prompt_state_init(struct prompt_state *state)
{
    extent_list_init_in(&state->context, state->first, sizeof state->first / sizeof state->first[0]);
    state->turn = UINT32_MAX;
}

void prompt_state_fini(struct prompt_state *state)
{
    extent_list_fini(&state->context);
}

void prompt_state_reset(struct prompt_state *state)
{
    state->context.n = 0;
    state->context.n_tokens = 0;
    state->turn = UINT32_MAX;
}

static uint32_t context_toks(const struct turn *turn)
{
    return turn->prompt_toks + turn->output_toks;
}

/* Tokens that start turn `index` without coming from its parent: a new private stream, after the prefix that programs
 * share when nothing is kept. A token's position in its stream is its position in the content. */
static void append_fresh(struct extent_list *list, const struct program *program, uint32_t index)
{
    const struct turn *turn = &program->turns[index];
    if (list->n_tokens == 0) {
        const uint32_t shared =
            program->shared_prefix_toks < turn->prompt_toks ? program->shared_prefix_toks : turn->prompt_toks;
        extent_list_append(list, (struct extent){.stream = program->shared_stream, .count = shared});
    }
    extent_list_append(list, (struct extent){.stream = stream_private(program->id, index),
                                             .first = list->n_tokens,
                                             .count = context_toks(turn) - list->n_tokens});
}

/* From the content of the parent, in `list`, to that of turn `index`. */
static void step(struct extent_list *list, const struct program *program, uint32_t index)
{
    const struct turn *turn = &program->turns[index];
    const struct turn *parent = &program->turns[turn->parent];
    const uint32_t more = context_toks(turn) - turn->kept_toks;
    extent_list_cut(list, turn->kept_toks);
    const struct extent *last = &list->items[list->n - 1];
    /* The next turn that keeps all goes on in the private stream that its parent brought to its present end. In any
     * other case that stream may have gone on already. */
    const bool at_end = turn->parent + 1 == index && turn->kept_toks == context_toks(parent) &&
                        parent->kept_toks < context_toks(parent) && last->stream < stream_common(STREAM_SHARED, 0);
    if (at_end && more) {
        extent_list_append(list, (struct extent){.stream = last->stream, .first = list->n_tokens, .count = more});
    } else if (more) {
        append_fresh(list, program, index);
    }
}

static void copy_explicit(struct extent_list *list, const struct program *program, const struct turn *turn)
{
    for (uint32_t i = 0; i < turn->n_extents; i++) {
        extent_list_append(list, program->extents[turn->first_extent + i]);
    }
}

/* The turn whose context `index` is made from; UINT32_MAX when it is made from nothing. */
static uint32_t origin(const struct program *program, uint32_t index)
{
    const struct turn *turn = &program->turns[index];
    return turn->n_extents || turn->kept_toks == 0 ? UINT32_MAX : turn->parent;
}

/* Builds turn `index` from the nearest ancestor that stands alone. The path is found again from the top at each step,
 * which costs the square of its length and no memory; it is taken only when a turn goes back to an old context. */
static void rebuild(struct prompt_state *state, const struct program *program, uint32_t index)
{
    prompt_state_reset(state);
    uint32_t done = UINT32_MAX;
    while (done != index) {
        uint32_t next = index;
        while (origin(program, next) != done) {
            next = origin(program, next);
        }
        const struct turn *turn = &program->turns[next];
        if (turn->n_extents) {
            copy_explicit(&state->context, program, turn);
        } else if (done == UINT32_MAX) {
            append_fresh(&state->context, program, next);
        } else {
            step(&state->context, program, next);
        }
        done = next;
    }
}

struct content prompt_build(struct prompt_state *state, const struct program *program, uint32_t index)
{
    assert(index < program->n_turns);
    const struct turn *turn = &program->turns[index];
    assert(turn->kept_toks <= turn->prompt_toks && (turn->kept_toks == 0 || turn->parent < index));
    if (turn->n_extents) {
        return (struct content){.extents = program->extents + turn->first_extent,
                                .n_extents = turn->n_extents,
                                .n_tokens = context_toks(turn)};
    }
    if (state->turn != index) {
        if (state->turn != UINT32_MAX && state->turn == origin(program, index)) {
            step(&state->context, program, index);
        } else {
            rebuild(state, program, index);
        }
        state->turn = index;
    }
    assert(state->context.n_tokens == context_toks(turn));
    return extent_list_content(&state->context);
}

struct content prompt_build_after(struct prompt_state *state, const struct prompt_state *before,
                                  const struct program *program, uint32_t index)
{
    const uint32_t parent = origin(program, index);
    if (parent != UINT32_MAX && before->turn == parent && state->turn != index) {
        prompt_state_reset(state);
        for (size_t i = 0; i < before->context.n; i++) {
            extent_list_append(&state->context, before->context.items[i]);
        }
        state->turn = parent;
    }
    return prompt_build(state, program, index);
}
