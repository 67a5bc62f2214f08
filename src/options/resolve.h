/* From what the sources gave to one struct settings, and where each value came from.
 *
 * Precedence, lowest first: built-in default, embedded scenario (only when no file was loaded and no source gives a
 * workload or a generator), preset of the engine, files in the order loaded, environment, explicit settings in the
 * order made. Options that exclude each other follow it too: the one of higher precedence replaces the other; given at
 * the same level they are an error.
 */
#ifndef ASIM_OPTIONS_RESOLVE_H
#define ASIM_OPTIONS_RESOLVE_H

#include "base/mem.h"
#include "options/sources.h"

struct resolved {
    struct settings settings; /* its texts live in `texts` */
    const char **origins;     /* by row: "built-in", "preset vllm-0.19", "my.yaml:3", "--seed" */
    bool *given;              /* by row: a file, the environment or a setting gives the value that counts */
    bool *bad;                /* by row: that was refused when it was read */
    struct arena texts;
};

/* Resolves and checks; all errors are reported, those of bad values excepted, which were when they were read. *out is
 * to be freed with resolved_fini in either case. */
asim_status resolve(const struct option_sources *sources, struct resolved *out, struct diag *diag);

void resolved_fini(struct resolved *resolved);

#endif
