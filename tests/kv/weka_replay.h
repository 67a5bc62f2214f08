/* The recorded Claude Code sessions (traces/claude-code-weka) on two pools in lockstep: several programs interleaved,
 * prompts as extents by the rule of program.h, prefill in chunks, decode, release. */
#ifndef ASIM_TESTS_KV_WEKA_REPLAY_H
#define ASIM_TESTS_KV_WEKA_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

struct weka_options {
    uint32_t n_blocks;
    uint32_t concurrent;     /* programs in progress */
    uint32_t program_stride; /* 1: all programs; 5: every fifth */
    uint64_t seed;
    uint32_t compare_every; /* steps between comparisons of the whole state */
    bool lazy;              /* decoded blocks are named and hashed at the release */
};

struct weka_totals {
    uint64_t programs;
    uint64_t turns;
    uint64_t dropped; /* turns that fit in no empty pool, and the rest of their programs */
    uint64_t steps;
    uint64_t hit_blocks;
    uint64_t evicted;
};

/* Fails the running test on the first difference. */
struct weka_totals weka_replay(const char *path, struct weka_options options);

#endif
