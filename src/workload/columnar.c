#include "workload/columnar.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a section has a row for, and the bytes of a row. */
enum rows { ROWS_PROGRAMS, ROWS_PROGRAM_ENDS, ROWS_TURNS, ROWS_EXTENTS, ROWS_TOOL_ENDS, ROWS_ANY };

static const struct {
    const char *name;
    enum rows rows;
    uint32_t width;
    bool optional;
} sections[COLUMNAR_SECTIONS] = {
    [COLUMN_PROGRAM_TURNS] = {"program_turns", ROWS_PROGRAM_ENDS, 8, false},
    [COLUMN_PROGRAM_NAMES] = {"program_names", ROWS_PROGRAM_ENDS, 8, false},
    [COLUMN_NAMES] = {"names", ROWS_ANY, 1, false},
    [COLUMN_ARRIVAL] = {"arrival", ROWS_PROGRAMS, 8, true},
    [COLUMN_ORDER] = {"order", ROWS_PROGRAMS, 8, true},
    [COLUMN_LINE] = {"line", ROWS_PROGRAMS, 4, true},
    [COLUMN_SHARED_STREAM] = {"shared_stream", ROWS_PROGRAMS, 8, true},
    [COLUMN_SHARED_PREFIX] = {"shared_prefix", ROWS_PROGRAMS, 4, true},
    [COLUMN_PROGRAM_EXTENTS] = {"program_extents", ROWS_PROGRAM_ENDS, 8, true},
    [COLUMN_PROMPT] = {"prompt", ROWS_TURNS, 4, false},
    [COLUMN_OUTPUT] = {"output", ROWS_TURNS, 4, false},
    [COLUMN_KEPT] = {"kept", ROWS_TURNS, 4, false},
    [COLUMN_PARENT] = {"parent", ROWS_TURNS, 4, true},
    [COLUMN_TOOL] = {"tool", ROWS_TURNS, 4, true},
    [COLUMN_GAP] = {"gap", ROWS_TURNS, 8, false},
    [COLUMN_TURN_EXTENTS] = {"turn_extents", ROWS_TURNS, 4, true},
    [COLUMN_SHARED_OUTPUT] = {"shared_output", ROWS_TURNS, 1, true},
    [COLUMN_EXTENT_STREAM] = {"extent_stream", ROWS_EXTENTS, 8, true},
    [COLUMN_EXTENT_COUNT] = {"extent_count", ROWS_EXTENTS, 4, true},
    [COLUMN_TOOL_NAMES] = {"tool_names", ROWS_TOOL_ENDS, 8, false},
    [COLUMN_TOOL_TEXT] = {"tool_text", ROWS_ANY, 1, false},
    [COLUMN_TEXTS] = {"texts", ROWS_ANY, 1, true},
};

const char *columnar_section_name(enum columnar_section section)
{
    return sections[section].name;
}

bool columnar_has_magic(const void *bytes, size_t n)
{
    return n >= COLUMNAR_MAGIC_BYTES && memcmp(bytes, COLUMNAR_MAGIC, COLUMNAR_MAGIC_BYTES) == 0;
}

#define REFUSE(columnar, ...)                                                                                          \
    diag_error((columnar)->diag, ASIM_INPUT, (struct diag_where){.file = (columnar)->file}, __VA_ARGS__)

static uint64_t rows_of(const struct columnar_header *header, enum rows rows)
{
    switch (rows) {
    case ROWS_PROGRAMS:
        return header->n_programs;
    case ROWS_PROGRAM_ENDS:
        return header->n_programs + 1;
    case ROWS_TURNS:
        return header->n_turns;
    case ROWS_EXTENTS:
        return header->n_extents;
    case ROWS_TOOL_ENDS:
        return (uint64_t)header->n_tools + 1;
    case ROWS_ANY:
        break;
    }
    return 0;
}

static bool is_present(const struct columnar *columnar, enum columnar_section section)
{
    return columnar->header.sections[section].offset != 0;
}

static asim_status check_section(const struct columnar *columnar, enum columnar_section section)
{
    const struct columnar_header *header = &columnar->header;
    const struct columnar_entry *entry = &header->sections[section];
    const char *name = sections[section].name;
    if (entry->offset == 0) {
        return sections[section].optional ? ASIM_OK : REFUSE(columnar, "section '%s' is missing", name);
    }
    if (entry->offset % COLUMNAR_ALIGNMENT || entry->offset < COLUMNAR_HEADER_BYTES ||
        entry->offset > columnar->bytes || entry->bytes > columnar->bytes - entry->offset) {
        return REFUSE(columnar,
                      "section '%s' lies at %" PRIu64 " + %" PRIu64 " bytes of %zu; allowed: inside the file, "
                      "at a multiple of %d",
                      name, entry->offset, entry->bytes, columnar->bytes, (int)COLUMNAR_ALIGNMENT);
    }
    const uint64_t rows = rows_of(header, sections[section].rows);
    if (sections[section].rows != ROWS_ANY &&
        (entry->bytes % sections[section].width || entry->bytes / sections[section].width != rows)) {
        return REFUSE(columnar, "section '%s' has %" PRIu64 " bytes; its %" PRIu64 " rows have %u each", name,
                      entry->bytes, rows, sections[section].width);
    }
    return ASIM_OK;
}

/* Columns that come together. */
static asim_status check_together(const struct columnar *columnar)
{
    static const enum columnar_section contents[] = {COLUMN_TURN_EXTENTS, COLUMN_EXTENT_STREAM, COLUMN_EXTENT_COUNT};
    const bool has_extents = is_present(columnar, COLUMN_PROGRAM_EXTENTS);
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        if (is_present(columnar, contents[i]) != has_extents) {
            return REFUSE(columnar, "section '%s' is there without '%s'",
                          sections[has_extents ? COLUMN_PROGRAM_EXTENTS : contents[i]].name,
                          sections[has_extents ? contents[i] : COLUMN_PROGRAM_EXTENTS].name);
        }
    }
    if (is_present(columnar, COLUMN_ORDER) && !is_present(columnar, COLUMN_ARRIVAL)) {
        return REFUSE(columnar, "section 'order' is there without 'arrival'");
    }
    return ASIM_OK;
}

static asim_status check_header(struct columnar *columnar)
{
    struct columnar_header *header = &columnar->header;
    if (columnar->bytes < COLUMNAR_HEADER_BYTES) {
        return REFUSE(columnar, "a columnar workload of %zu bytes; its header alone has %d (truncated file)",
                      columnar->bytes, (int)COLUMNAR_HEADER_BYTES);
    }
    memcpy(header, columnar->base, sizeof *header);
    if (header->version != COLUMNAR_VERSION || header->header_bytes != COLUMNAR_HEADER_BYTES) {
        return REFUSE(columnar, "a columnar workload of version %u; allowed: %d (import the source again)",
                      header->version, (int)COLUMNAR_VERSION);
    }
    if (header->checksum != columnar_checksum(header)) {
        return REFUSE(columnar, "the header of the columnar workload does not agree with its checksum (damaged file)");
    }
    if (header->file_bytes != columnar->bytes) {
        return REFUSE(columnar, "a columnar workload of %" PRIu64 " bytes in a file of %zu (truncated file)",
                      header->file_bytes, columnar->bytes);
    }
    if (header->n_programs == 0 || header->n_programs >> 38 || header->n_turns < header->n_programs ||
        header->n_turns >> 48 || header->n_extents >> 48 || header->n_tools == 0) {
        return REFUSE(columnar,
                      "%" PRIu64 " programs, %" PRIu64 " turns, %" PRIu64 " extents, %u tools; allowed: 1 to "
                      "2^38 - 1 programs of at least one turn, less than 2^48 turns and extents, 1 or more "
                      "tools",
                      header->n_programs, header->n_turns, header->n_extents, header->n_tools);
    }
    for (int section = 0; section < COLUMNAR_SECTIONS; section++) {
        const asim_status status = check_section(columnar, section);
        if (status != ASIM_OK) {
            return status;
        }
    }
    return check_together(columnar);
}

/* Tools are few, and asked for by name at any time: copied. */
static asim_status read_tools(struct columnar *columnar)
{
    const struct columnar_entry *text = &columnar->header.sections[COLUMN_TOOL_TEXT];
    const struct columnar_entry *ends = &columnar->header.sections[COLUMN_TOOL_NAMES];
    const uint32_t n = columnar->header.n_tools;
    columnar->tool_text = mem_alloc(text->bytes + 1);
    memcpy(columnar->tool_text, columnar->base + text->offset, text->bytes);
    columnar->tools = mem_alloc(n * sizeof *columnar->tools);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t range[2];
        memcpy(range, columnar->base + ends->offset + i * sizeof range[0], sizeof range);
        if (range[0] >= range[1] || range[1] > text->bytes ||
            memchr(columnar->tool_text + range[0], '\0', range[1] - range[0]) != columnar->tool_text + range[1] - 1) {
            return REFUSE(columnar,
                          "section 'tool_names', row %u: bytes %" PRIu64 " to %" PRIu64 " of %" PRIu64
                          "; allowed: a name that ends with the only NUL in it",
                          i, range[0], range[1], text->bytes);
        }
        columnar->tools[i] = columnar->tool_text + range[0];
    }
    return ASIM_OK;
}

const char *columnar_text(const struct columnar *columnar, struct columnar_text text, size_t *n)
{
    const struct columnar_entry *entry = &columnar->header.sections[COLUMN_TEXTS];
    const bool inside = entry->offset && (uint64_t)text.first + text.bytes <= entry->bytes;
    *n = inside ? text.bytes : 0;
    return inside ? (const char *)columnar->base + entry->offset + text.first : "";
}

static bool same_gap_rule(const struct columnar_header *header, const struct workload_options *options)
{
    const struct distribution *drawn = &options->missing_gap_distribution;
    if (options->missing_gap == MISSING_GAP_MEDIAN) {
        return header->gap_rule == COLUMNAR_GAPS_MEDIAN;
    }
    return header->gap_rule == COLUMNAR_GAPS_DRAWN && header->gap_kind == drawn->kind &&
           header->gap_parameters[0] == drawn->a && header->gap_parameters[1] == drawn->b &&
           header->gap_is_bounded == drawn->is_bounded &&
           (!drawn->is_bounded ||
            (header->gap_parameters[2] == drawn->min && header->gap_parameters[3] == drawn->max)) &&
           header->seed == options->seed;
}

static asim_status check_gaps(const struct columnar *columnar, const struct workload_options *options)
{
    const struct columnar_header *header = &columnar->header;
    const bool fills = options->missing_gap == MISSING_GAP_MEDIAN || options->missing_gap == MISSING_GAP_DISTRIBUTION;
    if (header->filled_gaps && fills && !same_gap_rule(header, options)) {
        diag_warning(columnar->diag, (struct diag_where){.file = columnar->file},
                     "%" PRIu64 " gaps were filled in when it was imported, %s, seed %" PRIu64
                     ": missing_gap does not change them",
                     header->filled_gaps,
                     header->gap_rule == COLUMNAR_GAPS_MEDIAN ? "with the median" : "from a distribution",
                     header->seed);
    }
    if (header->missing_gaps && options->missing_gap == MISSING_GAP_ERROR) {
        return REFUSE(columnar,
                      "gaps that are missing between turns: %" PRIu64
                      "; allowed: --missing-gap=median, a duration such as 2s, or a distribution such as "
                      "lognormal(median=1.5s, p99=60s)",
                      header->missing_gaps);
    }
    if (header->missing_gaps && options->missing_gap == MISSING_GAP_MEDIAN &&
        !(header->median_gap >= 0 && header->median_gap <= SIMTIME_LIMIT)) {
        return REFUSE(columnar,
                      "gaps that are missing between turns: %" PRIu64
                      "; no gap is known, so there is no median; allowed: a duration or a distribution",
                      header->missing_gaps);
    }
    return ASIM_OK;
}

/* What was decided at import holds; who asks for something else is told. */
static asim_status check_options(const struct columnar *columnar, const struct workload_options *options)
{
    const struct columnar_header *header = &columnar->header;
    if (options->format != WORKLOAD_AUTO && options->format != WORKLOAD_COLUMNAR) {
        return REFUSE(columnar, "is a columnar workload, and workload_format names another; allowed: auto, columnar");
    }
    if ((header->flags & COLUMNAR_HAS_TOKEN_IDS) && header->block_size != options->block_size) {
        return REFUSE(columnar,
                      "its token ids were compared in blocks of %u tokens when it was imported; allowed: "
                      "--block-size %u, or import the source again with --block-size %u",
                      header->block_size, header->block_size, options->block_size);
    }
    const bool reuses = header->flags & COLUMNAR_REUSES_GENERATED;
    if ((header->flags & COLUMNAR_READ_FROM_FILE) && reuses != options->reuse_generated) {
        diag_warning(columnar->diag, (struct diag_where){.file = columnar->file},
                     "was imported with reuse_generated %s, which holds; reuse_generated %s has no effect",
                     reuses ? "on" : "off", reuses ? "off" : "on");
    }
    size_t n;
    const char *shared = columnar_text(columnar, header->shared_prefix, &n);
    const bool has_shared = header->flags & COLUMNAR_HAS_SHARED_PREFIX;
    if (options->shared_prefix &&
        !(has_shared && n == strlen(options->shared_prefix) && memcmp(shared, options->shared_prefix, n) == 0)) {
        return REFUSE(columnar, "was imported %s%.*s%s; shared_prefix '%s' has to be given when it is imported",
                      has_shared ? "with shared_prefix '" : "without shared_prefix", has_shared ? (int)n : 0, shared,
                      has_shared ? "'" : "", options->shared_prefix);
    }
    return check_gaps(columnar, options);
}

static void set_format(struct columnar *columnar)
{
    size_t n;
    const char *from = columnar_text(columnar, columnar->header.format, &n);
    n = n < 64 ? n : 64;
    columnar->format = mem_alloc(n + 32);
    sprintf(columnar->format, "columnar%s%.*s", n ? ", from " : "", (int)n, from);
}

/* Completes a columnar whose bytes are known; frees it and returns NULL on failure. */
static struct columnar *open_bytes(struct columnar *columnar, const char *name, const struct workload_options *options,
                                   struct diag *diag)
{
    columnar->file = mem_strdup(name);
    columnar->diag = diag;
    columnar->missing_gap = options->missing_gap;
    columnar->missing_gap_distribution = options->missing_gap_distribution;
    columnar->seed = options->seed;
    if (check_header(columnar) != ASIM_OK || read_tools(columnar) != ASIM_OK ||
        check_options(columnar, options) != ASIM_OK) {
        columnar_close(columnar);
        return NULL;
    }
    const uint64_t all = columnar->header.n_programs;
    columnar->n_programs = options->max_programs && options->max_programs < all ? options->max_programs : all;
    columnar->has_extents = is_present(columnar, COLUMN_PROGRAM_EXTENTS);
    set_format(columnar);
    return columnar;
}

struct columnar *columnar_open_memory(const char *name, char *bytes, size_t n, const struct workload_options *options,
                                      struct diag *diag)
{
    struct columnar *columnar = mem_zalloc(sizeof *columnar);
    pthread_mutex_init(&columnar->lock, NULL);
    columnar->base = (const unsigned char *)bytes;
    columnar->bytes = n;
    columnar->owned = bytes;
    return open_bytes(columnar, name, options, diag);
}

static bool begins_with_magic(int file)
{
    char start[COLUMNAR_MAGIC_BYTES];
    const ssize_t n = pread(file, start, sizeof start, 0);
    return n > 0 && columnar_has_magic(start, (size_t)n);
}

asim_status columnar_map(const char *path, const struct workload_options *options, struct columnar **out,
                         struct diag *diag)
{
    struct stat status;
    *out = NULL;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for the writer of a pipe */
    if (file < 0 || fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || !begins_with_magic(file)) {
        if (file >= 0) {
            close(file);
        }
        return ASIM_OK;
    }
    const size_t bytes = (size_t)status.st_size;
    void *base = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    const int error = errno;
    close(file);
    if (base == MAP_FAILED) {
        return diag_error(diag, ASIM_IO, (struct diag_where){.file = path}, "cannot be mapped: %s", strerror(error));
    }
    madvise(base, bytes, MADV_SEQUENTIAL);
    struct columnar *columnar = mem_zalloc(sizeof *columnar);
    pthread_mutex_init(&columnar->lock, NULL);
    columnar->base = base;
    columnar->bytes = bytes;
    *out = open_bytes(columnar, path, options, diag);
    return *out ? ASIM_OK : diag->status;
}

void columnar_close(struct columnar *columnar)
{
    if (!columnar) {
        return;
    }
    if (columnar->owned) {
        mem_free(columnar->owned);
    } else {
        munmap((void *)columnar->base, columnar->bytes);
    }
    mem_free(columnar->file);
    mem_free(columnar->format);
    mem_free(columnar->tools);
    mem_free(columnar->tool_text);
    pthread_mutex_destroy(&columnar->lock);
    mem_free(columnar);
}

void columnar_stats(const struct columnar *columnar, struct workload_stats *stats)
{
    const struct columnar_header *header = &columnar->header;
    *stats = (struct workload_stats){.format = columnar->format,
                                     .reason = "the file begins as columnar workloads do",
                                     .n_programs = columnar->n_programs,
                                     .n_turns = columnar->n_programs == header->n_programs ? header->n_turns : 0,
                                     .skipped_lines = header->skipped_lines,
                                     .missing_gaps = header->missing_gaps + header->filled_gaps,
                                     .has_arrivals = is_present(columnar, COLUMN_ARRIVAL),
                                     .has_token_ids = header->flags & COLUMNAR_HAS_TOKEN_IDS,
                                     .longest_prompt = header->longest_prompt};
}

asim_status columnar_verify(const struct columnar *columnar, struct diag *diag)
{
    asim_status status = ASIM_OK;
    for (int section = 0; section < COLUMNAR_SECTIONS; section++) {
        const struct columnar_entry *entry = &columnar->header.sections[section];
        if (entry->offset && XXH3_64bits(columnar->base + entry->offset, entry->bytes) != entry->checksum) {
            status = diag_error(diag, ASIM_INPUT, (struct diag_where){.file = columnar->file},
                                "section '%s' does not agree with its checksum (damaged file)", sections[section].name);
        }
    }
    return status;
}
