#include "kv/cell.h"

#include "base/mem.h"

#include <assert.h>

_Static_assert(sizeof(struct kv_cell) == 64, "a cache line");

void cell_store_init(struct cell_store *store)
{
    *store = (struct cell_store){.spare = KV_NONE};
}

void cell_store_fini(struct cell_store *store)
{
    mem_free(store->cells);
    cell_store_init(store);
}

uint32_t cell_store_take(struct cell_store *store)
{
    uint32_t id = store->spare;
    if (id != KV_NONE) {
        store->spare = store->cells[id].node.parent;
    } else {
        assert(store->n_cells < KV_NONE);
        size_t capacity = store->capacity;
        store->cells = mem_grow(store->cells, &capacity, (size_t)store->n_cells + 1, sizeof *store->cells);
        store->capacity = (uint32_t)capacity;
        id = store->n_cells++;
    }
    store->cells[id] = (struct kv_cell){
        .node = {.parent = KV_NONE, .first_copy = KV_NONE},
        .run = {.node = KV_NONE, .prev = KV_NONE, .next = KV_NONE, .next_copy = KV_NONE},
    };
    return id;
}

void cell_store_give(struct cell_store *store, uint32_t cell)
{
    store->cells[cell].node.n = 0;
    store->cells[cell].node.parent = store->spare;
    store->spare = cell;
}
