#include "instance/effect_heap.h"

#include "base/mem.h"

#include <assert.h>

void effect_heap_fini(struct effect_heap *heap)
{
    mem_free(heap->items);
    *heap = (struct effect_heap){0};
}

static void put(struct effect_heap *heap, size_t at, struct effect effect)
{
    heap->items[at] = effect;
    effect.sequence->effect_at = (uint32_t)at;
}

static void rise(struct effect_heap *heap, size_t hole, struct effect effect)
{
    while (hole > 0 && effect.key < heap->items[(hole - 1) / 2].key) {
        put(heap, hole, heap->items[(hole - 1) / 2]);
        hole = (hole - 1) / 2;
    }
    put(heap, hole, effect);
}

static void sink(struct effect_heap *heap, size_t hole, struct effect effect)
{
    for (size_t child; (child = 2 * hole + 1) < heap->n; hole = child) {
        if (child + 1 < heap->n && heap->items[child + 1].key < heap->items[child].key) {
            child++;
        }
        if (heap->items[child].key >= effect.key) {
            break;
        }
        put(heap, hole, heap->items[child]);
    }
    put(heap, hole, effect);
}

void effect_heap_enter(struct effect_heap *heap, struct sequence *sequence, simtime key)
{
    heap->items = mem_grow(heap->items, &heap->capacity, heap->n + 1, sizeof *heap->items);
    heap->n++;
    rise(heap, heap->n - 1, (struct effect){.key = key, .sequence = sequence});
}

void effect_heap_leave(struct effect_heap *heap, struct sequence *sequence)
{
    const size_t hole = sequence->effect_at;
    assert(hole < heap->n && heap->items[hole].sequence == sequence);
    const struct effect last = heap->items[--heap->n];
    if (hole == heap->n) {
        return;
    }
    if (hole > 0 && last.key < heap->items[(hole - 1) / 2].key) {
        rise(heap, hole, last);
    } else {
        sink(heap, hole, last);
    }
}
