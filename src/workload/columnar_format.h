/* The layout of a columnar workload, version 1, as docs/columnar.md specifies it: a header of fixed size, which ends
 * with the directory of the sections, and the sections, one column or text each. All numbers are little-endian.
 */
#ifndef ASIM_WORKLOAD_COLUMNAR_FORMAT_H
#define ASIM_WORKLOAD_COLUMNAR_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

/* As PNG does it: a byte that is no text, a name, and what a transfer as text would change. */
#define COLUMNAR_MAGIC                                                                                                 \
    "\x89"                                                                                                             \
    "ASIMW"                                                                                                            \
    "\r\n"

enum { COLUMNAR_MAGIC_BYTES = 8, COLUMNAR_VERSION = 1, COLUMNAR_ALIGNMENT = 64, COLUMNAR_HEADER_BYTES = 1024 };

enum columnar_section {
    COLUMN_PROGRAM_TURNS,   /* u64, one more than programs: first turn of each, and the end */
    COLUMN_PROGRAM_NAMES,   /* u64, one more than programs: first byte in NAMES */
    COLUMN_NAMES,           /* bytes: names, each with a NUL at its end */
    COLUMN_ARRIVAL,         /* i64 by program, ps; absent: none is recorded */
    COLUMN_ORDER,           /* u64: programs by (arrival, id); absent: they are in that order */
    COLUMN_LINE,            /* u32 by program; absent: 0 */
    COLUMN_SHARED_STREAM,   /* u64 by program; absent: the first shared stream */
    COLUMN_SHARED_PREFIX,   /* u32 by program, tokens; absent: 0 */
    COLUMN_PROGRAM_EXTENTS, /* u64, one more than programs: first extent; absent: no explicit contents */
    COLUMN_PROMPT,          /* u32 by turn, tokens */
    COLUMN_OUTPUT,          /* u32 by turn, tokens */
    COLUMN_KEPT,            /* u32 by turn, tokens */
    COLUMN_PARENT,          /* u32 by turn; absent: the turn before */
    COLUMN_TOOL,            /* u32 by turn; absent: 0 */
    COLUMN_GAP,             /* i64 by turn, ps; -1: missing */
    COLUMN_TURN_EXTENTS,    /* u32 by turn: number of extents; absent: 0 */
    COLUMN_SHARED_OUTPUT,   /* u8 by turn: 0 or 1; absent: 0 */
    COLUMN_EXTENT_STREAM,   /* u64 by extent */
    COLUMN_EXTENT_COUNT,    /* u32 by extent, tokens */
    COLUMN_TOOL_NAMES,      /* u64, one more than tools: first byte in TOOL_TEXT */
    COLUMN_TOOL_TEXT,       /* bytes: names, each with a NUL at its end */
    COLUMN_TEXTS,           /* bytes: the texts of the header */
    COLUMNAR_SECTIONS
};

struct columnar_entry {
    uint64_t offset; /* in the file; 0: absent */
    uint64_t bytes;
    uint64_t checksum; /* XXH3-64 of the section */
};

/* Bytes in TEXTS, without a NUL. */
struct columnar_text {
    uint32_t first;
    uint32_t bytes;
};

enum {
    COLUMNAR_HAS_TOKEN_IDS = 1,     /* contents hold at block_size only */
    COLUMNAR_READ_FROM_FILE = 2,    /* reuse_generated acted */
    COLUMNAR_REUSES_GENERATED = 4,  /* its value */
    COLUMNAR_HAS_SHARED_PREFIX = 8, /* its name is a text */
};

/* How gaps that the source lacked were filled in. */
enum columnar_gap_rule { COLUMNAR_GAPS_KEPT, COLUMNAR_GAPS_MEDIAN, COLUMNAR_GAPS_DRAWN };

struct columnar_header {
    unsigned char magic[COLUMNAR_MAGIC_BYTES];
    uint32_t version;
    uint32_t header_bytes;
    uint64_t checksum; /* XXH3-64 of the header with zero here */
    uint64_t file_bytes;
    uint64_t n_programs;
    uint64_t n_turns;
    uint64_t n_extents;
    uint32_t n_tools;
    uint32_t flags;
    uint32_t most_turns; /* of a program */
    uint32_t most_extents;
    uint64_t longest_prompt; /* most of prompt + (output > 0), tokens */
    uint64_t skipped_lines;
    uint64_t missing_gaps;
    uint64_t filled_gaps;
    int64_t median_gap; /* of the gaps that are known, ps; -1: not computed, or none is known */
    uint32_t block_size;
    uint32_t gap_rule; /* enum columnar_gap_rule, with its distribution and seed: */
    uint32_t gap_kind;
    uint32_t gap_is_bounded;
    double gap_parameters[4]; /* a, b, min, max */
    uint64_t seed;
    struct columnar_text format; /* of the source, as inspect names it */
    struct columnar_text source;
    struct columnar_text shared_prefix;
    uint64_t reserved[38]; /* zero */
    struct columnar_entry sections[COLUMNAR_SECTIONS];
};

_Static_assert(offsetof(struct columnar_header, sections) == COLUMNAR_HEADER_BYTES - 22 * 24, "no gaps");
_Static_assert(sizeof(struct columnar_header) == COLUMNAR_HEADER_BYTES, "as specified");

static inline uint64_t columnar_checksum(const struct columnar_header *header)
{
    struct columnar_header zeroed = *header;
    zeroed.checksum = 0;
    return XXH3_64bits(&zeroed, sizeof zeroed);
}

#endif
