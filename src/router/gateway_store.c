#include "router/gateway_internal.h"

#include <inttypes.h>

#define SECTION "gateway"
enum { SECTION_VERSION = 2 };

/* The least bytes of a turn here, a move, a turn sent and an end. */
enum { TURN_BYTES = 32, MOVE_BYTES = 28, SENT_BYTES = 20, END_BYTES = 17 };

uint64_t gateway_programs_ended(const struct gateway *gateway)
{
    uint64_t ended = gateway->programs_ended;
    for (size_t i = 0; i < gateway->n_ends; i++) {
        ended += gateway->ends[i].is_program;
    }
    return ended;
}

/* ---- saving ---- */

static void put_turns(const struct gateway_turns *turns, struct store_writer *writer)
{
    store_put_u64(writer, turns->n);
    for (size_t i = 0; i < turns->n; i++) {
        const struct gateway_turn *turn = &turns->items[i];
        store_put_i64(writer, turn->time);
        store_put_u32(writer, turn->slot);
        store_put_u32(writer, gateway_turn_number(turn->key));
        store_put_u32(writer, turn->home);
        store_put_u32(writer, turn->prompt_toks);
        store_put_u32(writer, turn->kv_blocks);
        store_put_u32(writer, turn->kv_at);
    }
}

static void put_moves(const struct gateway *gateway, struct store_writer *writer)
{
    store_put_u64(writer, gateway->n_moves);
    for (size_t i = 0; i < gateway->n_moves; i++) {
        store_put_u64(writer, gateway->moves[i].key);
        store_put_i64(writer, gateway->moves[i].asked);
        store_put_u32(writer, gateway->moves[i].from);
        store_put_u32(writer, gateway->moves[i].to);
        store_put_u32(writer, gateway->moves[i].n);
    }
}

static void put_sent(const struct gateway *gateway, struct store_writer *writer)
{
    for (uint32_t i = 0; gateway->sent && i < gateway->router->options.n_instances; i++) {
        store_put_u64(writer, gateway->sent[i].n);
        for (size_t k = 0; k < gateway->sent[i].n; k++) {
            store_put_u64(writer, gateway->sent[i].items[k].program);
            store_put_u32(writer, gateway->sent[i].items[k].turn);
            store_put_i64(writer, gateway->sent[i].items[k].sent);
        }
    }
}

static void put_end(const struct gateway_end *end, struct store_writer *writer)
{
    const struct asim_completion *completion = &end->completion;
    store_put_i64(writer, end->time);
    store_put_u64(writer, end->key);
    store_put_u8(writer, end->is_program);
    if (!end->is_program) {
        store_put_u32(writer, completion->instance);
        store_put_u32(writer, completion->prompt_toks);
        store_put_u32(writer, completion->output_toks);
        store_put_u32(writer, completion->hit_toks);
        store_put_i64(writer, completion->ready);
        store_put_i64(writer, completion->arrived);
        store_put_i64(writer, completion->first_scheduled);
        store_put_i64(writer, completion->first_token);
    }
}

void gateway_save(const struct gateway *gateway, struct store_writer *writer)
{
    store_begin(writer, SECTION, SECTION_VERSION);
    store_put_i64(writer, gateway->next_tick);
    store_put_i64(writer, gateway->active);
    store_put_u64(writer, gateway->programs_ended);
    put_turns(&gateway->held, writer);
    put_turns(&gateway->returning, writer);
    put_moves(gateway, writer);
    put_sent(gateway, writer);
    store_put_u64(writer, gateway->n_ends);
    for (size_t i = 0; i < gateway->n_ends; i++) {
        put_end(&gateway->ends[i], writer);
    }
    store_end(writer);
}

/* ---- loading ---- */

static bool is_time(simtime time)
{
    return time >= 0 && time < SIMTIME_NEVER;
}

static bool is_instance(const struct gateway *gateway, uint32_t instance)
{
    return instance < gateway->router->options.n_instances;
}

static void get_turns(struct gateway *gateway, void (*add)(struct gateway *gateway, const struct gateway_turn *turn),
                      gateway_lender lend, void *user, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, TURN_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct gateway_turn turn = {.time = store_get_i64(reader), .to = ASIM_NONE};
        turn.slot = store_get_u32(reader);
        const uint32_t number = store_get_u32(reader);
        turn.home = store_get_u32(reader);
        turn.prompt_toks = store_get_u32(reader);
        turn.kv_blocks = store_get_u32(reader);
        turn.kv_at = store_get_u32(reader);
        const bool has_home = turn.home == ASIM_NONE || is_instance(gateway, turn.home);
        if (store_failed(reader) || !is_time(turn.time) || !has_home || !lend(user, &turn, number)) {
            store_refuse(reader, "turn %" PRIu32 " in slot %" PRIu32 " cannot be at the gateway", number, turn.slot);
            return;
        }
        add(gateway, &turn);
    }
}

static void get_moves(struct gateway *gateway, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, MOVE_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct move move = {.key = store_get_u64(reader)};
        move.asked = store_get_i64(reader);
        move.from = store_get_u32(reader);
        move.to = store_get_u32(reader);
        move.n = store_get_u32(reader);
        const bool in_order = !gateway->n_moves || gateway->moves[gateway->n_moves - 1].key < move.key;
        if (store_failed(reader) || !is_time(move.asked) || !is_instance(gateway, move.from) ||
            !is_instance(gateway, move.to) || !in_order) {
            store_refuse(reader, "a turn moves from instance %" PRIu32 " to %" PRIu32, move.from, move.to);
            return;
        }
        gateway_add_move(gateway, &move);
    }
}

static void get_sent(struct gateway *gateway, struct store_reader *reader)
{
    for (uint32_t i = 0; gateway->sent && i < gateway->router->options.n_instances && !store_failed(reader); i++) {
        const uint64_t n = store_get_count(reader, SENT_BYTES);
        const simtime active = gateway->active;
        for (uint64_t k = 0; k < n && !store_failed(reader); k++) {
            const uint64_t program = store_get_u64(reader);
            const uint32_t turn = store_get_u32(reader);
            gateway_note_sent(gateway, gateway_key(program, turn), i, store_get_i64(reader));
        }
        gateway->active = active;
    }
}

static void get_end(struct gateway *gateway, struct store_reader *reader)
{
    struct gateway_end end = {.time = store_get_i64(reader), .key = store_get_u64(reader)};
    end.is_program = store_get_u8(reader) != 0;
    if (!end.is_program) {
        struct asim_completion *completion = &end.completion;
        completion->program = gateway_program(end.key);
        completion->turn = gateway_turn_number(end.key);
        completion->instance = store_get_u32(reader);
        completion->prompt_toks = store_get_u32(reader);
        completion->output_toks = store_get_u32(reader);
        completion->hit_toks = store_get_u32(reader);
        completion->ready = store_get_i64(reader);
        completion->arrived = store_get_i64(reader);
        completion->first_scheduled = store_get_i64(reader);
        completion->first_token = store_get_i64(reader);
        completion->ended = end.time;
    }
    if (store_failed(reader) || !is_time(end.time) || !is_instance(gateway, end.completion.instance)) {
        store_refuse(reader, "a turn ended at instance %" PRIu32 " at %" PRId64 " ps", end.completion.instance,
                     end.time);
        return;
    }
    gateway_add_ends(gateway, &end, 1);
}

/* The next tick is the first multiple of the period after where the run goes on, or that itself. */
static bool is_next_tick(const struct gateway *gateway, simtime time, simtime now)
{
    if (time == SIMTIME_NEVER) {
        return true;
    }
    const simtime period = gateway->tick_period;
    return time >= now && time - now <= period && time % period == 0;
}

bool gateway_load(struct gateway *gateway, simtime now, gateway_lender lend, void *user, struct store_reader *reader)
{
    if (!store_enter(reader, SECTION, SECTION_VERSION)) {
        return false;
    }
    const simtime next_tick = store_get_i64(reader);
    gateway->active = store_get_i64(reader);
    gateway->programs_ended = store_get_u64(reader);
    if (!is_next_tick(gateway, next_tick, now) || !is_time(gateway->active)) {
        store_refuse(reader, "the router looks at the cluster at %" PRId64 " ps; the run goes on at %" PRId64 " ps",
                     next_tick, now);
    }
    gateway->next_tick = next_tick;
    get_turns(gateway, gateway_hold, lend, user, reader);
    get_turns(gateway, gateway_add_return, lend, user, reader);
    get_moves(gateway, reader);
    get_sent(gateway, reader);
    const uint64_t n = store_get_count(reader, END_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        get_end(gateway, reader);
    }
    return store_leave(reader);
}
