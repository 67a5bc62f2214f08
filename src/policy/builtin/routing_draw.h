/* What routing policies share: draws and ties. */
#ifndef ASIM_POLICY_BUILTIN_ROUTING_DRAW_H
#define ASIM_POLICY_BUILTIN_ROUTING_DRAW_H

#include <stdint.h>

/* A number below n (at least 1) from 32 random bits. */
static inline uint32_t draw_below(uint32_t bits, uint32_t n)
{
    return (uint32_t)((uint64_t)bits * n >> 32);
}

/* The best of several by a score, ties drawn at random: offer all of them in order, with 64 random bits. */
struct best_draw {
    uint64_t random;
    double score;
    uint32_t n_equal; /* 0: nobody was offered */
    uint32_t index;
};

static inline void best_offer(struct best_draw *best, uint32_t index, double score)
{
    if (best->n_equal && score < best->score) {
        return;
    }
    best->n_equal = best->n_equal && !(score > best->score) ? best->n_equal + 1 : 1;
    best->score = score;
    /* The k-th of equals takes the place with probability 1/k, so each has the same chance. */
    best->random = best->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if (draw_below((uint32_t)(best->random >> 32), best->n_equal) == 0) {
        best->index = index;
    }
}

#endif
