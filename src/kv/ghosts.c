#include "kv/ghosts.h"

#include "base/mem.h"

#include <assert.h>

#define NO_GHOST UINT32_MAX

enum { FIRST_SLOTS = 64 };

static uint32_t hash(struct block_key key, uint32_t depth)
{
    uint64_t x = key.stream * UINT64_C(0x9E3779B97F4A7C15) ^ ((uint64_t)depth << 32 | key.first);
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 32) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(x >> 32);
}

static uint32_t *new_slots(uint32_t n)
{
    uint32_t *slots = mem_alloc(n * sizeof *slots);
    for (uint32_t i = 0; i < n; i++) {
        slots[i] = NO_GHOST;
    }
    return slots;
}

void ghosts_init(struct ghosts *ghosts)
{
    *ghosts = (struct ghosts){.spare = NO_GHOST, .slots = new_slots(FIRST_SLOTS), .slot_mask = FIRST_SLOTS - 1};
    for (int i = 0; i < GHOST_LISTS; i++) {
        ghosts->lists[i].oldest = ghosts->lists[i].newest = NO_GHOST;
    }
}

void ghosts_fini(struct ghosts *ghosts)
{
    mem_free(ghosts->items);
    mem_free(ghosts->slots);
    *ghosts = (struct ghosts){0};
}

/* ---- names ---- */

/* The slot of that block, or the empty one where it would go. */
static uint32_t find_slot(const struct ghosts *ghosts, struct block_key key, uint32_t depth)
{
    uint32_t at = hash(key, depth) & ghosts->slot_mask;
    for (;; at = (at + 1) & ghosts->slot_mask) {
        const uint32_t id = ghosts->slots[at];
        if (id == NO_GHOST || (ghosts->items[id].depth == depth && block_key_equal(ghosts->items[id].key, key))) {
            return at;
        }
    }
}

static void grow_slots(struct ghosts *ghosts)
{
    mem_free(ghosts->slots);
    ghosts->slot_mask = 2 * ghosts->slot_mask + 1;
    ghosts->slots = new_slots(ghosts->slot_mask + 1);
    for (uint32_t id = 0; id < ghosts->n_items; id++) {
        if (ghosts->items[id].list != GHOST_LISTS) {
            ghosts->slots[find_slot(ghosts, ghosts->items[id].key, ghosts->items[id].depth)] = id;
        }
    }
}

static void erase_slot(struct ghosts *ghosts, uint32_t hole)
{
    const uint32_t mask = ghosts->slot_mask;
    for (uint32_t at = (hole + 1) & mask; ghosts->slots[at] != NO_GHOST; at = (at + 1) & mask) {
        const struct ghost *ghost = &ghosts->items[ghosts->slots[at]];
        const uint32_t home = hash(ghost->key, ghost->depth) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            ghosts->slots[hole] = ghosts->slots[at];
            hole = at;
        }
    }
    ghosts->slots[hole] = NO_GHOST;
}

/* ---- lists ---- */

static void unlink_ghost(struct ghosts *ghosts, uint32_t id)
{
    struct ghost *ghost = &ghosts->items[id];
    *(ghost->prev == NO_GHOST ? &ghosts->lists[ghost->list].oldest : &ghosts->items[ghost->prev].next) = ghost->next;
    *(ghost->next == NO_GHOST ? &ghosts->lists[ghost->list].newest : &ghosts->items[ghost->next].prev) = ghost->prev;
    ghosts->lists[ghost->list].n--;
}

static void append_ghost(struct ghosts *ghosts, uint32_t id, enum ghost_list list)
{
    struct ghost *ghost = &ghosts->items[id];
    const uint32_t newest = ghosts->lists[list].newest;
    ghost->list = list;
    ghost->prev = newest;
    ghost->next = NO_GHOST;
    *(newest == NO_GHOST ? &ghosts->lists[list].oldest : &ghosts->items[newest].next) = id;
    ghosts->lists[list].newest = id;
    ghosts->lists[list].n++;
}

enum ghost_list ghosts_find(const struct ghosts *ghosts, struct block_key key, uint32_t depth)
{
    const uint32_t id = ghosts->slots[find_slot(ghosts, key, depth)];
    return id == NO_GHOST ? GHOST_LISTS : (enum ghost_list)ghosts->items[id].list;
}

static uint32_t take_item(struct ghosts *ghosts)
{
    const uint32_t id = ghosts->spare;
    if (id != NO_GHOST) {
        ghosts->spare = ghosts->items[id].next;
        return id;
    }
    ghosts->items = mem_grow(ghosts->items, &ghosts->capacity, (size_t)ghosts->n_items + 1, sizeof *ghosts->items);
    return ghosts->n_items++;
}

void ghosts_put(struct ghosts *ghosts, struct block_key key, uint32_t depth, enum ghost_list list)
{
    uint32_t slot = find_slot(ghosts, key, depth);
    uint32_t id = ghosts->slots[slot];
    if (id != NO_GHOST) {
        unlink_ghost(ghosts, id);
    } else {
        id = take_item(ghosts);
        ghosts->items[id] = (struct ghost){.key = key, .depth = depth, .list = GHOST_LISTS};
        if (++ghosts->n > ghosts->slot_mask / 2) {
            grow_slots(ghosts);
            slot = find_slot(ghosts, key, depth);
        }
        ghosts->slots[slot] = id;
    }
    append_ghost(ghosts, id, list);
}

static void remove_at(struct ghosts *ghosts, uint32_t slot)
{
    const uint32_t id = ghosts->slots[slot];
    assert(id != NO_GHOST);
    unlink_ghost(ghosts, id);
    erase_slot(ghosts, slot);
    ghosts->items[id].list = GHOST_LISTS;
    ghosts->items[id].next = ghosts->spare;
    ghosts->spare = id;
    ghosts->n--;
}

void ghosts_remove(struct ghosts *ghosts, struct block_key key, uint32_t depth)
{
    remove_at(ghosts, find_slot(ghosts, key, depth));
}

void ghosts_forget_oldest(struct ghosts *ghosts, enum ghost_list list)
{
    assert(ghosts->lists[list].n > 0);
    const struct ghost *oldest = &ghosts->items[ghosts->lists[list].oldest];
    remove_at(ghosts, find_slot(ghosts, oldest->key, oldest->depth));
}
