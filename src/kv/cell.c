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
    mem_free(store->runs);
    cell_store_init(store);
}

void cell_store_reserve(struct cell_store *store, uint32_t n)
{
    size_t capacity = store->capacity;
    size_t runs = store->capacity;
    store->cells = mem_grow(store->cells, &capacity, n, sizeof *store->cells);
    store->runs = mem_grow(store->runs, &runs, n, sizeof *store->runs);
    store->capacity = (uint32_t)capacity;
}

uint32_t cell_store_take(struct cell_store *store)
{
    uint32_t id = store->spare;
    if (id != KV_NONE) {
        store->spare = store->runs[id].next;
    } else {
        assert(store->n_cells < KV_NONE);
        cell_store_reserve(store, store->n_cells + 1);
        id = store->n_cells++;
        store->cells[id] = (struct kv_cell){0};
    }
    store->runs[id] = (struct kv_run){.node = KV_NONE, .prev = KV_NONE, .next = KV_NONE};
    return id;
}

void cell_store_give(struct cell_store *store, uint32_t cell)
{
    store->runs[cell].next = store->spare;
    store->spare = cell;
}
