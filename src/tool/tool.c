#include "tool/tool.h"

#include "base/mem.h"
#include "base/rng.h"

#include <string.h>

struct tool_simulator {
    uint64_t seed;
    uint32_t n_tools;
    bool *is_drawn;             /* by tool; otherwise the workload's gap holds */
    struct distribution *drawn; /* seconds, by tool */
};

static bool draw_all(struct tool_simulator *tool, const struct workload *workload, const char *name,
                     const struct distribution *seconds)
{
    bool known = false;
    for (uint32_t i = 0; i < tool->n_tools; i++) {
        if (!name || strcmp(name, workload_tool_name(workload, i)) == 0) {
            tool->is_drawn[i] = true;
            tool->drawn[i] = *seconds;
            known = true;
        }
    }
    return known || !name;
}

static void report_unknown_tool(const struct tool_simulator *tool, const struct workload *workload, const char *name,
                                struct diag *diag)
{
    char known[512] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < tool->n_tools && used + 64 < sizeof known; i++) {
        const char *other = workload_tool_name(workload, i);
        const size_t length = strlen(other) < 60 ? strlen(other) : 60;
        memcpy(known + used, used ? ", " : "", used ? 2 : 0);
        used += used ? 2 : 0;
        memcpy(known + used, other, length);
        used += length;
        known[used] = '\0';
    }
    diag_error(diag, ASIM_USAGE, (struct diag_where){0}, "tool_gap: the workload has no tool '%s'; it has: %s", name,
               known);
}

struct tool_simulator *tool_create(const struct gap_rule *rule, const struct workload *workload, uint64_t seed,
                                   struct diag *diag)
{
    struct tool_simulator *tool = mem_zalloc(sizeof *tool);
    tool->seed = seed;
    tool->n_tools = workload_tool_count(workload);
    tool->is_drawn = mem_zalloc((tool->n_tools + 1) * sizeof *tool->is_drawn);
    tool->drawn = mem_zalloc((tool->n_tools + 1) * sizeof *tool->drawn);
    bool good = true;
    for (size_t i = 0; i < rule->n_entries; i++) {
        const struct gap_entry *entry = &rule->entries[i];
        if (!draw_all(tool, workload, entry->tool, &entry->seconds)) {
            report_unknown_tool(tool, workload, entry->tool, diag);
            good = false;
        }
    }
    if (!good) {
        tool_destroy(tool);
        return NULL;
    }
    return tool;
}

void tool_destroy(struct tool_simulator *tool)
{
    if (tool) {
        mem_free(tool->is_drawn);
        mem_free(tool->drawn);
        mem_free(tool);
    }
}

simtime tool_edge_gap(const struct tool_simulator *tool, const struct program *program, uint32_t turn, simtime delay)
{
    const struct turn *spec = &program->turns[turn];
    if (spec->tool >= tool->n_tools || !tool->is_drawn[spec->tool]) {
        return delay;
    }
    const struct rng_key key = {.seed = tool->seed, .program = program->id, .turn = turn, .purpose = RNG_GAP};
    simtime gap = SIMTIME_LIMIT; /* the far tail of a distribution ends where durations do */
    simtime_from_s(distribution_sample(&tool->drawn[spec->tool], rng_uniform(key, 0)), &gap);
    return gap;
}

simtime tool_gap(const struct tool_simulator *tool, const struct program *program, uint32_t turn)
{
    return tool_edge_gap(tool, program, turn, program->turns[turn].gap);
}
