/* ARC, the adaptive replacement cache (Megiddo and Modha, FAST 2003), as the rule by which a pool gives up blocks.
 *
 * What is cached is recent (used once since it came: the paper's T1) or frequent (more often, or back after it had been
 * given up: T2). The names of blocks given up are remembered, as ghosts of the one kind and of the other (B1, B2). A
 * ghost that comes back says which kind deserved more room: it moves the target for the number of recent blocks, by
 * which the next blocks to go are chosen. With c blocks in all, recent ones and their ghosts are c at most, all four
 * lists 2 c.
 *
 * The pool's queue is in two parts with a mark between, recent blocks and frequent ones, and empty blocks go before
 * anything is given up. A copy that is held knows its kind, and joins the end of its part when it is released.
 *
 * A pool of prefixes differs from the paper's cache of pages in three ways. Blocks come and go many at a time: names
 * are looked up first, then room is made for all, and when the content has come it is entered.
 * Blocks that are held stay. And a block that something cached continues is passed over, since what follows it could
 * not be found without it: the oldest of its kind that nothing continues goes, or where there is none, that of the
 * other kind. For prefixes of one block, nothing of that makes a difference.
 *
 * There is one copy of every content: who enters what has come meanwhile takes hold of that, and gives his own blocks
 * back empty.
 */
#ifndef ASIM_KV_ARC_H
#define ASIM_KV_ARC_H

#include "kv/ghosts.h"
#include "kv/pool_internal.h"

struct kv_arc {
    uint32_t mark;      /* the run between the parts of the queue */
    uint32_t blocks[2]; /* cached, recent and frequent; held ones too */
    uint32_t target;    /* for recent ones */
    uint32_t ties;      /* of the blocks that room is made for, those that were frequent: they win a tie */
    struct ghosts ghosts;
};

void kv_arc_fini(struct kv_arc *arc);

/* The rest are the pool's operations where it has an ARC. */

/* Takes n blocks out of the queue, empty ones first. */
void kv_arc_take(struct kv_pool *pool, uint32_t n);

/* n blocks are empty and free. */
void kv_arc_give_empty(struct kv_pool *pool, uint32_t n);

/* A copy that nobody holds any more joins its part of the queue. */
void kv_arc_push(struct kv_pool *pool, uint32_t copy);

/* Of the first blocks of a run at `depth`, none of which is cached, those of one kind: their number, at most run.n.
 * Their ghosts are gone then. */
uint32_t kv_arc_admit(struct kv_pool *pool, struct block_run run, uint32_t depth, bool *frequent);

/* n blocks have been entered; what is one too many is forgotten. */
void kv_arc_entered(struct kv_pool *pool, bool frequent, uint32_t n);

#endif
