/* Programs in progress, for who reports on them. */
#include "orchestrator/orchestrator_internal.h"

#include <assert.h>

static struct present_turn present_node(const struct progress *progress, struct ready_turn ready, uint32_t turn)
{
    return (struct present_turn){.program = progress->program.id,
                                 .name = progress->program.name,
                                 .arrival = progress->arrival,
                                 .turn = turn,
                                 .ready = nodes_is_live(progress, turn) ? ready.time : SIMTIME_NEVER,
                                 .home = ready.home,
                                 .follows = progress->program.turns[turn].parent};
}

bool orchestrator_next_present(const struct orchestrator *orchestrator, uint32_t slot, uint32_t *next,
                               struct present_turn *out)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    if (progress->program.graph) {
        uint32_t turn = *next;
        while (turn < progress->program.n_turns && !nodes_is_present(progress, turn)) {
            turn++;
        }
        *next = turn + 1;
        if (turn < progress->program.n_turns) {
            *out = present_node(progress, nodes_ready(orchestrator, progress, slot, turn), turn);
        }
        return turn < progress->program.n_turns;
    }
    if (*next > progress->turn) {
        return false;
    }
    *next = progress->turn + 1;
    *out = (struct present_turn){.program = progress->program.id,
                                 .name = progress->program.name,
                                 .arrival = progress->arrival,
                                 .turn = progress->turn,
                                 .ready = progress->ready,
                                 .home = progress->home,
                                 .follows = progress->turn - 1};
    return true;
}

struct content orchestrator_context(struct orchestrator *orchestrator, uint32_t slot, uint32_t number, uint32_t *toks)
{
    const struct turn *turn = &slot_at(orchestrator, slot)->program.turns[number];
    const struct content content = orchestrator_prompt(orchestrator, slot, number, toks);
    const uint32_t room = orchestrator->options.max_model_len - *toks;
    *toks += turn->output_toks < room ? turn->output_toks : room;
    assert(*toks <= content.n_tokens);
    return content;
}
