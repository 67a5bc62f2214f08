#include "router/gateway_internal.h"

#include "base/mem.h"
#include "policy/policy_call.h"

#include <inttypes.h>
#include <stdlib.h>

/* A turn is moved so often; and so long turns may be held while none is at an instance. */
enum { MOST_MOVES = 8 };
#define LONGEST_HOLD (3600 * SIMTIME_S)

/* Of the end of a program: after all of its turns. */
enum { PROGRAM_END = 0xffffff };

/* Up to the next multiple of the telemetry period. */
static simtime round_up(const struct gateway *gateway, simtime time)
{
    const simtime period = gateway->router->options.telemetry_period;
    const simtime over = time % period;
    return over == 0 ? time : time < SIMTIME_NEVER - period ? time + period - over : SIMTIME_NEVER;
}

struct gateway *gateway_create(struct router *router)
{
    const struct asim_policy *policy = router_policy(router);
    if (!policy->on_complete && !policy->route_tick) {
        return NULL;
    }
    struct gateway *gateway = mem_zalloc(sizeof *gateway);
    gateway->router = router;
    gateway->tick_period = gateway->next_tick = SIMTIME_NEVER;
    if (policy->route_tick) {
        const simtime period = policy->route_tick_period ? policy->route_tick_period(router->options.policy->parameters)
                                                         : router->options.telemetry_period;
        gateway->tick_period = gateway->next_tick = round_up(gateway, period > 0 ? period : 1);
        gateway->sent = mem_zalloc(router->options.n_instances * sizeof *gateway->sent);
    }
    return gateway;
}

void gateway_destroy(struct gateway *gateway)
{
    if (!gateway) {
        return;
    }
    for (uint32_t i = 0; gateway->sent && i < gateway->router->options.n_instances; i++) {
        mem_free(gateway->sent[i].items);
    }
    mem_free(gateway->sent);
    mem_free(gateway->held.items);
    mem_free(gateway->released.items);
    mem_free(gateway->returning.items);
    mem_free(gateway->moves);
    mem_free(gateway->recalls);
    mem_free(gateway->ends);
    mem_free(gateway);
}

/* ---- turns ---- */

static void add_turn(struct gateway_turns *turns, const struct gateway_turn *turn)
{
    turns->items = mem_grow(turns->items, &turns->capacity, turns->n + 1, sizeof *turns->items);
    turns->items[turns->n++] = *turn;
}

void gateway_hold(struct gateway *gateway, const struct gateway_turn *turn)
{
    struct gateway_turn held = *turn;
    held.to = ASIM_NONE;
    add_turn(&gateway->held, &held);
}

void gateway_note_sent(struct gateway *gateway, uint64_t key, uint32_t instance, simtime now)
{
    gateway->active = now > gateway->active ? now : gateway->active;
    if (gateway->sent) {
        struct sent_turns *sent = &gateway->sent[instance];
        sent->items = mem_grow(sent->items, &sent->capacity, sent->n + 1, sizeof *sent->items);
        sent->items[sent->n++] =
            (struct asim_sent){.program = gateway_program(key), .turn = gateway_turn_number(key), .sent = now};
        gateway->n_sent++;
    }
}

static void forget_sent(struct gateway *gateway, uint64_t key, uint32_t instance)
{
    struct sent_turns *sent = &gateway->sent[instance];
    size_t at = 0;
    while (at < sent->n && gateway_key(sent->items[at].program, sent->items[at].turn) != key) {
        at++;
    }
    if (at == sent->n) {
        return; /* a damaged file did not know of it */
    }
    sent->n--;
    gateway->n_sent--;
    for (; at < sent->n; at++) {
        sent->items[at] = sent->items[at + 1];
    }
}

/* The move of a turn, or where it would be. */
static size_t find_move(const struct gateway *gateway, uint64_t key)
{
    size_t first = 0;
    size_t end = gateway->n_moves;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (gateway->moves[middle].key < key) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

static struct move *move_of(const struct gateway *gateway, uint64_t key)
{
    const size_t at = find_move(gateway, key);
    return at < gateway->n_moves && gateway->moves[at].key == key ? &gateway->moves[at] : NULL;
}

static void forget_move(struct gateway *gateway, uint64_t key)
{
    const struct move *move = move_of(gateway, key);
    if (move) {
        gateway->n_moves--;
        for (size_t at = (size_t)(move - gateway->moves); at < gateway->n_moves; at++) {
            gateway->moves[at] = gateway->moves[at + 1];
        }
    }
}

struct move *gateway_add_move(struct gateway *gateway, const struct move *move)
{
    const size_t at = find_move(gateway, move->key);
    gateway->moves = mem_grow(gateway->moves, &gateway->move_capacity, gateway->n_moves + 1, sizeof *gateway->moves);
    for (size_t i = gateway->n_moves++; i > at; i--) {
        gateway->moves[i] = gateway->moves[i - 1];
    }
    gateway->moves[at] = *move;
    return &gateway->moves[at];
}

static bool comes_before(const struct gateway_turn *a, const struct gateway_turn *b)
{
    return a->time < b->time || (a->time == b->time && a->key < b->key);
}

void gateway_add_return(struct gateway *gateway, const struct gateway_turn *turn)
{
    struct gateway_turns *returning = &gateway->returning;
    add_turn(returning, turn);
    for (size_t i = returning->n - 1; i > 0 && comes_before(turn, &returning->items[i - 1]); i--) {
        returning->items[i] = returning->items[i - 1];
        returning->items[i - 1] = *turn;
    }
}

simtime gateway_first_return(const struct gateway *gateway, uint64_t *key)
{
    if (!gateway->returning.n) {
        return SIMTIME_NEVER;
    }
    *key = gateway->returning.items[0].key;
    return gateway->returning.items[0].time;
}

struct gateway_turn gateway_take_return(struct gateway *gateway)
{
    struct gateway_turns *returning = &gateway->returning;
    struct gateway_turn turn = returning->items[0];
    returning->n--;
    for (size_t i = 0; i < returning->n; i++) {
        returning->items[i] = returning->items[i + 1];
    }
    struct move *move = move_of(gateway, turn.key);
    turn.to = ASIM_NONE;
    if (move) {
        move->n++;
        turn.to = move->to;
        forget_sent(gateway, turn.key, move->from);
    }
    return turn;
}

uint64_t gateway_turns(const struct gateway *gateway)
{
    return gateway->held.n + gateway->returning.n;
}

/* ---- ends ---- */

struct gateway_end gateway_program_end(uint64_t program, simtime time)
{
    return (struct gateway_end){.time = time, .key = gateway_key(program, PROGRAM_END), .is_program = true};
}

void gateway_add_ends(struct gateway *gateway, const struct gateway_end *ends, size_t n)
{
    gateway->ends = mem_grow(gateway->ends, &gateway->end_capacity, gateway->n_ends + n, sizeof *gateway->ends);
    for (size_t i = 0; i < n; i++) {
        gateway->ends[gateway->n_ends++] = ends[i];
    }
    gateway->is_sorted = gateway->is_sorted && !n;
}

static int by_time(const void *left, const void *right)
{
    const struct gateway_end *a = left;
    const struct gateway_end *b = right;
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return (a->key > b->key) - (a->key < b->key);
}

static void tell_of_end(struct gateway *gateway, const struct gateway_end *end, bool is_last)
{
    struct router *router = gateway->router;
    const struct policy_use *use = router->options.policy;
    if (gateway->sent) {
        forget_sent(gateway, end->key, end->completion.instance);
        forget_move(gateway, end->key);
    }
    if (!use->policy->on_complete) {
        return;
    }
    const bool at_once = router->options.view == ROUTER_VIEW_EXACT;
    const struct asim_context context = {.state = router->policy_state,
                                         .parameters = use->parameters,
                                         .now = at_once ? end->time : round_up(gateway, end->time),
                                         .instance = ASIM_NONE,
                                         .block_size = router->options.block_size};
    struct asim_completion completion = end->completion;
    completion.is_last = is_last;
    policy_enter(use, "on_complete");
    use->policy->on_complete(&context, &completion);
    policy_leave(use);
}

void gateway_tell(struct gateway *gateway, simtime instant)
{
    if (!gateway->is_sorted && gateway->n_ends) {
        qsort(gateway->ends, gateway->n_ends, sizeof *gateway->ends, by_time);
        gateway->is_sorted = true;
    }
    size_t told = 0;
    while (told < gateway->n_ends && gateway->ends[told].time <= instant) {
        const struct gateway_end *end = &gateway->ends[told++];
        if (end->is_program) {
            gateway->programs_ended++;
        } else {
            const struct gateway_end *next = told < gateway->n_ends ? end + 1 : NULL;
            tell_of_end(gateway, end,
                        next && next->time == end->time &&
                            next->key == gateway_key(gateway_program(end->key), PROGRAM_END));
        }
        gateway->active = end->time > gateway->active ? end->time : gateway->active;
    }
    gateway->n_ends -= told;
    for (size_t i = 0; told && i < gateway->n_ends; i++) {
        gateway->ends[i] = gateway->ends[i + told];
    }
}

/* ---- ticks: what the policy is given ---- */

static void host_held(void *handle, uint32_t index, struct asim_held *out)
{
    const struct gateway *gateway = handle;
    *out = (struct asim_held){0};
    if (index < gateway->held.n) {
        const struct gateway_turn *turn = &gateway->held.items[index];
        *out = (struct asim_held){.program = gateway_program(turn->key),
                                  .turn = gateway_turn_number(turn->key),
                                  .home = turn->home,
                                  .prompt_toks = turn->prompt_toks,
                                  .since = turn->time};
    }
}

static void fault(struct gateway *gateway, const char *what, uint32_t value, uint64_t n)
{
    policy_fault_set(&gateway->router->fault, router_policy(gateway->router), "route_tick",
                     "%s %" PRIu32 "; there are %" PRIu64, what, value, n);
}

static void host_release(void *handle, uint32_t index, uint32_t instance)
{
    struct gateway *gateway = handle;
    if (index >= gateway->held.n) {
        fault(gateway, "the release of held turn", index, gateway->held.n);
    } else if (instance >= gateway->router->options.n_instances) {
        fault(gateway, "a release to instance", instance, gateway->router->options.n_instances);
    } else {
        gateway->held.items[index].to = instance;
    }
}

static uint32_t host_n_sent(void *handle, uint32_t instance)
{
    const struct gateway *gateway = handle;
    return instance < gateway->router->options.n_instances ? (uint32_t)gateway->sent[instance].n : 0;
}

static void host_sent(void *handle, uint32_t instance, uint32_t index, struct asim_sent *out)
{
    const struct gateway *gateway = handle;
    *out = (struct asim_sent){0};
    if (index < host_n_sent(handle, instance)) {
        *out = gateway->sent[instance].items[index];
    }
}

static void move_turn(struct gateway *gateway, uint32_t instance, uint32_t index, uint32_t to, bool with_kv)
{
    const uint32_t n = gateway->router->options.n_instances;
    if (instance >= n || to >= n) {
        fault(gateway, "a move from or to instance", instance >= n ? instance : to, n);
        return;
    }
    if (index >= gateway->sent[instance].n || instance == to) {
        fault(gateway, instance == to ? "a move to where the turn is, instance" : "the move of sent turn",
              instance == to ? to : index, instance == to ? n : gateway->sent[instance].n);
        return;
    }
    const struct asim_sent *sent = &gateway->sent[instance].items[index];
    const struct move wanted = {
        .key = gateway_key(sent->program, sent->turn), .asked = gateway->next_tick, .from = instance, .to = to};
    struct move *move = move_of(gateway, wanted.key);
    if (move && (move->n >= MOST_MOVES || gateway->next_tick - move->asked <= gateway->router->options.round_trip)) {
        return; /* no more, or it is being asked already */
    }
    const uint32_t moved = move ? move->n : 0;
    move = move ? move : gateway_add_move(gateway, &wanted);
    *move = wanted;
    move->n = moved;
    gateway->recalls =
        mem_grow(gateway->recalls, &gateway->recall_capacity, gateway->n_recalls + 1, sizeof *gateway->recalls);
    gateway->recalls[gateway->n_recalls++] =
        (struct gateway_recall){.key = wanted.key, .instance = instance, .kv_to = with_kv ? to : ASIM_NONE};
}

static void host_move(void *handle, uint32_t instance, uint32_t index, uint32_t to)
{
    move_turn(handle, instance, index, to, false);
}

static void host_move_with_kv(void *handle, uint32_t instance, uint32_t index, uint32_t to)
{
    move_turn(handle, instance, index, to, true);
}

/* ---- ticks ---- */

/* Nothing is at an instance, and turns have been held for long. */
static void check_held(struct gateway *gateway, simtime now)
{
    if (!gateway->held.n || gateway->n_sent || gateway->returning.n || now - gateway->active < LONGEST_HOLD) {
        return;
    }
    const struct gateway_turn *first = &gateway->held.items[0];
    policy_fault_set(&gateway->router->fault, router_policy(gateway->router), "route_tick",
                     "nothing for an hour with no turn at any instance; turn %" PRIu32 " of program %" PRIu64
                     " is held, and %zu more",
                     gateway_turn_number(first->key), gateway_program(first->key), gateway->held.n - 1);
}

bool gateway_is_empty(struct gateway *gateway)
{
    if (gateway->held.n) {
        const struct gateway_turn *first = &gateway->held.items[0];
        policy_fault_set(&gateway->router->fault, router_policy(gateway->router), "route_tick_period",
                         "never, but turn %" PRIu32 " of program %" PRIu64 " is held, and %zu more",
                         gateway_turn_number(first->key), gateway_program(first->key), gateway->held.n - 1);
    }
    return !gateway->held.n;
}

static void take_released(struct gateway *gateway)
{
    size_t kept = 0;
    gateway->released.n = 0;
    for (size_t i = 0; i < gateway->held.n; i++) {
        const struct gateway_turn turn = gateway->held.items[i];
        if (turn.to == ASIM_NONE) {
            gateway->held.items[kept++] = turn;
        } else {
            add_turn(&gateway->released, &turn);
        }
    }
    gateway->held.n = kept;
}

bool gateway_tick(struct gateway *gateway, uint64_t n_started, bool more_come)
{
    struct router *router = gateway->router;
    const struct policy_use *use = router->options.policy;
    const simtime now = gateway->next_tick;
    gateway->n_recalls = gateway->released.n = 0;
    if (!more_come && n_started == gateway->programs_ended) {
        gateway->next_tick = SIMTIME_NEVER;
        return true;
    }
    struct asim_routing routing = router_routing(router, now);
    routing.random = router_draw_of_tick(router, (uint64_t)(now / gateway->tick_period));
    const struct asim_gateway host = {.struct_size = sizeof host,
                                      .n_held = (uint32_t)gateway->held.n,
                                      .handle = gateway,
                                      .held = host_held,
                                      .release = host_release,
                                      .n_sent = host_n_sent,
                                      .sent = host_sent,
                                      .move = host_move,
                                      .move_with_kv = host_move_with_kv};
    policy_enter(use, "route_tick");
    use->policy->route_tick(&routing, &host);
    policy_leave(use);
    take_released(gateway);
    check_held(gateway, now);
    gateway->next_tick = now < SIMTIME_LIMIT ? now + gateway->tick_period : SIMTIME_NEVER;
    return !router->fault.policy;
}

simtime gateway_next_tick(const struct gateway *gateway)
{
    return gateway->next_tick;
}

const struct gateway_turn *gateway_releases(const struct gateway *gateway, size_t *n)
{
    *n = gateway->released.n;
    return gateway->released.items;
}

const struct gateway_recall *gateway_recalls(const struct gateway *gateway, size_t *n)
{
    *n = gateway->n_recalls;
    return gateway->recalls;
}
