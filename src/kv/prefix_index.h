/* Which contents a pool caches: a prefix tree whose nodes are runs of blocks.
 *
 * A node is a run of consecutive blocks of one stream, or one composite block (block_cursor.h), that follows its
 * parent's content. Every block of a node is in the same state: the node's copies, a list in order of entry, each stand
 * for one physical block per position. A hit takes the first copy. Duplicates arise when turns compute the same content
 * side by side, or recompute the last block of a prompt that is cached whole.
 *
 * Holders refer to what they hold by ranges (end node, lane, lo): the copies named `lane` on the path from depth lo to
 * the end node. So that the end pointers of holders never move, a split leaves the right part in place, and a merge
 * leaves the child in place; a node at which a range ends is not merged into its child.
 *
 * Lanes increase along a node's list, and a copy's lane is never below that of the parent copy that was taken with it,
 * which outlives it. A copy that nobody holds has no range that could name its lane; who takes it gives it the lane it
 * comes with, and so goes on with one range. That lane is the parent's first one, so it lowers the copy's lane or
 * leaves it, and the order stays.
 *
 * Queued copies: a split puts the left part's copy directly after the right part's in the free queue, which is where
 * the shallower blocks stand; a merge needs them there. A cached block's parent is always cached: a copy is queued
 * before the parent copies of the same release, and the queue is eaten from its head. So the last copy of a node with
 * children is never dropped. (Evicting chosen victims would end that, and need nodes without copies.)
 *
 * Children are found by (parent, key) in one open-addressing table, an only child without it.
 */
#ifndef ASIM_KV_PREFIX_INDEX_H
#define ASIM_KV_PREFIX_INDEX_H

#include "kv/block_cursor.h"
#include "kv/free_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREFIX_ROOT UINT32_C(0) /* the empty prefix: no blocks, no copies */

struct prefix_slot {
    uint32_t hash;
    uint32_t node; /* KV_NONE: empty */
};

struct prefix_index {
    struct free_queue *queue; /* where idle copies stand; its store holds the nodes */
    struct prefix_slot *slots;
    uint32_t *guesses; /* as many as slots: nodes by stream, hashed; whatever they are, no answer depends on it */
    uint32_t slot_mask;
    uint32_t n_live; /* nodes, without the root */
    uint32_t block_size;
};

/* The queue must be empty: the root takes its first cell. */
void prefix_index_init(struct prefix_index *index, struct free_queue *queue, uint32_t block_size);
void prefix_index_fini(struct prefix_index *index);

/* Builds the table of children from the nodes in the store, whatever they hold. False when two of them have one name.
 */
bool prefix_index_rebuild(struct prefix_index *index);

static inline struct prefix_node *prefix_index_node(const struct prefix_index *index, uint32_t node)
{
    return &index->queue->store.cells[node].node;
}

static inline struct kv_copy *prefix_index_copy_at(const struct prefix_index *index, uint32_t copy)
{
    return &index->queue->store.cells[copy].copy;
}

/* The child of `parent` whose first block is `key`, or KV_NONE. */
uint32_t prefix_index_child(const struct prefix_index *index, uint32_t parent, struct block_key key);

/* Fetches the place of that child in the table. */
void prefix_index_prefetch(const struct prefix_index *index, uint32_t parent, struct block_key key);

/* The node that stands in that place, mostly that child if there is one; KV_NONE: none does. */
uint32_t prefix_index_near(const struct prefix_index *index, uint32_t parent, struct block_key key);

/* Enters a run as a child of `parent`, which has none of that key; no copies yet. */
uint32_t prefix_index_add(struct prefix_index *index, uint32_t parent, struct block_run run);

/* Appends a copy held once to the node's list, named `lane` where that keeps the list increasing. */
uint32_t prefix_index_add_copy(struct prefix_index *index, uint32_t node, uint32_t lane);

/* True when the node has no copy but its first. */
static inline bool prefix_index_one_copy(const struct prefix_index *index, const struct prefix_node *node)
{
    return prefix_index_copy_at(index, node->first_copy)->next == KV_NONE;
}

/* The place of a guess about a stream: the caller's to read and write. */
static inline uint32_t *prefix_index_guess(const struct prefix_index *index, uint64_t stream)
{
    return &index->guesses[(uint32_t)(stream * UINT64_C(0x9E3779B97F4A7C15) >> 32) & index->slot_mask];
}

/* The copy of `node` that is named `lane`. */
uint32_t prefix_index_copy(const struct prefix_index *index, uint32_t node, uint32_t lane);

/* Cuts a node after n of its blocks; it keeps the rest. Returns the new node with the first n. */
uint32_t prefix_index_split(struct prefix_index *index, uint32_t node, uint32_t n);

/* True when a node and its only child are one run in one state. */
bool prefix_index_mergeable(const struct prefix_index *index, uint32_t node);

/* Joins a node into its only child if they are mergeable; returns the node that covers its blocks now. */
uint32_t prefix_index_merge(struct prefix_index *index, uint32_t node);

/* Takes k blocks, the deepest ones, of a queued copy that is evicted; k is at most its node's blocks. The copy leaves
 * the queue if no block of it is left. */
void prefix_index_evict(struct prefix_index *index, uint32_t copy, uint32_t k);

/* The key of the block that would continue `node` within its stream equals `key`. */
static inline bool prefix_node_continues(const struct prefix_node *node, struct block_key key, uint32_t block_size)
{
    return node->key.stream == key.stream && !block_key_is_composite(key) &&
           (uint64_t)node->key.first + (uint64_t)node->n * block_size == key.first;
}

#endif
