/* The store of a pool: cells of 64 bytes, each an index node together with its first copy; and the runs of the queue.
 *
 * A pool is one of many that take turns in the processor's caches, so what a turn costs is the number of lines it
 * touches. Nearly every node has one copy: node and copy are used together and share a cell, a cache line where the
 * allocator aligns arrays of a power of two. What enters or leaves the queue touches its neighbours, which are any
 * runs; runs are packed by themselves, so that these stay near while cells do not.
 *
 * Nodes, copies and runs are named by the index of their cell, so that the store can grow. A node's home run, of the
 * same index, is in use when it names that node, and never stands for anything but one of its copies. Further copies
 * and anonymous blocks have cells of their own, whose node is unused (n = 0). Freed cells are reused, and a steady
 * state allocates nothing.
 */
#ifndef ASIM_KV_CELL_H
#define ASIM_KV_CELL_H

#include "kv/block_cursor.h"

#include <stdbool.h>
#include <stdint.h>

#define KV_NONE UINT32_MAX

/* A node of the prefix tree (prefix_index.h). */
struct prefix_node {
    struct block_key key; /* of the first block */
    uint32_t n;           /* blocks; 0: root or unused */
    uint32_t depth;       /* blocks before it */
    uint32_t parent;
    uint32_t n_children;
    uint32_t child_xor; /* of the children's indices: the only child, when there is one */
    uint32_t ends;      /* ranges that end here */
    uint32_t first_copy;
};

/* One copy of a node: a run of blocks in one state. */
struct kv_copy {
    uint32_t lane;     /* names the copy among those of its node; increasing in list order */
    uint32_t ref;      /* ranges that cover it */
    uint32_t next;     /* in the node's list */
    uint32_t frequent; /* 1: used again since it came, where the pool tells (arc.h) */
};

struct kv_cell {
    struct prefix_node node;
    struct kv_copy copy;
    uint32_t padding[2];
};

/* A run in the queue (free_queue.h), or of copies that are held. */
struct kv_run {
    uint32_t node;  /* whose content the blocks hold, or KV_NONE: anonymous, or an unused home run */
    uint32_t prev;  /* neighbours in the queue: prev is older */
    uint32_t next;  /* of a free cell: the next free one */
    uint32_t count; /* anonymous blocks */
};

struct cell_store {
    struct kv_cell *cells;
    struct kv_run *runs; /* of the same number */
    uint32_t n_cells;    /* ever used */
    uint32_t capacity;
    uint32_t spare; /* freed cells */
};

void cell_store_init(struct cell_store *store);
void cell_store_fini(struct cell_store *store);

/* Makes room for n cells at least. */
void cell_store_reserve(struct cell_store *store, uint32_t n);

/* A cell whose node and run are both unused; its copy is the caller's to set. */
uint32_t cell_store_take(struct cell_store *store);

/* The node must be unused. */
void cell_store_give(struct cell_store *store, uint32_t cell);

#endif
