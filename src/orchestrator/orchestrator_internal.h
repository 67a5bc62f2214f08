/* The inside of the orchestrator, for orchestrator.c and checkpoint.c. */
#ifndef ASIM_ORCHESTRATOR_ORCHESTRATOR_INTERNAL_H
#define ASIM_ORCHESTRATOR_ORCHESTRATOR_INTERNAL_H

#include "orchestrator/orchestrator.h"
#include "workload/prompt.h"

/* A program in progress: all that its events touch, side by side. Between two of them lie seconds of simulated time and
 * tens of thousands of other programs. */
struct progress {
    _Alignas(64) struct program program;
    struct program_sums sums;
    simtime ready;                  /* of the turn */
    simtime gap;                    /* after the turn; 0 after the last one */
    simtime next_gap, next_service; /* of the next turn, once this one is at an instance */
    uint32_t turn;                  /* ready, or at an instance */
    uint32_t client;
    simtime arrival;
    simtime tool_time;
    struct prompt_state prompts;
    struct extent_list *truncated;  /* the content of the present turn, where its prompt was cut; NULL: none was */
    const struct program *borrowed; /* from the workload; NULL: the slot is free */
    bool started;                   /* not in line any more */
};
_Static_assert(sizeof(struct progress) <= 5 * 64, "one per program in progress");

enum { NO_SLOT = UINT32_MAX, SLOTS_PER_CHUNK = 256 };

struct orchestrator {
    struct orchestrator_options options;
    struct arrivals arrivals;
    uint64_t n_programs;
    uint64_t next_program;    /* closed loop: head of the queue */
    struct progress **chunks; /* of SLOTS_PER_CHUNK slots */
    size_t n_slots, n_chunks, chunk_capacity;
    uint32_t *free_slots;
    size_t n_free, free_capacity;
};

static inline struct progress *slot_at(const struct orchestrator *orchestrator, size_t slot)
{
    return &orchestrator->chunks[slot / SLOTS_PER_CHUNK][slot % SLOTS_PER_CHUNK];
}

/* A chunk of free slots, where none is free. */
void orchestrator_add_slots(struct orchestrator *orchestrator);

#endif
