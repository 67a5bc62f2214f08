/* Sequences of one pool by a key: a binary min-heap that a member can leave from anywhere. Items name sequences by
 * their index, and their places are kept in an array by index, so that the heap is ordered without touching a sequence.
 */
#ifndef ASIM_INSTANCE_SEQUENCE_HEAP_H
#define ASIM_INSTANCE_SEQUENCE_HEAP_H

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
};

void sequence_heap_init(struct sequence_heap *heap);
void sequence_heap_fini(struct sequence_heap *heap);

/* `sequence` is not a member. */
void sequence_heap_enter(struct sequence_heap *heap, uint32_t sequence, int64_t key);

/* `sequence` is a member. */
void sequence_heap_leave(struct sequence_heap *heap, uint32_t sequence);

#endif
