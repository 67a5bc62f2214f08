#include "base/rng.h"

#include <Random123/philox.h>

/* Counter: program, turn and draw; key: seed. The purpose shares a word with the draw's upper bits, so a key has 2^24
 * draws. */
struct rng_block rng_block(struct rng_key key, uint32_t draw)
{
    const philox4x32_ctr_t counter = {
        {(uint32_t)key.program, (uint32_t)(key.program >> 32), key.turn, (key.purpose << 24) ^ draw}};
    const philox4x32_key_t philox_key = {{(uint32_t)key.seed, (uint32_t)(key.seed >> 32)}};
    const philox4x32_ctr_t bits = philox4x32(counter, philox_key);
    return (struct rng_block){{bits.v[0], bits.v[1], bits.v[2], bits.v[3]}};
}

uint64_t rng_u64(struct rng_key key, uint32_t draw)
{
    const struct rng_block block = rng_block(key, draw);
    return (uint64_t)block.words[0] | ((uint64_t)block.words[1] << 32);
}

double rng_uniform(struct rng_key key, uint32_t draw)
{
    return ((double)(rng_u64(key, draw) >> 12) + 0.5) * 0x1p-52;
}

/* 128 bits are three times 42: the upper 42 of each half, and what is below them together. */
void rng_uniform3(struct rng_key key, uint32_t draw, double out[3])
{
    const struct rng_block block = rng_block(key, draw);
    const uint64_t low = (uint64_t)block.words[0] | ((uint64_t)block.words[1] << 32);
    const uint64_t high = (uint64_t)block.words[2] | ((uint64_t)block.words[3] << 32);
    const uint64_t rest = (low & 0x3FFFFF) << 20 | (high & 0xFFFFF);
    out[0] = ((double)(int64_t)(low >> 22) + 0.5) * 0x1p-42;
    out[1] = ((double)(int64_t)(high >> 22) + 0.5) * 0x1p-42;
    out[2] = ((double)(int64_t)rest + 0.5) * 0x1p-42;
}
