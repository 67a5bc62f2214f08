#include "kv/block_cursor.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool continues(const struct extent *a, const struct extent *b)
{
    return a->stream == b->stream && (uint64_t)a->first + a->count == b->first;
}

void block_cursor_refill(struct block_cursor *cursor)
{
    if (cursor->left.count || cursor->next == cursor->end) {
        return;
    }
    cursor->left = *cursor->next++;
    assert(cursor->left.stream >> 62 != 3 && cursor->left.count > 0);
    while (cursor->next < cursor->end && continues(&cursor->left, cursor->next)) {
        cursor->left.count += cursor->next++->count;
    }
}

static void consume(struct block_cursor *cursor, uint32_t tokens)
{
    cursor->left.first += tokens;
    cursor->left.count -= tokens;
    block_cursor_refill(cursor);
}

struct block_cursor block_cursor_begin(struct content content, uint32_t block_size)
{
    struct block_cursor cursor = {
        .next = content.extents, .end = content.extents + content.n_extents, .block_size = block_size};
    block_cursor_refill(&cursor);
    return cursor;
}

struct block_cursor block_cursor_at(struct content content, uint32_t block_size, uint32_t block)
{
    const uint64_t token = (uint64_t)block * block_size;
    assert(token <= content.n_tokens);
    struct block_cursor cursor = {.next = content.extents + content.n_extents, .block_size = block_size};
    cursor.end = cursor.next;
    uint32_t start = content.n_tokens; /* tokens before `next` */
    while (start > token) {
        start -= (--cursor.next)->count;
    }
    block_cursor_refill(&cursor);
    if (token > start) {
        consume(&cursor, (uint32_t)token - start);
    }
    return cursor;
}

struct block_run block_cursor_composite(struct block_cursor *cursor)
{
    struct {
        XXH128_hash_t chain;
        struct extent piece;
    } link = {0};
    _Static_assert(sizeof link == 32, "hashed as bytes: no padding");
    for (uint32_t missing = cursor->block_size; missing;) {
        assert(cursor->left.count && "the content has another whole block");
        link.piece = cursor->left;
        if (link.piece.count > missing) {
            link.piece.count = missing;
        }
        link.chain = XXH3_128bits(&link, sizeof link);
        missing -= link.piece.count;
        consume(cursor, link.piece.count);
    }
    return (struct block_run){
        .key = {.stream = UINT64_C(3) << 62 | link.chain.low64 >> 2, .first = (uint32_t)link.chain.high64}, .n = 1};
}
