/* Two pools in lockstep: every operation is done on the pool under test and on the oracle, and whatever can be seen of
 * either is compared; the first difference fails the test with the seed and step it came from.
 */
#ifndef ASIM_TESTS_KV_LOCKSTEP_H
#define ASIM_TESTS_KV_LOCKSTEP_H

#include "base/rng.h"
#include "kv/plain_pool.h"
#include "kv/pool.h"

struct lockstep {
    struct kv_pool *pool;
    struct plain_pool plain;
    uint32_t block_size;
    bool lazy; /* decoded blocks: reserved without a name and hashed at the release; eager in the oracle */
    uint64_t seed;
    uint64_t step;
    uint32_t draws;
    struct extent_list pieces; /* scratch: a content cut into more extents than it needs */
    uint64_t n_hits;
    uint64_t n_duplicates; /* blocks hashed while another block had their name */
};

/* A turn's content and the blocks it holds in both pools. */
struct lockstep_turn {
    struct extent_list content;
    struct plain_name *names; /* of the full blocks of the content */
    size_t names_capacity;
    struct kv_holder holder;
    struct plain_holder plain;
    uint32_t unclaimed; /* lazy: reserved blocks */
};

void lockstep_init(struct lockstep *both, uint32_t n_blocks, uint32_t block_size, bool caching, uint64_t seed);
void lockstep_fini(struct lockstep *both);

/* Uniform in [0, n). */
uint32_t lockstep_draw(struct lockstep *both, uint32_t n);

/* Names the content's blocks; those of its first `known` tokens are named already. */
void lockstep_name(const struct lockstep *both, struct lockstep_turn *turn, uint32_t known);
void lockstep_turn_fini(struct lockstep_turn *turn);

struct kv_hit lockstep_lookup(struct lockstep *both, struct lockstep_turn *turn, uint32_t n_tokens);
void lockstep_touch(struct lockstep *both, struct lockstep_turn *turn, struct kv_hit hit);

/* `n` more blocks, then everything up to `blocks` hashed. */
void lockstep_grow(struct lockstep *both, struct lockstep_turn *turn, uint32_t n, uint32_t blocks, bool decode);
void lockstep_release(struct lockstep *both, struct lockstep_turn *turn);

/* As lockstep_release, but what nobody else has any use for is not cached. */
void lockstep_drop(struct lockstep *both, struct lockstep_turn *turn);

/* What the turn holds in full blocks goes to `keeper`, which holds nothing; the rest is given back. */
void lockstep_keep(struct lockstep *both, struct lockstep_turn *turn, struct lockstep_turn *keeper);

/* All but the first `blocks` that the keeper holds are given back. */
void lockstep_shorten(struct lockstep *both, struct lockstep_turn *keeper, uint32_t blocks);

/* Saves the pool under test with its holders, and goes on with what a fresh pool loads. `turns` as below. */
void lockstep_reload(struct lockstep *both, struct lockstep_turn *turns, size_t n_turns, size_t stride);

/* Compares the free queue block by block, and all copies with their counts; and checks the pool's invariants.
 * `turns` are all that hold blocks. */
void lockstep_compare(struct lockstep *both, struct lockstep_turn *turns, size_t n_turns, size_t stride);

#endif
