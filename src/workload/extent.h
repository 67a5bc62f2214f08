/* Contents as extents: what a prompt says, without its tokens.
 *
 * An extent (stream, first, count) is `count` consecutive tokens of a content stream. Two contents share a prefix
 * exactly as far as their extents name the same (stream, position) pairs; nothing of the size of the tokens is stored.
 *
 * Streams. A program's private context is append-only until a turn drops part of it, so it is one stream for as long as
 * each turn's prompt continues the context before it (prompt, then output); a turn that cuts the context starts a new
 * stream at the cut. That is the same identity as one stream per turn and per output, with one extent where those need
 * two per turn. Token ids and block hashes of a file are interned by the reader to streams of their own.
 */
#ifndef ASIM_WORKLOAD_EXTENT_H
#define ASIM_WORKLOAD_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
    uint64_t stream;
    uint32_t first;
    uint32_t count; /* > 0 */
};

/* The tokens of one turn, prompt then output: what its KV cache can hold. Borrowed, never owned. */
struct content {
    const struct extent *extents;
    uint32_t n_extents;
    uint32_t n_tokens; /* sum of the counts */
};

/* Tokens that both begin with, however each is cut into extents. */
uint32_t content_common_toks(struct content a, struct content b);

/* Stream keys: disjoint by construction. */
enum stream_kind { STREAM_PRIVATE = 0, STREAM_SHARED = 1, STREAM_INTERNED = 2 };

/* The stream that starts at turn `turn` of program `program` (program < 2^38, turn < 2^24). */
static inline uint64_t stream_private(uint64_t program, uint32_t turn)
{
    return ((uint64_t)STREAM_PRIVATE << 62) | (program << 24) | turn;
}

/* The `index`-th stream known to several programs: shared system prompts (STREAM_SHARED) or interned file content. */
static inline uint64_t stream_common(enum stream_kind kind, uint64_t index)
{
    return ((uint64_t)kind << 62) | index;
}

/* A growable list of extents; adjacent pieces of one stream are merged as they are appended. */
struct extent_list {
    struct extent *items;
    size_t n;
    size_t capacity;
    uint32_t n_tokens;
    bool lent; /* the items lie in memory that somebody else owns */
};

void extent_list_init(struct extent_list *list);

/* A list that uses `items`, of the caller's, for its first `capacity` extents. */
void extent_list_init_in(struct extent_list *list, struct extent *items, size_t capacity);
void extent_list_fini(struct extent_list *list);
void extent_list_append(struct extent_list *list, struct extent extent); /* count 0: nothing happens */
void extent_list_cut(struct extent_list *list, uint32_t n_tokens);       /* keep the first n_tokens */
struct content extent_list_content(const struct extent_list *list);

#endif
