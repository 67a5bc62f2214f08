/* Synthetic workloads: programs made on demand, each a pure function of (generator, seed, program id).
 *
 * `swe-agent`: a coding agent that works on a repository issue with shell tools. Its parameters come from published
 * figures (generate.c names them) and are chosen so that contexts grow to a few ten thousand tokens in about 11 turns:
 * large enough to compete for the KV cache of a GPU, small enough for a quick look.
 */
#ifndef ASIM_WORKLOAD_GENERATE_H
#define ASIM_WORKLOAD_GENERATE_H

#include "workload/program.h"

#include <stddef.h>

struct generator;

/* One program and the memory behind it; zero-initialised is empty. */
struct generated {
    struct program program;
    struct turn *turns;
    size_t capacity;
    char name[32];
};

/* Names of all generators, and one of them by name (NULL: no such generator). */
const char *const *generator_names(size_t *n);
const struct generator *generator_find(const char *name);

const char *generator_name(const struct generator *generator);
uint32_t generator_tool_count(const struct generator *generator);
const char *generator_tool_name(const struct generator *generator, uint32_t tool);

/* Makes program `id` in *out, reusing its memory. */
void generator_make(const struct generator *generator, uint64_t seed, uint64_t id, struct generated *out);
void generated_fini(struct generated *generated);

#endif
