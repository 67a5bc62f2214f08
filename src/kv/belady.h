/* How far evictions are from the best there could have been: Belady's MIN on the accesses that a pool saw.
 *
 * A pool is looked up for prompts (an access: its blocks are there, or missed), and blocks are entered in it (a write).
 * Both are told as they happen; afterwards follows how many misses a pool of some capacity must have at least (L. A.
 * Belady, IBM Systems Journal 5(2), 1966), whatever it gives up and when.
 *
 * What is kept. A block that is accessed or written and accessed next at a later moment is worth keeping in between:
 * that is a reuse (from, to), and saves one miss. Moments are accesses, counted from 1; a write belongs to the last
 * access before it, since what must fit into the pool is decided just before an access. Reuses of one access are mostly
 * of the same moment, the program's turn before, however many blocks there are, and are counted together.
 *
 * Names. As in the prefix index (prefix_index.h), a block is named by all that comes before it. A line is a run of
 * consecutive blocks of one stream that follows so many blocks of another line; lines are never forgotten. So a program
 * whose context grows is one line, and its last moments are a short list of stretches of blocks, mostly one.
 *
 * MIN as a choice of reuses. Between two accesses at most as many reuses as there are blocks can be kept, and as many
 * as possible are to be. Walked forward, that is Belady's rule: where it is one too many, drop the one that ends last.
 * Here it is walked backward, where reuses come in the order in which they were noted, and the one that begins first is
 * dropped, which is as good. (Walked by ends it is OPTgen of Jain and Lin, ISCA 2016.)
 *
 * It is a lower bound of what a pool can do. It need not keep what was accessed last, nor what running turns hold, and
 * a block is of use to it without the blocks before it. What the pool entered it has for nothing, as the pool did at
 * that moment. So a pool that is told all its accesses and writes never has fewer misses.
 *
 * Costs some 100 bytes a line and 12 a reuse; an access takes time by the extents of its prompt, MIN by reuses.
 */
#ifndef ASIM_KV_BELADY_H
#define ASIM_KV_BELADY_H

#include "workload/extent.h"

#include <stdint.h>

struct belady;

struct belady_counts {
    uint64_t accesses;   /* blocks looked up */
    uint64_t misses;     /* of those, that the pool did not have */
    uint64_t compulsory; /* of those, never accessed or written before: no pool has them */
    uint64_t optimal;    /* misses of MIN, the compulsory ones included */
};

struct belady *belady_create(uint32_t block_size);
void belady_destroy(struct belady *belady);

/* The first `blocks` whole blocks of `content` were looked up, and the first `hits` of them found. */
void belady_access(struct belady *belady, struct content content, uint32_t blocks, uint32_t hits);

/* Blocks `from` to `to` - 1 of `content` were entered; those before have been accessed or written. */
void belady_write(struct belady *belady, struct content content, uint32_t from, uint32_t to);

/* All of that, and what a pool of `capacity` blocks must have missed. */
struct belady_counts belady_count(const struct belady *belady, uint32_t capacity);

#endif
