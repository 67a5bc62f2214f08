/* Columnar workloads: programs built from the columns of a memory-mapped file as they start.
 *
 * Opening checks the header and the bounds of the sections and touches nothing else; a program is copied out of its
 * rows, checked and completed in the buffer of its slot when it is fetched. So a run holds the programs in progress,
 * and a few pages of the file: once some amount has been touched, all pages are given back to the system, from whose
 * cache those still in use return. Nothing in a file is trusted: a row that is not sound is an error when it is met.
 * (Only a file that is cut short while it is read ends the process, as with any mapped file: replace such files, do not
 * write into them.)
 */
#ifndef ASIM_WORKLOAD_COLUMNAR_H
#define ASIM_WORKLOAD_COLUMNAR_H

#include "workload/columnar_format.h"
#include "workload/program_slot.h"
#include "workload/workload.h"

#include <pthread.h>

struct columnar {
    struct columnar_header header; /* a copy, checked */
    char *file;
    struct diag *diag; /* of the caller, for what only shows while programs are made */
    const unsigned char *base;
    size_t bytes;
    char *owned; /* the memory behind base; NULL: a mapping */
    uint64_t n_programs;
    bool has_extents;
    char *tool_text;
    const char **tools;
    char *format; /* "columnar, from session JSONL" */
    enum missing_gap missing_gap;
    struct distribution missing_gap_distribution;
    uint64_t seed;
    pthread_mutex_t lock;  /* threads fetch one at a time */
    uint64_t next_program; /* after the one fetched last */
    size_t touched;        /* bytes, about, since pages were given back */
};

bool columnar_has_magic(const void *bytes, size_t n);

/* Maps the file when it is columnar: *out is NULL, without an error, when it is not, or cannot be opened. */
asim_status columnar_map(const char *path, const struct workload_options *options, struct columnar **out,
                         struct diag *diag);

/* The same for bytes in memory, taken over (mem_free) in any case. NULL and errors in diag on failure. */
struct columnar *columnar_open_memory(const char *name, char *bytes, size_t n, const struct workload_options *options,
                                      struct diag *diag);

void columnar_close(struct columnar *columnar);

void columnar_stats(const struct columnar *columnar, struct workload_stats *stats);

/* A text of the header: its bytes, *n of them. Empty when it lies outside the section. */
const char *columnar_text(const struct columnar *columnar, struct columnar_text text, size_t *n);

/* Builds a program in the slot; false, with an error in the diag given at the start, when its rows are not sound. */
bool columnar_fetch(struct columnar *columnar, uint64_t id, struct program_slot *slot);

/* Recorded arrivals in order of (time, program). At the end, or with an error in diag, false. */
bool columnar_next_arrival(const struct columnar *columnar, struct arrival_cursor *cursor, uint64_t *program,
                           simtime *time);
simtime columnar_arrival(const struct columnar *columnar, uint64_t program);

/* Reads all sections against their checksums; errors name the section. */
asim_status columnar_verify(const struct columnar *columnar, struct diag *diag);

/* Name of a section in messages and in the specification. */
const char *columnar_section_name(enum columnar_section section);

#endif
