/* The oracle of src/kv/arc.h: the same rule block by block, on plain lists, with the lists searched from end to end.
 * Nothing is shared with the code it checks but the names of blocks.
 */
#ifndef ASIM_TESTS_KV_PLAIN_ARC_H
#define ASIM_TESTS_KV_PLAIN_ARC_H

#include "kv/block_cursor.h"

#include <stdbool.h>
#include <stdint.h>

enum { PLAIN_ARC_MOST = 4096, PLAIN_ARC_DEEPEST = 64 };

/* A cached block; its number is its place in the array. */
struct plain_arc_block {
    struct block_key key;
    uint32_t depth;
    int32_t parent; /* -1: none */
    uint32_t ref;
    bool cached, frequent;
};

struct plain_arc_ghost {
    struct block_key key;
    uint32_t depth;
};

/* The oldest comes first. */
struct plain_arc_list {
    uint32_t n;
    int32_t items[PLAIN_ARC_MOST];
};

struct plain_arc_ghosts {
    uint32_t n;
    struct plain_arc_ghost items[PLAIN_ARC_MOST];
};

struct plain_arc {
    uint32_t capacity, empty, target, ties;
    uint32_t block_size;
    struct plain_arc_block blocks[PLAIN_ARC_MOST];
    struct plain_arc_list idle[2];     /* recent, frequent */
    struct plain_arc_ghosts ghosts[3]; /* of recent, of frequent, expected */
};

struct plain_arc_holder {
    uint32_t n, anonymous;
    int32_t blocks[PLAIN_ARC_DEEPEST];
};

void plain_arc_init(struct plain_arc *arc, uint32_t capacity, uint32_t block_size);
uint32_t plain_arc_find(const struct plain_arc *arc, struct content content, uint32_t blocks, uint32_t *idle);
uint32_t plain_arc_free(const struct plain_arc *arc);
uint32_t plain_arc_cached(const struct plain_arc *arc, bool frequent);

void plain_arc_touch(struct plain_arc *arc, struct plain_arc_holder *holder, struct content content, uint32_t blocks);
void plain_arc_use(struct plain_arc *arc, const struct plain_arc_holder *holder);
void plain_arc_expect(struct plain_arc *arc, struct content content, uint32_t from, uint32_t to);
void plain_arc_alloc(struct plain_arc *arc, struct plain_arc_holder *holder, uint32_t n);
void plain_arc_hash(struct plain_arc *arc, struct plain_arc_holder *holder, struct content content, uint32_t blocks);
void plain_arc_release(struct plain_arc *arc, struct plain_arc_holder *holder);

#endif
