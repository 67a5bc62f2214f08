/* The memory of one program that is made on demand: by a generator, or from the columns of a file. */
#ifndef ASIM_WORKLOAD_PROGRAM_SLOT_H
#define ASIM_WORKLOAD_PROGRAM_SLOT_H

#include "base/mem.h"
#include "workload/graph.h"
#include "workload/program.h"

/* Zero-initialised is empty. The program points into the rest; n_turns 0: the slot is free. */
struct program_slot {
    struct program program;
    struct turn *turns;
    size_t turn_capacity;
    struct turn_hint *hints;
    size_t hint_capacity;
    struct extent *extents;
    size_t extent_capacity;
    char *name;
    size_t name_capacity;
    struct graph_builder *graph; /* NULL: none was needed yet */
};

static inline void program_slot_reserve_turns(struct program_slot *slot, size_t n)
{
    slot->turns = mem_grow(slot->turns, &slot->turn_capacity, n, sizeof *slot->turns);
}

static inline void program_slot_reserve_extents(struct program_slot *slot, size_t n)
{
    slot->extents = mem_grow(slot->extents, &slot->extent_capacity, n, sizeof *slot->extents);
}

static inline void program_slot_reserve_name(struct program_slot *slot, size_t bytes)
{
    slot->name = mem_grow(slot->name, &slot->name_capacity, bytes, 1);
}

static inline struct graph_builder *program_slot_graph(struct program_slot *slot)
{
    slot->graph = slot->graph ? slot->graph : mem_zalloc(sizeof *slot->graph);
    return slot->graph;
}

static inline void program_slot_fini(struct program_slot *slot)
{
    mem_free(slot->turns);
    mem_free(slot->hints);
    mem_free(slot->extents);
    mem_free(slot->name);
    if (slot->graph) {
        graph_builder_fini(slot->graph);
        mem_free(slot->graph);
    }
    *slot = (struct program_slot){0};
}

#endif
