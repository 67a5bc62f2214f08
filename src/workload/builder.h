/* Where readers put what they read: programs, turns and contents in growing arrays.
 *
 * A record (a line, or a document) is one program. A reader calls builder_begin, adds turns, and builder_commit, which
 * makes the record the next program, or undoes all of it if builder_bad was called in between. Bad records are errors;
 * with skip_bad_lines they are counted instead and reported in one warning.
 */
#ifndef ASIM_WORKLOAD_BUILDER_H
#define ASIM_WORKLOAD_BUILDER_H

#include "workload/intern.h"
#include "workload/program_set.h"
#include "workload/workload.h"

/* Largest number of tokens of a prompt or an output: their sum fits 32 bits. */
#define TOKENS_LIMIT INT32_MAX

/* Names numbered in order of appearance. */
struct name_table {
    struct key_map ids;
    const char **names;
    size_t n;
    size_t capacity;
};

struct builder {
    const struct workload_options *options;
    struct diag *diag;
    struct program_set set;
    size_t program_capacity;
    size_t origin_capacity;
    size_t turn_capacity;
    size_t extent_capacity;
    struct name_table tools;
    struct name_table tenants;
    struct interner interner;

    /* The open record. */
    const char *file;
    uint32_t line;
    size_t open_turns; /* turns and extents before it */
    size_t open_extents;
    bool is_bad;

    /* Findings about the whole workload, reported once by the end of reading. */
    struct name_table other_keys; /* keys that nothing here reads */
    struct name_table models;     /* that nodes of DAGs name */
    uint64_t n_with_models;       /* such nodes */
    uint64_t skipped;
    struct diag skipped_diag; /* the first skipped record's problem */
    bool has_token_ids;
    uint64_t prefixes;          /* turns with a known, non-zero reused prefix */
    uint64_t odd_prefixes;      /* of those, the ones that are no multiple of TRACE_BLOCK */
    uint64_t assumed_prefixes;  /* turns without one that are taken to keep the prompt before them */
    uint64_t left_out_requests; /* of sub-agents */
    uint32_t trace_block;       /* tokens to which the format counts prefixes; 0: to be found out */
    uint64_t n_arrivals;        /* programs with a recorded arrival */
};

/* Tokens of a block of the Weka traces: reused prefixes there are counted in whole blocks. */
enum { TRACE_BLOCK = 64 };

void builder_init(struct builder *builder, const struct workload_options *options, struct diag *diag);
void builder_fini(struct builder *builder);

/* Whether there is nothing more to read: enough programs, or as many errors as are kept. */
bool builder_is_full(const struct builder *builder);

void builder_set_file(struct builder *builder, const char *file); /* the name is copied */
struct diag_where builder_where(const struct builder *builder);

void builder_begin(struct builder *builder, uint32_t line);

/* Reports a problem of the open record. */
void builder_bad(struct builder *builder, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The open record's turns so far, and a new one at their end (zeroed; the pointers move). */
struct turn *builder_turns(const struct builder *builder);
uint32_t builder_turn_count(const struct builder *builder);
struct turn *builder_add_turn(struct builder *builder);

/* Gives a turn of the open record explicit contents. */
void builder_add_extents(struct builder *builder, struct turn *turn, const struct extent_list *list);

/* The number of a tool. */
uint32_t builder_tool(struct builder *builder, const char *name, size_t bytes);

/* The number of a tenant, from 1. */
uint32_t builder_tenant(struct builder *builder, const char *name, size_t bytes);

/* Notes the model that a node of a DAG names. */
void builder_node_model(struct builder *builder, const char *name, size_t bytes);

/* Notes a key that is not read. */
void builder_other_key(struct builder *builder, const char *key, size_t bytes);

/* Ends the open record. The new program, for the reader to complete, or NULL when the record was bad; its name is
 * "line N" when `name` is NULL. */
struct program *builder_commit(struct builder *builder, const char *name, size_t bytes);

/* Records the arrival of the program just committed. */
void builder_arrival(struct builder *builder, int64_t arrival_ns);

#endif
