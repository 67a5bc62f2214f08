/* Generators: programs made on demand, each a pure function of (generator, its options, seed, program id).
 *
 * Each lives in a file of its own, generate_*.c, which says what it makes; this is the table of them.
 */
#ifndef ASIM_WORKLOAD_GENERATE_H
#define ASIM_WORKLOAD_GENERATE_H

#include "base/distribution.h"
#include "workload/program_slot.h"

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

/* Of the generators of graphs; 0: as the generator has it. */
struct dag_options {
    uint64_t depth; /* on average */
    uint64_t fan_out;
};

/* What generated programs say of the gaps after their turns. */
enum generated_hints {
    HINTS_OFF,
    HINTS_EXACT, /* as long as they are */
    HINTS_NOISY, /* times a factor, lognormal with median 1 and sigma 0.5 */
};

/* Makes the hints of a program that a generator has made. */
void generate_hints(enum generated_hints kind, uint64_t seed, struct program_slot *slot);

struct generator_options {
    uint64_t seed;
    struct dag_options dag;
    struct synthetic_options synthetic; /* for the generator of that name */
};

struct generator {
    const char *name;
    const char *summary;
    uint32_t n_tools;
    bool makes_graphs;
    const char *(*tool_name)(uint32_t tool);
    /* Makes program `id` in *out, reusing its memory. */
    void (*make)(const struct generator_options *options, uint64_t id, struct program_slot *out);
};

extern const struct generator generator_swe_agent;
extern const struct generator generator_synthetic;
extern const struct generator generator_lats;
extern const struct generator generator_deep_research;

size_t generator_count(void);
const struct generator *generator_at(size_t index);
const struct generator *generator_find(const char *name); /* NULL: no such generator */

#endif
