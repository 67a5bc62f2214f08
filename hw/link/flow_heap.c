#include "hw/link/flow_heap.h"

#include "base/mem.h"

#include <stdbool.h>

void flow_heap_fini(struct flow_heap *heap)
{
    mem_free(heap->events);
    mem_free(heap->places);
}

void flow_heap_reserve(struct flow_heap *heap, size_t n)
{
    heap->events = mem_grow(heap->events, &heap->capacity, n, sizeof *heap->events);
    heap->places = mem_grow(heap->places, &heap->places_capacity, n, sizeof *heap->places);
    for (; heap->n_places < n; heap->n_places++) {
        heap->places[heap->n_places] = FLOW_NOWHERE;
    }
}

static bool before(const struct flow_event *a, const struct flow_event *b)
{
    if (a->time != b->time) {
        return a->time < b->time;
    }
    return a->tag != b->tag ? a->tag < b->tag : a->start < b->start;
}

static void put(struct flow_heap *heap, size_t place, struct flow_event event)
{
    heap->events[place] = event;
    heap->places[event.flow] = (uint32_t)place;
}

/* Puts `event` at `place`, which is empty, or where it belongs above or below. */
static void sift(struct flow_heap *heap, size_t place, struct flow_event event)
{
    while (place > 0 && before(&event, &heap->events[(place - 1) / 2])) {
        put(heap, place, heap->events[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (size_t child = 2 * place + 1; child < heap->n; child = 2 * place + 1) {
        child += child + 1 < heap->n && before(&heap->events[child + 1], &heap->events[child]);
        if (!before(&heap->events[child], &event)) {
            break;
        }
        put(heap, place, heap->events[child]);
        place = child;
    }
    put(heap, place, event);
}

void flow_heap_set(struct flow_heap *heap, struct flow_event event)
{
    const uint32_t place = heap->places[event.flow];
    sift(heap, place == FLOW_NOWHERE ? heap->n++ : place, event);
}

void flow_heap_remove(struct flow_heap *heap, uint32_t flow)
{
    const uint32_t place = heap->places[flow];
    if (place == FLOW_NOWHERE) {
        return;
    }
    heap->places[flow] = FLOW_NOWHERE;
    heap->n--;
    if (place < heap->n) {
        sift(heap, place, heap->events[heap->n]);
    }
}
