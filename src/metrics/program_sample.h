/* The rows of programs.csv: all programs, or the `limit` programs whose ids have the smallest hashes.
 *
 * The choice depends on ids alone, never on order or results, so that two runs of one workload keep the same programs
 * and their rows pair up.
 */
#ifndef ASIM_METRICS_PROGRAM_SAMPLE_H
#define ASIM_METRICS_PROGRAM_SAMPLE_H

#include "metrics/recorder.h"

#include <stddef.h>
#include <stdint.h>

struct program_sample {
    uint64_t limit; /* UINT64_MAX: all */
    struct program_row *rows;
    size_t n;
    size_t capacity;
    uint64_t bound; /* hashes above it cannot be among the smallest any more */
};

void program_sample_init(struct program_sample *sample, uint32_t limit);
void program_sample_fini(struct program_sample *sample);

/* Copies the row and its name if it may be among the rows to keep. */
void program_sample_add(struct program_sample *sample, const struct program_row *row);

/* Adds the rows of `from`, which is empty afterwards; both have the same limit. */
void program_sample_merge(struct program_sample *into, struct program_sample *from);

/* The kept rows by program id; valid until the next call. */
const struct program_row *program_sample_rows(struct program_sample *sample, uint64_t *n);

#endif
