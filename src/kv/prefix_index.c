#include "kv/prefix_index.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

/* ---- table of children: linear probing, at most half full, deletion by shifting back ---- */

static uint32_t slot_hash(uint32_t parent, struct block_key key)
{
    uint64_t x = key.stream * UINT64_C(0x9E3779B97F4A7C15) ^ ((uint64_t)parent << 32 | key.first);
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 32) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(x >> 32);
}

static struct prefix_slot *new_slots(uint32_t n)
{
    struct prefix_slot *slots = mem_alloc(n * sizeof *slots);
    for (uint32_t i = 0; i < n; i++) {
        slots[i] = (struct prefix_slot){.node = KV_NONE};
    }
    return slots;
}

/* The slot of that child, or the empty one where it would go. */
static uint32_t find_slot(const struct prefix_index *index, uint32_t hash, uint32_t parent, struct block_key key)
{
    uint32_t at = hash & index->slot_mask;
    for (;; at = (at + 1) & index->slot_mask) {
        const struct prefix_slot *slot = &index->slots[at];
        if (slot->node == KV_NONE) {
            return at;
        }
        const struct prefix_node *node = prefix_index_node(index, slot->node);
        if (slot->hash == hash && node->parent == parent && block_key_equal(node->key, key)) {
            return at;
        }
    }
}

static void grow_slots(struct prefix_index *index)
{
    struct prefix_slot *old = index->slots;
    const uint32_t n_old = index->slot_mask + 1;
    index->slots = new_slots(n_old * 2);
    index->slot_mask = n_old * 2 - 1;
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i].node != KV_NONE) {
            uint32_t at = old[i].hash & index->slot_mask;
            while (index->slots[at].node != KV_NONE) {
                at = (at + 1) & index->slot_mask;
            }
            index->slots[at] = old[i];
        }
    }
    mem_free(old);
    mem_free(index->guesses);
    index->guesses = mem_zalloc(n_old * 2 * sizeof *index->guesses);
}

/* Enters a node whose parent and key are set; the parent's account of its children is the caller's. */
static void insert_slot(struct prefix_index *index, uint32_t id)
{
    const struct prefix_node *node = prefix_index_node(index, id);
    const uint32_t hash = slot_hash(node->parent, node->key);
    const uint32_t at = find_slot(index, hash, node->parent, node->key);
    assert(index->slots[at].node == KV_NONE);
    index->slots[at] = (struct prefix_slot){.hash = hash, .node = id};
}

static uint32_t slot_of(const struct prefix_index *index, uint32_t id)
{
    const struct prefix_node *node = prefix_index_node(index, id);
    const uint32_t at = find_slot(index, slot_hash(node->parent, node->key), node->parent, node->key);
    assert(index->slots[at].node == id);
    return at;
}

static void erase_slot(struct prefix_index *index, uint32_t hole)
{
    const uint32_t mask = index->slot_mask;
    for (uint32_t at = (hole + 1) & mask; index->slots[at].node != KV_NONE; at = (at + 1) & mask) {
        const uint32_t home = index->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index->slots[hole] = index->slots[at];
            hole = at;
        }
    }
    index->slots[hole].node = KV_NONE;
}

uint32_t prefix_index_child(const struct prefix_index *index, uint32_t parent, struct block_key key)
{
    const struct prefix_node *above = prefix_index_node(index, parent);
    if (above->n_children > 1) {
        return index->slots[find_slot(index, slot_hash(parent, key), parent, key)].node;
    }
    if (above->n_children && block_key_equal(prefix_index_node(index, above->child_xor)->key, key)) {
        return above->child_xor;
    }
    return KV_NONE; /* the last, as for every turn that grows at the end of its own context */
}

void prefix_index_prefetch(const struct prefix_index *index, uint32_t parent, struct block_key key)
{
    __builtin_prefetch(&index->slots[slot_hash(parent, key) & index->slot_mask]);
}

uint32_t prefix_index_near(const struct prefix_index *index, uint32_t parent, struct block_key key)
{
    return index->slots[slot_hash(parent, key) & index->slot_mask].node;
}

/* ---- nodes ---- */

static uint32_t new_node(struct prefix_index *index)
{
    if (++index->n_live > index->slot_mask / 2) {
        grow_slots(index);
    }
    const uint32_t id = cell_store_take(&index->queue->store);
    *prefix_index_node(index, id) = (struct prefix_node){.parent = KV_NONE, .first_copy = KV_NONE};
    return id;
}

static void free_node(struct prefix_index *index, uint32_t id)
{
    prefix_index_node(index, id)->n = 0;
    cell_store_give(&index->queue->store, id);
    index->n_live--;
}

void prefix_index_init(struct prefix_index *index, struct free_queue *queue, uint32_t block_size)
{
    *index = (struct prefix_index){.queue = queue,
                                   .slots = new_slots(FIRST_SLOTS),
                                   .guesses = mem_zalloc(FIRST_SLOTS * sizeof *index->guesses),
                                   .slot_mask = FIRST_SLOTS - 1,
                                   .block_size = block_size};
    const uint32_t root = new_node(index);
    assert(root == PREFIX_ROOT);
    (void)root;
    index->n_live = 0;
}

void prefix_index_fini(struct prefix_index *index)
{
    mem_free(index->slots);
    mem_free(index->guesses);
    *index = (struct prefix_index){0};
}

bool prefix_index_rebuild(struct prefix_index *index)
{
    const struct cell_store *store = &index->queue->store;
    for (uint32_t i = 0; i <= index->slot_mask; i++) {
        index->slots[i].node = KV_NONE;
    }
    memset(index->guesses, 0, ((size_t)index->slot_mask + 1) * sizeof *index->guesses);
    index->n_live = 0;
    for (uint32_t id = PREFIX_ROOT + 1; id < store->n_cells; id++) {
        const struct prefix_node *node = &store->cells[id].node;
        if (!node->n) {
            continue;
        }
        if (++index->n_live > index->slot_mask / 2) {
            grow_slots(index);
        }
        const uint32_t hash = slot_hash(node->parent, node->key);
        const uint32_t at = find_slot(index, hash, node->parent, node->key);
        if (index->slots[at].node != KV_NONE) {
            return false;
        }
        index->slots[at] = (struct prefix_slot){.hash = hash, .node = id};
    }
    return true;
}

uint32_t prefix_index_add(struct prefix_index *index, uint32_t parent, struct block_run run)
{
    const uint32_t id = new_node(index);
    struct kv_cell *cells = index->queue->store.cells;
    cells[id].node.key = run.key;
    cells[id].node.n = run.n;
    cells[id].node.depth = cells[parent].node.depth + cells[parent].node.n;
    cells[id].node.parent = parent;
    cells[parent].node.n_children++;
    cells[parent].node.child_xor ^= id;
    insert_slot(index, id);
    return id;
}

static void remove_leaf(struct prefix_index *index, uint32_t id)
{
    struct prefix_node *node = prefix_index_node(index, id);
    assert(node->n_children == 0 && "a cached block's parent is cached");
    assert(node->ends == 0 && node->first_copy == KV_NONE);
    struct prefix_node *parent = prefix_index_node(index, node->parent);
    parent->n_children--;
    parent->child_xor ^= id;
    erase_slot(index, slot_of(index, id));
    free_node(index, id);
}

/* ---- copies ---- */

static uint32_t last_copy(const struct prefix_index *index, uint32_t node)
{
    const struct kv_cell *cells = index->queue->store.cells;
    uint32_t last = KV_NONE;
    for (uint32_t c = cells[node].node.first_copy; c != KV_NONE; c = cells[c].copy.next) {
        last = c;
    }
    return last;
}

/* Puts a copy after `last`, the end of the node's list (KV_NONE: it is empty). */
static uint32_t append_copy(struct prefix_index *index, uint32_t node, uint32_t last, uint32_t lane, uint32_t ref)
{
    const uint32_t copy = free_queue_new_run(index->queue, node);
    struct kv_cell *cells = index->queue->store.cells;
    cells[copy].copy = (struct kv_copy){.lane = lane, .ref = ref, .next = KV_NONE};
    *(last == KV_NONE ? &cells[node].node.first_copy : &cells[last].copy.next) = copy;
    return copy;
}

uint32_t prefix_index_add_copy(struct prefix_index *index, uint32_t node, uint32_t lane)
{
    const uint32_t last = last_copy(index, node);
    if (last != KV_NONE && prefix_index_copy_at(index, last)->lane >= lane) {
        assert(prefix_index_copy_at(index, last)->lane < UINT32_MAX);
        lane = prefix_index_copy_at(index, last)->lane + 1;
    }
    return append_copy(index, node, last, lane, 1);
}

uint32_t prefix_index_copy(const struct prefix_index *index, uint32_t node, uint32_t lane)
{
    const struct kv_cell *cells = index->queue->store.cells;
    uint32_t copy = prefix_index_node(index, node)->first_copy;
    while (cells[copy].copy.lane != lane) {
        copy = cells[copy].copy.next;
        assert(copy != KV_NONE);
    }
    return copy;
}

/* Takes a queued copy out of the queue and out of its node's list. */
static void drop_copy(struct prefix_index *index, uint32_t copy)
{
    struct kv_cell *cells = index->queue->store.cells;
    struct prefix_node *x = prefix_index_node(index, free_queue_run(index->queue, copy)->node);
    uint32_t before = KV_NONE;
    for (uint32_t at = x->first_copy; at != copy; at = cells[at].copy.next) {
        before = at;
    }
    *(before == KV_NONE ? &x->first_copy : &cells[before].copy.next) = cells[copy].copy.next;
    free_queue_unlink(index->queue, copy);
    free_queue_free_run(index->queue, copy);
}

/* ---- split, merge, evict ---- */

uint32_t prefix_index_split(struct prefix_index *index, uint32_t node, uint32_t n)
{
    assert(n > 0 && n < prefix_index_node(index, node)->n);
    const uint32_t left = new_node(index);
    struct prefix_node *x = prefix_index_node(index, node);
    struct prefix_node *l = prefix_index_node(index, left);
    struct prefix_node *parent = prefix_index_node(index, x->parent);

    index->slots[slot_of(index, node)].node = left; /* same parent, same key */
    parent->child_xor ^= node ^ left;
    l->key = x->key;
    l->n = n;
    l->depth = x->depth;
    l->parent = x->parent;
    l->n_children = 1;
    l->child_xor = node;

    x->key.first += n * index->block_size;
    x->n -= n;
    x->depth += n;
    x->parent = left;
    insert_slot(index, node);

    uint32_t copy = KV_NONE;
    for (uint32_t c = x->first_copy; c != KV_NONE; c = prefix_index_copy_at(index, c)->next) {
        const struct kv_copy right = *prefix_index_copy_at(index, c);
        copy = append_copy(index, left, copy, right.lane, right.ref);
        prefix_index_copy_at(index, copy)->frequent = right.frequent;
        if (right.ref == 0) {
            free_queue_insert_after(index->queue, c, copy);
        }
    }
    return left;
}

/* The same copies in the same order, of the same kind: held by as many ranges, or both idle and neighbours in the
 * queue. Where no range ends between the two nodes, the held copies are in the same lanes as well. */
static bool same_copies(const struct prefix_index *index, const struct prefix_node *x, const struct prefix_node *y)
{
    const struct kv_cell *cells = index->queue->store.cells;
    uint32_t a = x->first_copy;
    uint32_t b = y->first_copy;
    for (; a != KV_NONE && b != KV_NONE; a = cells[a].copy.next, b = cells[b].copy.next) {
        if (cells[a].copy.ref != cells[b].copy.ref || cells[a].copy.frequent != cells[b].copy.frequent ||
            (!cells[a].copy.ref && free_queue_run(index->queue, b)->next != a)) {
            return false;
        }
    }
    return a == b;
}

bool prefix_index_mergeable(const struct prefix_index *index, uint32_t node)
{
    const struct prefix_node *x = prefix_index_node(index, node);
    if (node == PREFIX_ROOT || x->n_children != 1 || x->ends) {
        return false;
    }
    const struct prefix_node *y = prefix_index_node(index, x->child_xor);
    return prefix_node_continues(x, y->key, index->block_size) && same_copies(index, x, y);
}

uint32_t prefix_index_merge(struct prefix_index *index, uint32_t node)
{
    if (!prefix_index_mergeable(index, node)) {
        return node;
    }
    struct prefix_node *x = prefix_index_node(index, node);
    const uint32_t child = x->child_xor;
    struct prefix_node *y = prefix_index_node(index, child);
    for (uint32_t c = x->first_copy; c != KV_NONE;) {
        const uint32_t next = prefix_index_copy_at(index, c)->next;
        if (prefix_index_copy_at(index, c)->ref == 0) {
            free_queue_unlink(index->queue, c);
        }
        free_queue_free_run(index->queue, c);
        c = next;
    }
    erase_slot(index, slot_of(index, child));
    index->slots[slot_of(index, node)].node = child; /* takes over parent and key */
    prefix_index_node(index, x->parent)->child_xor ^= node ^ child;
    y->key = x->key;
    y->n += x->n;
    y->depth = x->depth;
    y->parent = x->parent;
    free_node(index, node);
    return child;
}

void prefix_index_evict(struct prefix_index *index, uint32_t copy, uint32_t k)
{
    const uint32_t node = free_queue_run(index->queue, copy)->node;
    struct prefix_node *x = prefix_index_node(index, node);
    assert(prefix_index_copy_at(index, copy)->ref == 0 && k > 0 && k <= x->n);
    const bool only = prefix_index_one_copy(index, x);
    if (only && k < x->n) {
        assert(x->n_children == 0 && "a cached block's parent is cached");
        x->n -= k;
        return;
    }
    if (k < x->n) {
        prefix_index_split(index, node, x->n - k); /* the copy stays with the right part, its left part is queued */
    }
    drop_copy(index, copy);
    const uint32_t parent = prefix_index_node(index, node)->parent;
    if (only) {
        remove_leaf(index, node);
    } else {
        prefix_index_merge(index, node);
    }
    prefix_index_merge(index, parent);
}
