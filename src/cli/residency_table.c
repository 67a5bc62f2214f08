#include "cli/residency_table.h"

#include "cli/grid.h"
#include "cli/human.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 40, CELL_BYTES = 256 };

static asim_residency record_at(const asim_result *result, size_t index)
{
    asim_residency record = {.struct_size = sizeof record};
    asim_result_residency(result, index, &record);
    return record;
}

/* The number, "-" for none. */
static void add_number(struct grid *grid, uint32_t number)
{
    char text[HUMAN_BYTES];
    grid_add(grid, number == UINT32_MAX ? "-" : human_count(number, text));
}

static void add_text(char *cell, const char *text)
{
    const size_t used = strlen(cell);
    snprintf(cell + used, CELL_BYTES - used, "%s%.100s", used ? "; " : "", text);
}

/* Of holders that are alike, one. */
static void add_holders(struct grid *grid, const asim_residency *record)
{
    char cell[CELL_BYTES] = "";
    bool turn = false;
    bool transfer = false;
    for (size_t i = 0; i < record->n_pins; i++) {
        const asim_kv_pin *pin = &record->pins[i];
        char time[HUMAN_BYTES];
        char text[100];
        turn |= pin->by == ASIM_KV_BY_TURN;
        transfer |= pin->by == ASIM_KV_BY_TRANSFER;
        if (pin->by == ASIM_KV_BY_PIN || pin->by == ASIM_KV_BY_HOLD) {
            const char *until = pin->until == ASIM_KV_UNTIL_TIME ? human_duration(1e-12 * (double)pin->until_ps, time)
                                : pin->until == ASIM_KV_UNTIL_NEEDED ? "needed"
                                                                     : "admitted";
            snprintf(text, sizeof text, "%s of %.40s until %s", pin->by == ASIM_KV_BY_PIN ? "pin" : "hold", pin->policy,
                     until);
            add_text(cell, text);
        }
    }
    if (turn) {
        add_text(cell, "turn");
    }
    if (transfer) {
        add_text(cell, "transfer");
    }
    grid_add(grid, cell[0] ? cell : "-");
}

static void add_turn(struct grid *grid, const asim_residency *record)
{
    static const char *const phases[] = {
        [ASIM_KV_JOIN] = "join",       [ASIM_KV_GAP] = "gap",         [ASIM_KV_GATEWAY] = "gateway",
        [ASIM_KV_SENT] = "sent",       [ASIM_KV_WAITING] = "waiting", [ASIM_KV_LOADING] = "loading",
        [ASIM_KV_LEAVING] = "leaving", [ASIM_KV_RUNNING] = "running"};
    const asim_kv_turn *turn = record->n_turns ? &record->turns[0] : NULL;
    add_number(grid, turn ? turn->turn : UINT32_MAX);
    grid_add(grid, !turn ? "ended" : turn->at != record->instance ? "elsewhere" : phases[turn->phase]);
    add_number(grid, turn ? turn->context_tokens : UINT32_MAX);
}

static void add_row(struct grid *grid, const asim_residency *record, uint32_t tiers)
{
    char text[HUMAN_BYTES];
    grid_add(grid, human_duration(1e-12 * (double)record->time_ps, text));
    add_number(grid, record->instance);
    if (record->name) {
        grid_add(grid, record->name);
    } else {
        snprintf(text, sizeof text, "%" PRIu64, record->program);
        grid_add(grid, text);
    }
    add_turn(grid, record);
    for (int i = 0; i < ASIM_TIERS; i++) {
        if (tiers & 1u << i) {
            const bool told = record->tiers_told & 1u << i;
            grid_add(grid, told ? human_size((double)record->tiers[i].bytes, text) : "-");
        }
    }
    add_holders(grid, record);
}

static void add_heading(struct grid *grid, uint32_t tiers)
{
    static const char *const first[] = {"time", "instance", "program", "turn", "phase", "context"};
    static const char *const names[ASIM_TIERS] = {"HBM", "DRAM", "CXL", "NVMe"};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        grid_add(grid, first[i]);
    }
    for (int i = 0; i < ASIM_TIERS; i++) {
        if (tiers & 1u << i) {
            grid_add(grid, names[i]);
        }
    }
    grid_add(grid, "held by");
}

void residency_print(FILE *out, const asim_result *result)
{
    const size_t n = asim_result_residency_count(result);
    if (!n) {
        return;
    }
    const uint32_t tiers = record_at(result, 0).tiers_told; /* of the first instance: all that there are */
    struct grid grid;
    grid_init(&grid, 7 + (size_t)__builtin_popcount(tiers));
    for (size_t i = 0; i < grid.n_columns; i++) {
        grid.right_aligned[i] = i != 2 && i != 4 && i + 1 < grid.n_columns;
    }
    add_heading(&grid, tiers);
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        const asim_residency record = record_at(result, i);
        rows += !record.is_instance;
        if (!record.is_instance && rows <= MOST_ROWS) {
            add_row(&grid, &record, tiers);
        }
    }
    fputs("\nresidency of KV\n", out);
    grid_print(out, &grid, 2, HUMAN_COLUMNS);
    if (rows > MOST_ROWS) {
        char text[HUMAN_BYTES];
        fprintf(out, "  and %s more; --out DIR writes all, and more of each, to residency.jsonl\n",
                human_count((int64_t)rows - MOST_ROWS, text));
    }
    grid_fini(&grid);
}
