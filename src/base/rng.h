/* Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011; Random123).
 *
 * A draw is a pure function of (seed, program, turn, purpose, draw index); there is no stream state, so the order in
 * which parts of the simulation ask, and the thread they run on, cannot change a value.
 */
#ifndef ASIM_BASE_RNG_H
#define ASIM_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* One per independent use; values are part of every digest, so append only. */
enum rng_purpose {
    RNG_ARRIVAL = 1,    /* inter-arrival times of programs */
    RNG_TURN_COUNT = 2, /* generated programs: number of turns */
    RNG_PROMPT = 3,     /* generated programs: new prompt tokens */
    RNG_OUTPUT = 4,     /* generated programs: output tokens */
    RNG_TOOL = 5,       /* generated programs: which tool a turn calls */
    RNG_GAP = 6,        /* tool gaps drawn from a distribution */
    RNG_ROUTE = 7,      /* routers that choose at random */
    RNG_PROGRAM = 8,    /* synthetic programs: number of turns, system prompt */
    RNG_TURN = 9,       /* synthetic programs: new prompt tokens, output tokens, gap */
    RNG_HINT = 10,      /* generated programs: errors of estimates */
    RNG_SEARCH = 11,    /* settings of a search; the draw is the sample's number, the turn the parameter's */
    RNG_TICK = 12,      /* routers that draw at random in a tick; its number stands for the program */
};

struct rng_key {
    uint64_t seed;
    uint64_t program;
    uint32_t turn;
    uint32_t purpose; /* enum rng_purpose */
};

/* 128 random bits: all that one evaluation of the generator gives. */
struct rng_block {
    uint32_t words[4];
};

struct rng_block rng_block(struct rng_key key, uint32_t draw);

/* The blocks of n keys that differ from `key` in program and turn; four at a time, in a third of the time that one by
 * one takes. */
void rng_blocks(struct rng_key key, const uint64_t *programs, const uint32_t *turns, size_t n, uint32_t draw,
                struct rng_block *out);

/* 64 random bits, the first two words of the block; `draw` counts from 0 within one key. */
uint64_t rng_u64(struct rng_key key, uint32_t draw);

/* Uniform in the open interval (0, 1): the middles of 2^52 equal bins. */
double rng_uniform(struct rng_key key, uint32_t draw);

/* Three of them for the price of one: the middles of 2^42 equal bins. */
void rng_uniform3(struct rng_key key, uint32_t draw, double out[3]);

#endif
