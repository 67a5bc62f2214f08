/* A whole input file in memory: plain, gzip or Zstandard, recognised by its first bytes and never by its name.
 *
 * The text is followed by INPUT_PADDING zero bytes, which the JSON parser may read beyond the end.
 */
#ifndef ASIM_WORKLOAD_INPUT_FILE_H
#define ASIM_WORKLOAD_INPUT_FILE_H

#include "base/diag.h"

enum { INPUT_PADDING = 64 };

struct input_text {
    char *text; /* owned; `bytes` bytes and INPUT_PADDING zero bytes */
    size_t bytes;
};

/* Reads and decompresses `path`. On failure (missing, unreadable, a folder, damaged or truncated compressed data) adds
 * an error, returns its status and leaves *out empty. */
asim_status input_file_read(const char *path, struct input_text *out, struct diag *diag);

/* A padded copy of text in memory. */
struct input_text input_text_copy(const char *text, size_t bytes);

void input_text_fini(struct input_text *input);

/* Walks the lines of a text: LF or CR LF, a byte order mark at the start and blank lines are passed over. */
struct input_lines {
    const char *at;
    const char *end;
    uint32_t line; /* number of the line returned last, from 1 */
};

void input_lines_init(struct input_lines *lines, const char *text, size_t bytes);

/* The next line that is not blank, without its end; false when there are no more. */
bool input_lines_next(struct input_lines *lines, const char **text, size_t *bytes);

#endif
