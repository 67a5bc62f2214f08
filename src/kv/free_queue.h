/* The free queue of a pool as runs of blocks.
 *
 * A run is a number of blocks in one state: either a copy, the blocks that hold the content of one index node, or
 * anonymous blocks that cache nothing. Copies that a turn holds are not queued; a copy is queued exactly when its
 * reference count is 0. Within a queued copy the deepest block is the oldest: a run is eaten from its end, as a release
 * pushes the tail of a sequence first. Neighbouring anonymous runs are one run.
 */
#ifndef ASIM_KV_FREE_QUEUE_H
#define ASIM_KV_FREE_QUEUE_H

#include "kv/cell.h"

struct free_queue {
    struct cell_store store;
    uint32_t head; /* oldest */
    uint32_t tail;
};

void free_queue_init(struct free_queue *queue);
void free_queue_fini(struct free_queue *queue);

static inline struct kv_run *free_queue_run(const struct free_queue *queue, uint32_t run)
{
    return &queue->store.cells[run].run;
}

/* A run that is not queued; its other fields are the caller's to set. A copy of `node` goes to its home when that is
 * unused. */
uint32_t free_queue_new_run(struct free_queue *queue, uint32_t node);
void free_queue_free_run(struct free_queue *queue, uint32_t run);

void free_queue_push(struct free_queue *queue, uint32_t run);
void free_queue_push_anonymous(struct free_queue *queue, uint32_t count); /* count 0: nothing happens */
void free_queue_insert_after(struct free_queue *queue, uint32_t at, uint32_t run);
void free_queue_unlink(struct free_queue *queue, uint32_t run);

static inline bool kv_run_is_anonymous(const struct kv_run *run)
{
    return run->node == KV_NONE;
}

#endif
