#include "kv/prefix_index.h"

#include "base/mem.h"

#include <assert.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(struct prefix_node) == 48, "one per idle program, more for branches");

enum { FIRST_SLOTS = 64 };

/* ---- table of children: linear probing, at most half full, deletion by shifting back ---- */

static uint32_t slot_hash(uint32_t parent, struct block_key key)
{
    const uint64_t words[2] = {key.stream, (uint64_t)parent << 32 | key.first};
    return (uint32_t)XXH3_64bits(words, sizeof words);
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
        const struct prefix_node *node = &index->nodes[slot->node];
        if (slot->hash == hash && node->parent == parent && node->key.stream == key.stream &&
            node->key.first == key.first) {
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
}

/* Enters a node whose parent and key are set; the parent's account of its children is the caller's. */
static void insert_slot(struct prefix_index *index, uint32_t id)
{
    const struct prefix_node *node = &index->nodes[id];
    const uint32_t hash = slot_hash(node->parent, node->key);
    const uint32_t at = find_slot(index, hash, node->parent, node->key);
    assert(index->slots[at].node == KV_NONE);
    index->slots[at] = (struct prefix_slot){.hash = hash, .node = id};
}

static uint32_t slot_of(const struct prefix_index *index, uint32_t id)
{
    const struct prefix_node *node = &index->nodes[id];
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
    if (!index->nodes[parent].n_children) { /* as for every turn that grows at the end of its own context */
        return KV_NONE;
    }
    return index->slots[find_slot(index, slot_hash(parent, key), parent, key)].node;
}

/* ---- nodes ---- */

static uint32_t new_node(struct prefix_index *index)
{
    uint32_t id = index->spare;
    if (id != KV_NONE) {
        index->spare = index->nodes[id].parent;
    } else {
        assert(index->n_nodes < KV_NONE);
        index->nodes = mem_grow(index->nodes, &index->capacity, index->n_nodes + 1, sizeof *index->nodes);
        id = (uint32_t)index->n_nodes++;
    }
    if (++index->n_live > index->slot_mask / 2) {
        grow_slots(index);
    }
    index->nodes[id] = (struct prefix_node){.parent = KV_NONE, .first_copy = KV_NONE, .last_copy = KV_NONE};
    return id;
}

static void free_node(struct prefix_index *index, uint32_t id)
{
    index->nodes[id].n = 0;
    index->nodes[id].parent = index->spare;
    index->spare = id;
    index->n_live--;
}

void prefix_index_init(struct prefix_index *index, struct free_queue *queue, uint32_t block_size)
{
    *index = (struct prefix_index){.queue = queue,
                                   .spare = KV_NONE,
                                   .slots = new_slots(FIRST_SLOTS),
                                   .slot_mask = FIRST_SLOTS - 1,
                                   .block_size = block_size};
    const uint32_t root = new_node(index);
    assert(root == PREFIX_ROOT);
    (void)root;
    index->n_live = 0;
}

void prefix_index_fini(struct prefix_index *index)
{
    mem_free(index->nodes);
    mem_free(index->slots);
    *index = (struct prefix_index){0};
}

uint32_t prefix_index_add(struct prefix_index *index, uint32_t parent, struct block_run run)
{
    const uint32_t id = new_node(index);
    struct prefix_node *nodes = index->nodes;
    nodes[id].key = run.key;
    nodes[id].n = run.n;
    nodes[id].depth = nodes[parent].depth + nodes[parent].n;
    nodes[id].parent = parent;
    nodes[parent].n_children++;
    nodes[parent].child_xor ^= id;
    insert_slot(index, id);
    return id;
}

static void remove_leaf(struct prefix_index *index, uint32_t id)
{
    struct prefix_node *node = &index->nodes[id];
    assert(node->n_children == 0 && "a cached block's parent is cached");
    assert(node->ends == 0 && node->first_copy == KV_NONE);
    struct prefix_node *parent = &index->nodes[node->parent];
    parent->n_children--;
    parent->child_xor ^= id;
    erase_slot(index, slot_of(index, id));
    free_node(index, id);
}

/* ---- copies ---- */

static uint32_t append_copy(struct prefix_index *index, uint32_t node, uint32_t lane, uint32_t ref)
{
    const uint32_t copy = free_queue_new_run(index->queue, node);
    struct kv_run *runs = index->queue->runs;
    struct prefix_node *x = &index->nodes[node];
    runs[copy].lane = lane;
    runs[copy].ref = ref;
    *(x->last_copy == KV_NONE ? &x->first_copy : &runs[x->last_copy].next_copy) = copy;
    x->last_copy = copy;
    return copy;
}

uint32_t prefix_index_add_copy(struct prefix_index *index, uint32_t node, uint32_t lane)
{
    const uint32_t last = index->nodes[node].last_copy;
    if (last != KV_NONE && index->queue->runs[last].lane >= lane) {
        assert(index->queue->runs[last].lane < UINT32_MAX);
        lane = index->queue->runs[last].lane + 1;
    }
    return append_copy(index, node, lane, 1);
}

uint32_t prefix_index_copy(const struct prefix_index *index, uint32_t node, uint32_t lane)
{
    const struct kv_run *runs = index->queue->runs;
    uint32_t copy = index->nodes[node].first_copy;
    while (runs[copy].lane != lane) {
        copy = runs[copy].next_copy;
        assert(copy != KV_NONE);
    }
    return copy;
}

/* Takes a queued copy out of the queue and out of its node's list. */
static void drop_copy(struct prefix_index *index, uint32_t copy)
{
    struct kv_run *runs = index->queue->runs;
    struct prefix_node *x = &index->nodes[runs[copy].node];
    uint32_t before = KV_NONE;
    for (uint32_t at = x->first_copy; at != copy; at = runs[at].next_copy) {
        before = at;
    }
    *(before == KV_NONE ? &x->first_copy : &runs[before].next_copy) = runs[copy].next_copy;
    if (x->last_copy == copy) {
        x->last_copy = before;
    }
    free_queue_unlink(index->queue, copy);
    free_queue_free_run(index->queue, copy);
}

/* ---- split, merge, evict ---- */

uint32_t prefix_index_split(struct prefix_index *index, uint32_t node, uint32_t n)
{
    assert(n > 0 && n < index->nodes[node].n);
    const uint32_t left = new_node(index);
    struct prefix_node *x = &index->nodes[node];
    struct prefix_node *l = &index->nodes[left];
    struct prefix_node *parent = &index->nodes[x->parent];

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

    for (uint32_t c = x->first_copy; c != KV_NONE; c = index->queue->runs[c].next_copy) {
        const struct kv_run run = index->queue->runs[c];
        const uint32_t copy = append_copy(index, left, run.lane, run.ref);
        if (run.ref == 0) {
            free_queue_insert_after(index->queue, c, copy);
        }
    }
    return left;
}

/* The same copies in the same order: held by as many ranges, or both idle and neighbours in the queue. Where no range
 * ends between the two nodes, the held copies are in the same lanes as well. */
static bool same_copies(const struct prefix_index *index, const struct prefix_node *x, const struct prefix_node *y)
{
    const struct kv_run *runs = index->queue->runs;
    uint32_t a = x->first_copy;
    uint32_t b = y->first_copy;
    for (; a != KV_NONE && b != KV_NONE; a = runs[a].next_copy, b = runs[b].next_copy) {
        if (runs[a].ref != runs[b].ref || (!runs[a].ref && runs[b].next != a)) {
            return false;
        }
    }
    return a == b;
}

bool prefix_index_mergeable(const struct prefix_index *index, uint32_t node)
{
    const struct prefix_node *x = &index->nodes[node];
    if (node == PREFIX_ROOT || x->n_children != 1 || x->ends) {
        return false;
    }
    const struct prefix_node *y = &index->nodes[x->child_xor];
    return prefix_node_continues(x, y->key, index->block_size) && same_copies(index, x, y);
}

uint32_t prefix_index_merge(struct prefix_index *index, uint32_t node)
{
    if (!prefix_index_mergeable(index, node)) {
        return node;
    }
    struct prefix_node *x = &index->nodes[node];
    const uint32_t child = x->child_xor;
    struct prefix_node *y = &index->nodes[child];
    for (uint32_t c = x->first_copy; c != KV_NONE;) {
        const uint32_t next = index->queue->runs[c].next_copy;
        if (index->queue->runs[c].ref == 0) {
            free_queue_unlink(index->queue, c);
        }
        free_queue_free_run(index->queue, c);
        c = next;
    }
    erase_slot(index, slot_of(index, child));
    index->slots[slot_of(index, node)].node = child; /* takes over parent and key */
    index->nodes[x->parent].child_xor ^= node ^ child;
    y->key = x->key;
    y->n += x->n;
    y->depth = x->depth;
    y->parent = x->parent;
    free_node(index, node);
    return child;
}

void prefix_index_evict(struct prefix_index *index, uint32_t copy, uint32_t k)
{
    const struct kv_run *run = &index->queue->runs[copy];
    const uint32_t node = run->node;
    struct prefix_node *x = &index->nodes[node];
    assert(run->ref == 0 && k > 0 && k <= x->n);
    const bool only = x->first_copy == x->last_copy;
    if (only && k < x->n) {
        assert(x->n_children == 0 && "a cached block's parent is cached");
        x->n -= k;
        return;
    }
    if (k < x->n) {
        prefix_index_split(index, node, x->n - k); /* the copy stays with the right part, its left part is queued */
    }
    drop_copy(index, copy);
    const uint32_t parent = index->nodes[node].parent;
    if (only) {
        remove_leaf(index, node);
    } else {
        prefix_index_merge(index, node);
    }
    prefix_index_merge(index, parent);
}
