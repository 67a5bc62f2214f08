/* One door to all inputs: a workload is a sequence of programs, read from a file or generated on demand.
 *
 * The programs of a trace are read at once (compactly); a generated program, and one of a columnar file, exists from
 * workload_fetch to workload_release. Readers live in read_*.c, generators in generate*.c, columnar files in
 * columnar*.c; nothing else in the simulator knows where programs come from.
 */
#ifndef ASIM_WORKLOAD_WORKLOAD_H
#define ASIM_WORKLOAD_WORKLOAD_H

#include "base/diag.h"
#include "base/distribution.h"
#include "workload/generate.h"
#include "workload/program.h"

struct workload;
struct columnar;

enum workload_format { WORKLOAD_AUTO, WORKLOAD_SESSION, WORKLOAD_WEKA, WORKLOAD_COLUMNAR };
enum missing_gap {
    MISSING_GAP_ERROR,
    MISSING_GAP_MEDIAN,
    MISSING_GAP_DISTRIBUTION,
    MISSING_GAP_KEEP, /* gaps stay GAP_MISSING: to look at a workload, not to run it */
};

struct workload_options {
    enum workload_format format;
    bool skip_bad_lines;       /* otherwise the first MAX errors are reported and reading fails */
    uint64_t max_programs;     /* take the first so many; 0 = all */
    bool reuse_generated;      /* a turn that keeps the whole previous prompt continues with the previous output */
    const char *shared_prefix; /* NULL, or the name under which shared_prefix_toks of all programs are one stream */
    enum missing_gap missing_gap;
    struct distribution missing_gap_distribution; /* seconds */
    uint64_t seed;
    uint32_t block_size;                /* granularity at which token ids are compared, tokens */
    struct synthetic_options synthetic; /* of the generator of that name */
    struct dag_options dag;             /* of those of graphs */
    enum generated_hints hints;         /* of any generator */
};

struct workload_stats {
    const char *format; /* "session JSONL", "Weka JSON", "generated: swe-agent" */
    const char *reason; /* how the format was recognised */
    uint64_t n_programs;
    uint64_t n_turns; /* 0 when they are not counted: made lazily, or the first programs of a columnar file */
    uint64_t n_dags;  /* programs whose turns are a graph */
    uint64_t n_told;  /* programs of which the application says something: hints, a tenant, a deadline */
    uint64_t skipped_lines;
    uint64_t missing_gaps; /* turns whose gap was filled in, or kept missing */
    bool has_arrivals;     /* recorded arrivals exist */
    bool has_token_ids;
    uint64_t longest_prompt; /* bound of prompt + (output > 0) of all turns, tokens; 0: not known */
};

/* Reads a file, or all *.json and *.jsonl files of a folder in the order of their names (session JSONL or Weka; plain,
 * .gz or .zst), or maps a columnar file. NULL and errors in diag on failure. `diag` must outlive a workload that is
 * columnar: what is wrong with its programs shows, as errors in it, when they are fetched. */
struct workload *workload_open(const char *path, const struct workload_options *options, struct diag *diag);

/* The same for text in memory, which messages call `name`. */
struct workload *workload_open_memory(const char *name, const char *text, size_t bytes,
                                      const struct workload_options *options, struct diag *diag);

/* Programs of a named generator (generate.h lists them), made on demand from the seed; of the options only the seed
 * and those of the generator are used. */
struct workload *workload_generate(const char *generator, uint64_t n_programs, const struct workload_options *options,
                                   struct diag *diag);

void workload_destroy(struct workload *workload);

const struct workload_stats *workload_stats(const struct workload *workload);
const char *workload_tool_name(const struct workload *workload, uint32_t tool);
uint32_t workload_tool_count(const struct workload *workload);

/* Recorded arrival of a program, without fetching it. */
simtime workload_arrival(const struct workload *workload, uint64_t program);

/* Where a walk over arrivals stands; zero-initialised is at the start. */
struct arrival_cursor {
    uint64_t position;
    bool has_last;
    simtime time; /* the last one */
    uint64_t program;
};

/* Whether recorded arrivals can be had in order of (time, program) without sorting, and the next of them; false at the
 * end, and when the file turns out not to be sound, with an error in the diag given at the start. */
bool workload_has_arrival_order(const struct workload *workload);
bool workload_next_arrival(const struct workload *workload, struct arrival_cursor *cursor, uint64_t *program,
                           simtime *time);

/* Makes room for slots 0 to `slot`; a slot but 0 is fetched into only after it. One thread, while no other call runs.
 */
void workload_reserve(struct workload *workload, uint32_t slot);

/* A program by its id, valid until workload_release; NULL when its part of a columnar file is not sound, with an error
 * in the diag given at the start, and then there is nothing to release. `slot` is a small integer that the caller gives
 * to no other live program: generators and columnar files have one buffer per slot. Threads may fetch into and release
 * different slots side by side; what was fetched may be read by any. */
const struct program *workload_fetch(struct workload *workload, uint64_t program, uint32_t slot);
void workload_release(struct workload *workload, const struct program *program, uint32_t slot);

/* What columnar_write asks: whether programs are generated, and the columnar file behind the workload, or NULL. */
bool workload_is_generated(const struct workload *workload);
const struct columnar *workload_columnar(const struct workload *workload);

#endif
