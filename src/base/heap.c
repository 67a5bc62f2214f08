#include "base/heap.h"

#include "base/mem.h"

#include <assert.h>

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_fini(struct heap *heap)
{
    mem_free(heap->entries);
    heap_init(heap);
}

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key < b->key || (a->key == b->key && a->tie < b->tie);
}

void heap_reserve(struct heap *heap, size_t n)
{
    heap->entries = mem_grow(heap->entries, &heap->capacity, n, sizeof *heap->entries);
}

void heap_push(struct heap *heap, struct heap_entry entry)
{
    heap_reserve(heap, heap->n + 1);
    size_t hole = heap->n++;
    while (hole > 0) {
        const size_t parent = (hole - 1) / 2;
        if (!before(&entry, &heap->entries[parent])) {
            break;
        }
        heap->entries[hole] = heap->entries[parent];
        hole = parent;
    }
    heap->entries[hole] = entry;
}

void heap_replace_top(struct heap *heap, struct heap_entry entry)
{
    assert(heap->n > 0);
    size_t hole = 0;
    for (size_t child = 1; child < heap->n; child = 2 * hole + 1) {
        if (child + 1 < heap->n && before(&heap->entries[child + 1], &heap->entries[child])) {
            child++;
        }
        if (!before(&heap->entries[child], &entry)) {
            break;
        }
        heap->entries[hole] = heap->entries[child];
        hole = child;
    }
    heap->entries[hole] = entry;
}

struct heap_entry heap_pop(struct heap *heap)
{
    assert(heap->n > 0);
    const struct heap_entry top = heap->entries[0];
    const struct heap_entry last = heap->entries[--heap->n];
    if (heap->n) {
        heap_replace_top(heap, last);
    }
    return top;
}
