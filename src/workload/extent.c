#include "workload/extent.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

void extent_list_init(struct extent_list *list)
{
    *list = (struct extent_list){0};
}

void extent_list_init_in(struct extent_list *list, struct extent *items, size_t capacity)
{
    *list = (struct extent_list){.items = items, .capacity = capacity, .lent = true};
}

void extent_list_fini(struct extent_list *list)
{
    if (!list->lent) {
        mem_free(list->items);
    }
    extent_list_init(list);
}

static void make_room(struct extent_list *list)
{
    if (list->n < list->capacity) {
        return;
    }
    struct extent *lent = list->lent ? list->items : NULL;
    list->items = mem_grow(lent ? NULL : list->items, &list->capacity, list->n + 1, sizeof *list->items);
    if (lent) {
        memcpy(list->items, lent, list->n * sizeof *list->items);
        list->lent = false;
    }
}

void extent_list_append(struct extent_list *list, struct extent extent)
{
    if (extent.count == 0) {
        return;
    }
    list->n_tokens += extent.count;
    if (list->n) {
        struct extent *last = &list->items[list->n - 1];
        if (last->stream == extent.stream && last->first + last->count == extent.first) {
            last->count += extent.count;
            return;
        }
    }
    make_room(list);
    list->items[list->n++] = extent;
}

void extent_list_cut(struct extent_list *list, uint32_t n_tokens)
{
    assert(n_tokens <= list->n_tokens);
    uint32_t excess = list->n_tokens - n_tokens;
    while (excess) {
        struct extent *last = &list->items[list->n - 1];
        if (last->count > excess) {
            last->count -= excess;
            break;
        }
        excess -= last->count;
        list->n--;
    }
    list->n_tokens = n_tokens;
}

struct content extent_list_content(const struct extent_list *list)
{
    return (struct content){.extents = list->items, .n_extents = (uint32_t)list->n, .n_tokens = list->n_tokens};
}

/* A place in a content: `in` tokens into an extent. */
struct place {
    const struct extent *extent;
    uint32_t left; /* extents from this one on */
    uint32_t in;
};

static void step(struct place *place, uint32_t toks)
{
    place->in += toks;
    if (place->in == place->extent->count) {
        place->extent++;
        place->left--;
        place->in = 0;
    }
}

uint32_t content_common_toks(struct content a, struct content b)
{
    struct place x = {.extent = a.extents, .left = a.n_extents};
    struct place y = {.extent = b.extents, .left = b.n_extents};
    uint32_t toks = 0;
    while (x.left && y.left && x.extent->stream == y.extent->stream &&
           x.extent->first + x.in == y.extent->first + y.in) {
        const uint32_t of_x = x.extent->count - x.in;
        const uint32_t of_y = y.extent->count - y.in;
        const uint32_t both = of_x < of_y ? of_x : of_y;
        step(&x, both);
        step(&y, both);
        toks += both;
    }
    return toks;
}
