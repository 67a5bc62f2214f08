/* What policies and statistics may know of a turn. */
#include "orchestrator/orchestrator_internal.h"

uint32_t orchestrator_kept_toks(const struct orchestrator *orchestrator, uint32_t slot, uint32_t number)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    return progress->program.graph ? progress->program.turns[number].kept_toks : progress->kept_toks;
}

uint32_t orchestrator_home(const struct orchestrator *orchestrator, uint32_t slot, uint32_t number)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    return progress->program.graph ? nodes_home(progress, number) : progress->home;
}

/* The turn that a turn follows; false for a root. */
static bool find_parent(const struct program *program, uint32_t turn, uint32_t *parent)
{
    *parent = program->graph ? program->turns[turn].parent : turn - 1;
    return turn >= (program->graph ? program->graph->n_roots : 1);
}

struct turn_facts orchestrator_facts(const struct orchestrator *orchestrator, uint32_t slot, uint32_t number)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    const struct program *program = &progress->program;
    const bool is_last = program_is_sink(program, number);
    const simtime gap = program->graph ? orchestrator_gap(orchestrator, progress, number) : progress->gap;
    const simtime deadline = orchestrator_deadline(progress);
    uint32_t parent;
    const bool follows = find_parent(program, number, &parent);
    struct turn_facts facts = {.program_arrival = progress->arrival,
                               .gap_before = follows ? orchestrator_gap(orchestrator, progress, parent) : -1,
                               .gap_after = is_last ? SIMTIME_NEVER : gap,
                               .attained = progress->attained,
                               .critical = progress->attained,
                               .deadline = deadline ? deadline : SIMTIME_NEVER,
                               .hint_pin = program->hints ? program->hints[number].pin : -1,
                               .hint_resume = program->hints ? program->hints[number].resume : -1,
                               .tenant = program->tenant,
                               .kept_toks = orchestrator_kept_toks(orchestrator, slot, number),
                               .kept_before = follows ? program->turns[parent].kept_toks : 0,
                               .tool_before = follows ? program->turns[parent].tool : NO_TOOL,
                               .tool_after = is_last ? NO_TOOL : program->turns[number].tool,
                               .is_last = is_last};
    if (program->graph) {
        nodes_service(progress, number, &facts.attained, &facts.critical);
    }
    for (uint32_t i = number; i < program->n_turns; i++) {
        facts.remaining_toks += program->turns[i].output_toks;
    }
    return facts;
}
