/* Files that keep the state of a run: sections of primitives, written in one stream and read back in the same order.
 *
 *     file     magic "asimsave", format version (u32), one zstd frame of the content, XXH3-128 of all bytes before it
 *     content  sections, then a name of length 0
 *     section  length of the name (u8), name, version (u32), chunks (u32 length, bytes), a chunk of length 0
 *
 * Everything is little-endian. A writer streams: nothing is held but one chunk. It writes beside the file and renames
 * at the end, so that a file by its final name is whole. A reader checks all of the file before it hands out anything,
 * and knows then how much content there is: no count is believed beyond what is left. Its first problem is reported
 * with file, section and what was expected; after it every value read is 0, so that a loader may check once at its end.
 */
#ifndef ASIM_BASE_STORE_H
#define ASIM_BASE_STORE_H

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct store_writer;
struct store_reader;

/* NULL when the file beside `path` cannot be created. */
struct store_writer *store_create(const char *path, struct diag *diag);

/* The same in memory, to be sent: what store_take gives is what store_open_stream reads. */
struct store_writer *store_create_memory(void);

/* Sections do not nest. Names have 4 to 63 of the characters a-z, 0-9, '-', '_' and '.'. */
void store_begin(struct store_writer *writer, const char *name, uint32_t version);
void store_end(struct store_writer *writer);

void store_put_u8(struct store_writer *writer, uint8_t value);
void store_put_u32(struct store_writer *writer, uint32_t value);
void store_put_u64(struct store_writer *writer, uint64_t value);
void store_put_i64(struct store_writer *writer, int64_t value);
void store_put_u128(struct store_writer *writer, unsigned __int128 value);
void store_put_double(struct store_writer *writer, double value); /* its bits */
/* Bytes of fixed layout: little-endian integers, no padding. The reader must know how many. */
void store_put_bytes(struct store_writer *writer, const void *bytes, size_t n);
/* NULL is kept apart from "". */
void store_put_text(struct store_writer *writer, const char *text);

/* Makes the file whole, durable and known by its name; or reports why not. Frees the writer either way. */
asim_status store_commit(struct store_writer *writer, struct diag *diag);
/* Of a writer in memory: the bytes, *n of them, freed with mem_free. Frees the writer. */
unsigned char *store_take(struct store_writer *writer, size_t *n);
/* Frees the writer and leaves nothing behind. NULL is allowed. */
void store_abandon(struct store_writer *writer);

/* NULL when the file cannot be read or is damaged. `diag` must outlive the reader. */
struct store_reader *store_open(const char *path, struct diag *diag);
/* The same of an open file that can be positioned, named `name` in messages; it is closed in any case. */
struct store_reader *store_open_stream(FILE *file, const char *name, struct diag *diag);

/* The next section must be this one, and must have been read to its end when it is left. */
bool store_enter(struct store_reader *reader, const char *name, uint32_t version);
bool store_leave(struct store_reader *reader);

uint8_t store_get_u8(struct store_reader *reader);
uint32_t store_get_u32(struct store_reader *reader);
uint64_t store_get_u64(struct store_reader *reader);
unsigned __int128 store_get_u128(struct store_reader *reader);
int64_t store_get_i64(struct store_reader *reader);
double store_get_double(struct store_reader *reader);
void store_get_bytes(struct store_reader *reader, void *out, size_t n);
/* A number of items of at least `item_bytes` each (above 0) that the rest of the file can hold; written as u64. */
uint64_t store_get_count(struct store_reader *reader, size_t item_bytes);
/* Freed with mem_free. */
char *store_get_text(struct store_reader *reader);

/* For loaders: what was read makes no sense. Reported like the reader's own problems, unless there was one before. */
void store_refuse(struct store_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool store_failed(const struct store_reader *reader);

/* Frees a reader that is not read to its end. */
void store_drop(struct store_reader *reader);

/* All sections must have been read. Frees the reader; the status is that of its first problem. */
asim_status store_close(struct store_reader *reader);

#endif
