#include "kv/pool_store.h"

#include "base/mem.h"
#include "kv/arc.h"

enum { GHOST_BYTES = 16 };

static void put_arc(const struct kv_arc *arc, struct store_writer *writer)
{
    store_put_u32(writer, arc->mark);
    store_put_u32(writer, arc->blocks[0]);
    store_put_u32(writer, arc->blocks[1]);
    store_put_u32(writer, arc->target);
    for (int list = 0; list < GHOST_LISTS; list++) {
        store_put_u64(writer, arc->ghosts.lists[list].n);
        uint32_t id = arc->ghosts.lists[list].oldest;
        for (uint32_t i = 0; i < arc->ghosts.lists[list].n; i++, id = arc->ghosts.items[id].next) {
            store_put_u64(writer, arc->ghosts.items[id].key.stream);
            store_put_u32(writer, arc->ghosts.items[id].key.first);
            store_put_u32(writer, arc->ghosts.items[id].depth);
        }
    }
}

static void get_ghosts(struct ghosts *ghosts, enum ghost_list list, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, GHOST_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct block_key key;
        key.stream = store_get_u64(reader);
        key.first = store_get_u32(reader);
        const uint32_t depth = store_get_u32(reader);
        if (ghosts_find(ghosts, key, depth) != GHOST_LISTS) {
            store_refuse(reader, "a KV pool that has given up one block twice");
            return;
        }
        ghosts_put(ghosts, key, depth, list);
    }
}

static void get_arc(struct kv_arc *arc, struct store_reader *reader)
{
    arc->mark = store_get_u32(reader);
    arc->blocks[0] = store_get_u32(reader);
    arc->blocks[1] = store_get_u32(reader);
    arc->target = store_get_u32(reader);
    for (int list = 0; list < GHOST_LISTS; list++) {
        get_ghosts(&arc->ghosts, (enum ghost_list)list, reader);
    }
}

void kv_pool_save(const struct kv_pool *pool, struct store_writer *writer)
{
    const struct cell_store *store = &pool->queue.store;
    store_put_u32(writer, pool->usable);
    store_put_u32(writer, pool->block_size);
    store_put_u8(writer, pool->prefix_caching);
    store_put_u32(writer, pool->free);
    store_put_u32(writer, pool->cached_free);
    store_put_u32(writer, pool->anonymous);
    store_put_u32(writer, pool->reserved);
    store_put_u64(writer, pool->evicted);
    store_put_u32(writer, pool->queue.head);
    store_put_u32(writer, pool->queue.tail);
    store_put_u32(writer, store->spare);
    store_put_u64(writer, store->n_cells);
    store_put_bytes(writer, store->cells, store->n_cells * sizeof *store->cells);
    store_put_bytes(writer, store->runs, store->n_cells * sizeof *store->runs);
    if (pool->arc) {
        put_arc(pool->arc, writer);
    }
}

static bool read_cells(struct cell_store *store, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, sizeof *store->cells + sizeof *store->runs);
    if (n == 0 || n >= KV_NONE) {
        store_refuse(reader, "a KV pool of %llu cells", (unsigned long long)n);
        return false;
    }
    cell_store_reserve(store, (uint32_t)n);
    store->n_cells = (uint32_t)n;
    store_get_bytes(reader, store->cells, (size_t)n * sizeof *store->cells);
    store_get_bytes(reader, store->runs, (size_t)n * sizeof *store->runs);
    return !store_failed(reader);
}

bool kv_pool_load(struct kv_pool *pool, struct store_reader *reader)
{
    const uint32_t usable = store_get_u32(reader);
    const uint32_t block_size = store_get_u32(reader);
    const bool prefix_caching = store_get_u8(reader) != 0;
    if (usable != pool->usable || block_size != pool->block_size || prefix_caching != pool->prefix_caching) {
        store_refuse(reader, "a KV pool of %u blocks of %u tokens, %s prefix caching; the configuration gives %u of %u",
                     usable, block_size, prefix_caching ? "with" : "without", pool->usable, pool->block_size);
        return false;
    }
    pool->free = store_get_u32(reader);
    pool->cached_free = store_get_u32(reader);
    pool->anonymous = store_get_u32(reader);
    pool->reserved = store_get_u32(reader);
    pool->evicted = store_get_u64(reader);
    pool->queue.head = store_get_u32(reader);
    pool->queue.tail = store_get_u32(reader);
    pool->queue.store.spare = store_get_u32(reader);
    if (!read_cells(&pool->queue.store, reader)) {
        return false;
    }
    if (pool->arc) {
        get_arc(pool->arc, reader);
    }
    if (store_failed(reader)) {
        return false;
    }
    if (!prefix_index_rebuild(&pool->index)) {
        store_refuse(reader, "a KV pool with two nodes for one content");
        return false;
    }
    return true;
}

void kv_holder_save(const struct kv_holder *holder, struct store_writer *writer)
{
    store_put_u32(writer, holder->hashed_blocks);
    store_put_u32(writer, holder->anonymous_blocks);
    store_put_u64(writer, holder->n_ranges);
    for (uint32_t i = 0; i < holder->n_ranges; i++) {
        store_put_bytes(writer, kv_holder_range(holder, i), sizeof(struct kv_range));
    }
}

bool kv_holder_load(struct kv_holder *holder, struct store_reader *reader)
{
    holder->hashed_blocks = store_get_u32(reader);
    holder->anonymous_blocks = store_get_u32(reader);
    const uint64_t n = store_get_count(reader, sizeof holder->last);
    if (n > UINT32_MAX) {
        store_refuse(reader, "a turn that holds %llu ranges of blocks", (unsigned long long)n);
        return false;
    }
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct kv_range range;
        store_get_bytes(reader, &range, sizeof range);
        kv_holder_add_range(holder, range);
    }
    return !store_failed(reader);
}

bool kv_pool_accept(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders,
                    struct store_reader *reader)
{
    struct kv_fault fault;
    if (store_failed(reader)) {
        return false;
    }
    if (!kv_pool_is_healthy(pool, holders, n_holders, &fault)) {
        store_refuse(reader, "a KV pool that does not fit together: %s", fault.text);
        return false;
    }
    return true;
}
