/* Sequences of one pool by a key: a binary min-heap that a member can leave from anywhere. Items name sequences by
 * their index, and their places are kept in an array by index, so that the heap is ordered without touching a sequence.
 */
#ifndef ASIM_INSTANCE_SEQUENCE_HEAP_H
#define ASIM_INSTANCE_SEQUENCE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sequence_heap_item {
    int64_t key;
    uint32_t sequence;
};

struct sequence_heap {
    int64_t first; /* the smallest key; INT64_MAX when empty */
    struct sequence_heap_item *items;
    uint32_t *places; /* of members, by index */
    uint32_t n;
    uint32_t capacity;
    uint32_t place_capacity;
    bool lent_items, lent_places; /* they still lie in memory of the owner's */
};

void sequence_heap_init(struct sequence_heap *heap);
void sequence_heap_fini(struct sequence_heap *heap);

/* Memory for the first n members of an empty heap, as long as their indices are below n. */
void sequence_heap_lend(struct sequence_heap *heap, struct sequence_heap_item *items, uint32_t *places, uint32_t n);

/* Fetches what the first one to leave touches, or mostly so. */
static inline void sequence_heap_prefetch(const struct sequence_heap *heap)
{
    enum { ITEMS_OF_A_LINE = 4, PLACES_OF_A_LINE = 16, LINES = 4 };
    for (uint32_t line = 0; line < LINES; line++) {
        if (line * ITEMS_OF_A_LINE < heap->n) {
            __builtin_prefetch(heap->items + line * ITEMS_OF_A_LINE, 1);
        }
        if (line * PLACES_OF_A_LINE < heap->place_capacity) {
            __builtin_prefetch(heap->places + line * PLACES_OF_A_LINE, 1);
        }
    }
    __builtin_prefetch(heap->items + heap->n, 1); /* the last one, and where another one goes */
}

/* Fetches where a sequence is, then it; any index that has been a member's. */
static inline void sequence_heap_prefetch_place(const struct sequence_heap *heap, uint32_t sequence)
{
    __builtin_prefetch(heap->places + sequence, 1);
}

static inline void sequence_heap_prefetch_item(const struct sequence_heap *heap, uint32_t sequence)
{
    if (sequence < heap->place_capacity) {
        __builtin_prefetch(heap->items + heap->places[sequence], 1);
    }
}

/* How many members have smaller keys. */
uint32_t sequence_heap_below(const struct sequence_heap *heap, int64_t key);

/* `sequence` is not a member. */
void sequence_heap_enter(struct sequence_heap *heap, uint32_t sequence, int64_t key);

/* `sequence` is a member. */
void sequence_heap_leave(struct sequence_heap *heap, uint32_t sequence);

#endif
