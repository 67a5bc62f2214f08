/* The inside of the gateway, shared with gateway_store.c. */
#ifndef ASIM_ROUTER_GATEWAY_INTERNAL_H
#define ASIM_ROUTER_GATEWAY_INTERNAL_H

#include "router/router_internal.h"

struct gateway_turns {
    struct gateway_turn *items;
    size_t n, capacity;
};

struct sent_turns {
    struct asim_sent *items;
    size_t n, capacity;
};

/* A turn that was asked back. */
struct move {
    uint64_t key;
    simtime asked;
    uint32_t from, to;
    uint32_t n; /* how often it came */
};

struct gateway {
    struct router *router;
    simtime tick_period, next_tick; /* SIMTIME_NEVER: none */
    simtime active;                 /* when a turn was last sent, or ended */
    uint64_t programs_ended;        /* and were told of */
    struct gateway_turns held, released, returning;
    struct move *moves; /* by key */
    size_t n_moves, move_capacity;
    struct gateway_recall *recalls; /* of the last tick */
    size_t n_recalls, recall_capacity;
    struct sent_turns *sent; /* by instance; NULL: the policy does not tick */
    uint64_t n_sent;
    struct gateway_end *ends;
    size_t n_ends, end_capacity;
    bool is_sorted;
};

/* Keys of ready turns. */
static inline uint64_t gateway_program(uint64_t key)
{
    return key >> 24;
}

static inline uint32_t gateway_turn_number(uint64_t key)
{
    return (uint32_t)(key & 0xffffff);
}

static inline uint64_t gateway_key(uint64_t program, uint32_t turn)
{
    return program << 24 | turn;
}

struct move *gateway_add_move(struct gateway *gateway, const struct move *move);

#endif
