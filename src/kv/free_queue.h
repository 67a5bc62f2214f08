/* The free queue of a pool as runs of blocks, and the store of those runs.
 *
 * A run is a number of blocks in one state: either a copy, the blocks that hold the content of one index node, or
 * anonymous blocks that cache nothing. Copies that a turn holds are not queued; a copy is queued exactly when its
 * reference count is 0. Within a queued copy the deepest block is the oldest: a run is eaten from its end, as a release
 * pushes the tail of a sequence first. Neighbouring anonymous runs are one run.
 *
 * Runs are named by index, so that the store can grow; freed ones are reused, and a steady state allocates nothing.
 */
#ifndef ASIM_KV_FREE_QUEUE_H
#define ASIM_KV_FREE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KV_NONE UINT32_MAX

struct kv_run {
    uint32_t node; /* whose content the blocks hold, or KV_NONE: anonymous */
    uint32_t prev; /* neighbours in the queue: prev is older */
    uint32_t next;
    union {
        struct {
            uint32_t lane; /* names the copy among those of its node; increasing in list order */
            uint32_t ref;  /* ranges that cover it */
        };
        uint32_t count; /* anonymous blocks */
    };
    uint32_t next_copy; /* in the node's list */
};

struct free_queue {
    struct kv_run *runs;
    size_t n_runs; /* ever used */
    size_t capacity;
    uint32_t spare; /* freed runs, linked by `next` */
    uint32_t head;  /* oldest */
    uint32_t tail;
};

void free_queue_init(struct free_queue *queue);
void free_queue_fini(struct free_queue *queue);

/* A run that is not queued; its other fields are the caller's to set. */
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
