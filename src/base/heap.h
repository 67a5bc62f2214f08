/* Binary min-heap of 64-bit keys with a 64-bit tie breaker and a 64-bit payload.
 *
 * Entries are ordered by (key, tie), both taken from content (a time and an identity), so that the order of equal keys
 * never depends on insertion. There is no decrease-key: owners keep a version in the payload and skip stale entries.
 */
#ifndef ASIM_BASE_HEAP_H
#define ASIM_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_entry {
    int64_t key;
    uint64_t tie;
    uint64_t payload;
};

struct heap {
    struct heap_entry *entries;
    size_t n;
    size_t capacity;
};

void heap_init(struct heap *heap);
void heap_fini(struct heap *heap);
void heap_reserve(struct heap *heap, size_t n); /* room for n entries */
void heap_push(struct heap *heap, struct heap_entry entry);

/* The smallest entry, or NULL when empty; valid until the next push or pop. */
static inline const struct heap_entry *heap_top(const struct heap *heap)
{
    return heap->n ? heap->entries : NULL;
}

/* Removes and returns the smallest entry; the heap must not be empty. */
struct heap_entry heap_pop(struct heap *heap);

/* Puts `entry` in the place of the smallest one: a pop and a push at the cost of one. */
void heap_replace_top(struct heap *heap, struct heap_entry entry);

#endif
