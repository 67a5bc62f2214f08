/* Walks a content block by block: turns extents into runs of whole blocks, each named by a key.
 *
 * A block that lies in one extent is named (stream, position of its first token), so consecutive blocks of an extent
 * have consecutive keys and form one run however long it is. A block that straddles extents is a composite: a run of
 * its own, named by a 94-bit hash over its pieces in a stream kind that contents do not use. Pieces are maximal
 * (adjacent extents of one stream are joined), so equal tokens have one name, however the content was cut into extents.
 * Keys need to tell apart only the continuations of one prefix, where 94 bits are as good as the list itself, and the
 * index stores nothing of variable length.
 */
#ifndef ASIM_KV_BLOCK_CURSOR_H
#define ASIM_KV_BLOCK_CURSOR_H

#include "workload/extent.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* 12 bytes, so that a node of the index fits its cell. */
struct __attribute__((packed, aligned(4))) block_key {
    uint64_t stream;
    uint32_t first;
};

static inline bool block_key_equal(struct block_key a, struct block_key b)
{
    return a.stream == b.stream && a.first == b.first;
}

struct block_run {
    struct block_key key; /* of the first block */
    uint32_t n;           /* blocks; 1 for a composite */
};

struct block_cursor {
    const struct extent *next;
    const struct extent *end;
    struct extent left; /* what is not consumed of the extents before `next`, joined */
    uint32_t block_size;
};

/* Starts at the first token. */
struct block_cursor block_cursor_begin(struct content content, uint32_t block_size);

/* Starts at block `block`, found from the end of the content: a turn that grows hashes near the end, and a long list of
 * extents before that place is not read. */
struct block_cursor block_cursor_at(struct content content, uint32_t block_size, uint32_t block);

/* Starts at the first token of what an earlier cursor left of an extent; nothing follows it. */
static inline struct block_cursor block_cursor_within(struct extent left, uint32_t block_size)
{
    return (struct block_cursor){.left = left, .block_size = block_size};
}

/* Loads the next extent once the loaded one is consumed, with all that continue it. */
void block_cursor_refill(struct block_cursor *cursor);

/* The next block, which straddles extents. */
struct block_run block_cursor_composite(struct block_cursor *cursor);

/* The next run, of at most `max` (> 0) blocks; the content must have another whole block. */
static inline struct block_run block_cursor_next(struct block_cursor *cursor, uint32_t max)
{
    assert(max > 0);
    if (cursor->left.count < cursor->block_size) {
        return block_cursor_composite(cursor);
    }
    struct block_run run = {.key = {.stream = cursor->left.stream, .first = cursor->left.first}, .n = max};
    if ((uint64_t)max * cursor->block_size > cursor->left.count) {
        run.n = cursor->left.count / cursor->block_size;
    }
    cursor->left.first += run.n * cursor->block_size;
    cursor->left.count -= run.n * cursor->block_size;
    if (!cursor->left.count) {
        block_cursor_refill(cursor);
    }
    return run;
}

/* True for the key of a composite: it continues nothing, and nothing continues it. */
static inline bool block_key_is_composite(struct block_key key)
{
    return key.stream >> 62 == 3;
}

/* Drops the first n blocks of a run. */
static inline void block_run_advance(struct block_run *run, uint32_t n, uint32_t block_size)
{
    run->key.first += n * block_size;
    run->n -= n;
}

#endif
