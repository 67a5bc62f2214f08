/* Names of blocks that a pool has given up, in lists from the oldest to the newest: what ARC remembers (arc.h).
 *
 * A block is named by its key and its depth. In a private stream that names the whole prefix; where the same common
 * content follows two prefixes of one length, the two are one ghost. Nothing but the balance of ARC depends on it.
 */
#ifndef ASIM_KV_GHOSTS_H
#define ASIM_KV_GHOSTS_H

#include "kv/block_cursor.h"

#include <stdint.h>

enum ghost_list {
    GHOSTS_RECENT,   /* had been used once */
    GHOSTS_FREQUENT, /* more often */
    GHOSTS_EXPECTED, /* either, and are on their way back */
    GHOST_LISTS
};

struct ghost {
    struct block_key key;
    uint32_t depth; /* in blocks */
    uint32_t prev, next;
    uint32_t list; /* GHOST_LISTS: unused */
};

struct ghosts {
    struct ghost *items;
    uint32_t n_items; /* ever used */
    size_t capacity;
    uint32_t spare;  /* unused ones */
    uint32_t *slots; /* by name: linear probing, at most half full */
    uint32_t slot_mask;
    uint32_t n; /* in all lists */
    struct {
        uint32_t oldest, newest, n;
    } lists[GHOST_LISTS];
};

void ghosts_init(struct ghosts *ghosts);
void ghosts_fini(struct ghosts *ghosts);

/* The list that the block is on; GHOST_LISTS: none. */
enum ghost_list ghosts_find(const struct ghosts *ghosts, struct block_key key, uint32_t depth);

/* Puts the block at the new end of a list, wherever it was. */
void ghosts_put(struct ghosts *ghosts, struct block_key key, uint32_t depth, enum ghost_list list);

/* Takes it off the list that it is on. */
void ghosts_remove(struct ghosts *ghosts, struct block_key key, uint32_t depth);

/* Forgets the oldest of a list that has some. */
void ghosts_forget_oldest(struct ghosts *ghosts, enum ghost_list list);

#endif
