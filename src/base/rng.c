#include "base/rng.h"

#include <Random123/philox.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The counter is (program, turn and draw), the key the seed. The purpose shares a word with the draw's upper bits, so a
 * key has 2^24 draws. */
static inline uint32_t last_word(struct rng_key key, uint32_t draw)
{
    return (key.purpose << 24) ^ draw;
}

struct rng_block rng_block(struct rng_key key, uint32_t draw)
{
    const philox4x32_ctr_t counter = {
        {(uint32_t)key.program, (uint32_t)(key.program >> 32), key.turn, last_word(key, draw)}};
    const philox4x32_key_t philox_key = {{(uint32_t)key.seed, (uint32_t)(key.seed >> 32)}};
    const philox4x32_ctr_t bits = philox4x32(counter, philox_key);
    return (struct rng_block){{bits.v[0], bits.v[1], bits.v[2], bits.v[3]}};
}

#ifdef __SSE2__

enum { LANES = 4 };

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

static inline lanes in_all(uint32_t word)
{
    return (lanes){word, word, word, word};
}

/* The 64-bit products of four words with one: their upper and lower halves. */
static inline void multiply(lanes words, uint32_t by, lanes *upper, lanes *lower)
{
    const __m128i factors = (__m128i)in_all(by);
    const __m128i even = _mm_mul_epu32((__m128i)words, factors); /* of words 0 and 2 */
    const __m128i odd = _mm_mul_epu32(_mm_srli_epi64((__m128i)words, 32), factors);
    const __m128i first = _mm_unpacklo_epi32(even, odd); /* lower halves of words 0 and 1, their upper halves */
    const __m128i second = _mm_unpackhi_epi32(even, odd);
    *lower = (lanes)_mm_unpacklo_epi64(first, second);
    *upper = (lanes)_mm_unpackhi_epi64(first, second);
}

/* Philox4x32-10 on four counters side by side. */
static void four_blocks(uint64_t seed, const uint64_t *programs, const uint32_t *turns, uint32_t last,
                        struct rng_block *out)
{
    lanes c0, c1, c2;
    lanes c3 = in_all(last);
    for (int i = 0; i < LANES; i++) {
        c0[i] = (uint32_t)programs[i];
        c1[i] = (uint32_t)(programs[i] >> 32);
        c2[i] = turns[i];
    }
    lanes key_0 = in_all((uint32_t)seed);
    lanes key_1 = in_all((uint32_t)(seed >> 32));
    for (int round = 0; round < philox4x32_rounds; round++) {
        lanes upper_0, lower_0, upper_2, lower_2;
        multiply(c0, PHILOX_M4x32_0, &upper_0, &lower_0);
        multiply(c2, PHILOX_M4x32_1, &upper_2, &lower_2);
        c0 = upper_2 ^ c1 ^ key_0;
        c1 = lower_2;
        c2 = upper_0 ^ c3 ^ key_1;
        c3 = lower_0;
        key_0 += PHILOX_W32_0;
        key_1 += PHILOX_W32_1;
    }
    for (int i = 0; i < LANES; i++) {
        out[i] = (struct rng_block){{c0[i], c1[i], c2[i], c3[i]}};
    }
}

#endif

void rng_blocks(struct rng_key key, const uint64_t *programs, const uint32_t *turns, size_t n, uint32_t draw,
                struct rng_block *out)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + LANES <= n; i += LANES) {
        four_blocks(key.seed, programs + i, turns + i, last_word(key, draw), out + i);
    }
#endif
    for (; i < n; i++) {
        key.program = programs[i];
        key.turn = turns[i];
        out[i] = rng_block(key, draw);
    }
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
