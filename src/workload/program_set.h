/* The programs of a file, complete and compact: arrays that the workload owns and hands out by pointer. */
#ifndef ASIM_WORKLOAD_PROGRAM_SET_H
#define ASIM_WORKLOAD_PROGRAM_SET_H

#include "base/mem.h"
#include "workload/program.h"

/* Where a program came from: what messages and the last steps of reading need. */
struct program_origin {
    const char *file;    /* in the arena */
    size_t first_turn;   /* in turns */
    size_t first_extent; /* in extents */
    int64_t arrival_ns;  /* as recorded, from an origin of the file's choosing */
    bool has_arrival;
};

struct program_set {
    struct arena arena; /* names */
    struct program *programs;
    struct program_origin *origins;
    struct turn *turns;
    struct extent *extents;
    const char **tools; /* [0] is "tool", the name of those that have none */
    size_t n_programs;
    size_t n_turns;
    size_t n_extents;
    size_t n_tools;
};

void program_set_fini(struct program_set *set);

#endif
