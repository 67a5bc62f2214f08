/* Sequences by what the rest of the cluster waits for: a binary min-heap whose members know their place, so that one can
 * leave from anywhere. A sequence is in one heap at most.
 */
#ifndef ASIM_INSTANCE_EFFECT_HEAP_H
#define ASIM_INSTANCE_EFFECT_HEAP_H

#include "instance/sequence.h"

struct effect {
    simtime key;
    struct sequence *sequence;
};

struct effect_heap {
    struct effect *items;
    size_t n;
    size_t capacity;
};

void effect_heap_fini(struct effect_heap *heap);
void effect_heap_enter(struct effect_heap *heap, struct sequence *sequence, simtime key);
void effect_heap_leave(struct effect_heap *heap, struct sequence *sequence);

/* The smallest key; SIMTIME_NEVER when empty. */
static inline simtime effect_heap_first(const struct effect_heap *heap)
{
    return heap->n ? heap->items[0].key : SIMTIME_NEVER;
}

#endif
