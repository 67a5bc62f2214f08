#include "orchestrator/checkpoint.h"

#include "orchestrator/orchestrator_internal.h"

#include <inttypes.h>

#define SECTION "orchestrator"
enum { SECTION_VERSION = 3 };

/* Bytes of a program in progress, with its slot. */
enum { PROGRAM_BYTES = 4 + 8 + 2 * 4 + 4 * 8 + 3 * 8 + 3 * 8 + 2 * 4 };

uint64_t orchestrator_programs_taken(const struct orchestrator *orchestrator)
{
    return orchestrator_is_closed(&orchestrator->options) ? orchestrator->next_program : orchestrator->arrivals.next;
}

simtime orchestrator_last_arrival(const struct orchestrator *orchestrator)
{
    return orchestrator->arrivals.last;
}

uint32_t orchestrator_slots(const struct orchestrator *orchestrator)
{
    return (uint32_t)orchestrator->n_slots;
}

bool orchestrator_in_progress(const struct orchestrator *orchestrator, uint32_t slot)
{
    return slot < orchestrator->n_slots && slot_is_taken(orchestrator, slot) &&
           slot_at(orchestrator, slot)->started;
}

uint32_t orchestrator_turns(const struct orchestrator *orchestrator, uint32_t slot)
{
    return orchestrator_in_progress(orchestrator, slot) ? slot_at(orchestrator, slot)->program.n_turns : 0;
}

bool orchestrator_is_live(const struct orchestrator *orchestrator, uint32_t slot, uint32_t turn)
{
    if (turn >= orchestrator_turns(orchestrator, slot)) {
        return false;
    }
    const struct progress *progress = slot_at(orchestrator, slot);
    return progress->program.graph ? nodes_is_live(progress, turn) : turn == progress->turn;
}

/* ---- saving ---- */

static void save_program(const struct program_state *state, struct store_writer *writer)
{
    store_put_u64(writer, state->program);
    store_put_u32(writer, state->turn);
    store_put_u32(writer, state->client);
    store_put_i64(writer, state->ready);
    store_put_i64(writer, state->arrival);
    store_put_i64(writer, state->tool_time);
    store_put_i64(writer, state->attained);
    program_sums_save(&state->sums, writer);
}

void orchestrator_save(const struct orchestrator *orchestrator, struct store_writer *writer)
{
    uint64_t n = 0;
    for (uint32_t slot = 0; slot < orchestrator->n_slots; slot++) {
        n += orchestrator_in_progress(orchestrator, slot);
    }
    store_begin(writer, SECTION, SECTION_VERSION);
    arrivals_save(&orchestrator->arrivals, writer);
    store_put_u64(writer, orchestrator->next_program);
    store_put_u64(writer, orchestrator->n_slots);
    store_put_u64(writer, n);
    for (uint32_t slot = 0; slot < orchestrator->n_slots; slot++) {
        if (orchestrator_in_progress(orchestrator, slot)) {
            const struct program_state state = orchestrator_state(orchestrator, slot);
            store_put_u32(writer, slot);
            save_program(&state, writer);
            if (slot_at(orchestrator, slot)->program.graph) {
                nodes_save(slot_at(orchestrator, slot), writer);
            }
        }
    }
    store_end(writer);
}

/* ---- loading ---- */

static struct program_state load_program(struct store_reader *reader)
{
    struct program_state state;
    state.program = store_get_u64(reader);
    state.turn = store_get_u32(reader);
    state.client = store_get_u32(reader);
    state.ready = store_get_i64(reader);
    state.arrival = store_get_i64(reader);
    state.tool_time = store_get_i64(reader);
    state.attained = store_get_i64(reader);
    state.sums = program_sums_load(reader);
    return state;
}

static bool is_sound(const struct orchestrator *orchestrator, const struct program_state *state)
{
    const uint32_t clients =
        orchestrator_is_closed(&orchestrator->options) ? orchestrator->options.arrivals.clients : 1;
    return state->program < orchestrator->n_programs && state->client < clients && state->arrival >= 0 &&
           state->arrival <= state->ready && state->ready < SIMTIME_LIMIT && state->tool_time >= 0 &&
           state->tool_time <= state->ready - state->arrival && state->attained >= 0 &&
           state->attained <= state->ready - state->arrival - state->tool_time && state->sums.turns == state->turn;
}

/* Room for the slots of the file; more programs than the workload has were never in progress. */
static bool make_slots(struct orchestrator *orchestrator, struct store_reader *reader)
{
    const uint64_t n_slots = store_get_u64(reader);
    if (n_slots % SLOTS_PER_CHUNK != 0 || n_slots >= NO_SLOT ||
        n_slots / SLOTS_PER_CHUNK > orchestrator->n_programs / SLOTS_PER_CHUNK + 1) {
        store_refuse(reader, "%" PRIu64 " slots for %" PRIu64 " programs", n_slots, orchestrator->n_programs);
        return false;
    }
    while (orchestrator->n_slots < n_slots) {
        orchestrator_add_slots(orchestrator);
    }
    return true;
}

static void find_free_slots(struct orchestrator *orchestrator)
{
    orchestrator->n_free = 0;
    for (uint32_t slot = (uint32_t)orchestrator->n_slots; slot-- > 0;) {
        if (!slot_is_taken(orchestrator, slot)) {
            orchestrator_reuse_slot(orchestrator, slot);
        }
    }
}

static void load_slot(struct orchestrator *orchestrator, uint64_t least_slot, uint32_t slot,
                      const struct program_state *state, uint32_t n_instances, struct store_reader *reader)
{
    if (slot < least_slot || slot >= orchestrator->n_slots || !is_sound(orchestrator, state)) {
        store_refuse(reader, "program %" PRIu64 ", turn %" PRIu32 " in slot %" PRIu32 " makes no sense", state->program,
                     state->turn, slot);
    } else if (!orchestrator_resume(orchestrator, slot, state)) {
        store_refuse(reader, "program %" PRIu64 " cannot be had from the workload, or has no turn %" PRIu32,
                     state->program, state->turn);
    } else if (slot_at(orchestrator, slot)->program.graph && (state->turn || state->ready != state->arrival)) {
        store_refuse(reader, "program %" PRIu64 " is a graph and cannot be at turn %" PRIu32, state->program,
                     state->turn);
    } else if (slot_at(orchestrator, slot)->program.graph) {
        nodes_load(orchestrator, slot, n_instances, reader);
    }
}

bool orchestrator_load(struct orchestrator *orchestrator, uint32_t n_instances, struct store_reader *reader)
{
    if (!store_enter(reader, SECTION, SECTION_VERSION) || !arrivals_load(&orchestrator->arrivals, reader)) {
        return false;
    }
    orchestrator->next_program = store_get_u64(reader);
    if (orchestrator->next_program > orchestrator->n_programs) {
        store_refuse(reader, "program %" PRIu64 " of %" PRIu64 " is next", orchestrator->next_program,
                     orchestrator->n_programs);
    }
    if (store_failed(reader) || !make_slots(orchestrator, reader)) {
        return false;
    }
    const uint64_t n = store_get_count(reader, PROGRAM_BYTES);
    uint64_t least_slot = 0;
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        const uint32_t slot = store_get_u32(reader);
        const struct program_state state = load_program(reader);
        if (!store_failed(reader)) {
            load_slot(orchestrator, least_slot, slot, &state, n_instances, reader);
            least_slot = (uint64_t)slot + 1;
        }
    }
    find_free_slots(orchestrator);
    return store_leave(reader);
}
