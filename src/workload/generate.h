/* Generators: programs made on demand, each a pure function of (generator, its options, seed, program id).
 *
 * Each lives in a file of its own, generate_*.c, which says what it makes; this is the table of them.
 */
#ifndef ASIM_WORKLOAD_GENERATE_H
#define ASIM_WORKLOAD_GENERATE_H

#include "base/distribution.h"
#include "workload/program.h"

#include <stddef.h>

/* Most tokens of one draw, and of the system prompt. */
#define SYNTHETIC_MOST_TOKS UINT32_C(67108864)

/* What the generator `synthetic` draws from. Draws of counts are rounded to whole numbers, at least 1. */
struct synthetic_options {
    struct distribution turns;
    struct distribution first_prompt; /* tokens of the first prompt after the system prompt */
    struct distribution growth;       /* tokens from one prompt to the next, the output between them included */
    struct distribution output;       /* tokens */
    struct distribution gap;          /* seconds */
    uint32_t n_system_prompts;        /* >= 1; each program has one of them */
    uint32_t system_prompt_toks;      /* up to SYNTHETIC_MOST_TOKS */
};

struct generator_options {
    uint64_t seed;
    struct synthetic_options synthetic; /* for the generator of that name */
};

/* One program and the memory behind it; zero-initialised is empty. */
struct generated {
    struct program program;
    struct turn *turns;
    size_t capacity;
    char name[32];
};

struct generator {
    const char *name;
    const char *summary;
    uint32_t n_tools;
    const char *(*tool_name)(uint32_t tool);
    /* Makes program `id` in *out, reusing its memory. */
    void (*make)(const struct generator_options *options, uint64_t id, struct generated *out);
};

extern const struct generator generator_swe_agent;
extern const struct generator generator_synthetic;

size_t generator_count(void);
const struct generator *generator_at(size_t index);
const struct generator *generator_find(const char *name); /* NULL: no such generator */

/* Room for so many turns. */
void generated_reserve(struct generated *generated, size_t n_turns);
void generated_fini(struct generated *generated);

#endif
