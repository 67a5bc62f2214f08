#include "instance/sequence_heap.h"

#include "base/mem.h"

#include <assert.h>

void sequence_heap_init(struct sequence_heap *heap)
{
    *heap = (struct sequence_heap){.first = INT64_MAX};
}

void sequence_heap_fini(struct sequence_heap *heap)
{
    if (!heap->lent_items) {
        mem_free(heap->items);
    }
    if (!heap->lent_places) {
        mem_free(heap->places);
    }
    sequence_heap_init(heap);
}

void sequence_heap_lend(struct sequence_heap *heap, struct sequence_heap_item *items, uint32_t *places, uint32_t n)
{
    assert(!heap->n && !heap->items && !heap->places);
    heap->items = items;
    heap->places = places;
    heap->capacity = heap->place_capacity = n;
    heap->lent_items = heap->lent_places = true;
}

static void put(struct sequence_heap *heap, uint32_t at, struct sequence_heap_item item)
{
    heap->items[at] = item;
    heap->places[item.sequence] = at;
}

static void rise(struct sequence_heap *heap, uint32_t hole, struct sequence_heap_item item)
{
    while (hole > 0 && item.key < heap->items[(hole - 1) / 2].key) {
        put(heap, hole, heap->items[(hole - 1) / 2]);
        hole = (hole - 1) / 2;
    }
    put(heap, hole, item);
}

static void sink(struct sequence_heap *heap, uint32_t hole, struct sequence_heap_item item)
{
    for (uint32_t child; (child = 2 * hole + 1) < heap->n; hole = child) {
        if (child + 1 < heap->n && heap->items[child + 1].key < heap->items[child].key) {
            child++;
        }
        if (heap->items[child].key >= item.key) {
            break;
        }
        put(heap, hole, heap->items[child]);
    }
    put(heap, hole, item);
}

static void *grown(void *items, bool *lent, uint32_t *capacity, uint32_t wanted, size_t size)
{
    size_t room = *capacity;
    items = mem_grow_from(*lent ? items : NULL, items, &room, wanted, size);
    *lent = false;
    *capacity = (uint32_t)room;
    return items;
}

void sequence_heap_enter(struct sequence_heap *heap, uint32_t sequence, int64_t key)
{
    if (heap->n == heap->capacity) {
        heap->items = grown(heap->items, &heap->lent_items, &heap->capacity, heap->n + 1, sizeof *heap->items);
    }
    if (sequence >= heap->place_capacity) {
        heap->places =
            grown(heap->places, &heap->lent_places, &heap->place_capacity, sequence + 1, sizeof *heap->places);
    }
    heap->n++;
    rise(heap, heap->n - 1, (struct sequence_heap_item){.key = key, .sequence = sequence});
    heap->first = heap->items[0].key;
}

void sequence_heap_leave(struct sequence_heap *heap, uint32_t sequence)
{
    const uint32_t hole = heap->places[sequence];
    assert(hole < heap->n && heap->items[hole].sequence == sequence);
    const struct sequence_heap_item last = heap->items[--heap->n];
    if (hole < heap->n) {
        if (hole > 0 && last.key < heap->items[(hole - 1) / 2].key) {
            rise(heap, hole, last);
        } else {
            sink(heap, hole, last);
        }
    }
    heap->first = heap->n ? heap->items[0].key : INT64_MAX;
}

/* In the heap below an item. */
static uint32_t below(const struct sequence_heap *heap, uint32_t at, int64_t key)
{
    return at < heap->n && heap->items[at].key < key ? 1 + below(heap, 2 * at + 1, key) + below(heap, 2 * at + 2, key)
                                                     : 0;
}

uint32_t sequence_heap_below(const struct sequence_heap *heap, int64_t key)
{
    return below(heap, 0, key);
}
