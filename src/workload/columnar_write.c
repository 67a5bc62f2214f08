#include "workload/columnar_write.h"

#include "base/mem.h"
#include "workload/columnar.h"
#include "workload/columnar_measure.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 << 10 };

/* A section on its way to its place in the file. */
struct column {
    uint64_t offset; /* 0: absent */
    uint64_t bytes;  /* planned */
    uint64_t done;   /* written */
    unsigned char *buffer;
    size_t used;
    XXH3_state_t *hash;
};

struct writer {
    struct workload *workload;
    const struct workload_options *options;
    const char *source;
    const char *path;
    struct diag *diag;
    int file;
    int error; /* of the first write that failed */
    struct columnar_measure measure;
    struct columnar_header header;
    struct column columns[COLUMNAR_SECTIONS];
};

static void flush_column(struct writer *writer, struct column *column)
{
    XXH3_64bits_update(column->hash, column->buffer, column->used);
    size_t at = 0;
    while (at < column->used && !writer->error) {
        const ssize_t n =
            pwrite(writer->file, column->buffer + at, column->used - at, (off_t)(column->offset + column->done + at));
        writer->error = n < 0 && errno != EINTR ? errno : 0;
        at += n > 0 ? (size_t)n : 0;
    }
    column->done += column->used;
    column->used = 0;
}

static void put(struct writer *writer, enum columnar_section section, const void *bytes, size_t n)
{
    struct column *column = &writer->columns[section];
    const unsigned char *from = bytes;
    while (column->offset && n) {
        const size_t room = BUFFER_BYTES - column->used;
        const size_t part = n < room ? n : room;
        memcpy(column->buffer + column->used, from, part);
        column->used += part;
        from += part;
        n -= part;
        if (column->used == BUFFER_BYTES) {
            flush_column(writer, column);
        }
    }
}

static void put_u64(struct writer *writer, enum columnar_section section, uint64_t value)
{
    put(writer, section, &value, sizeof value);
}

static void put_u32(struct writer *writer, enum columnar_section section, uint32_t value)
{
    put(writer, section, &value, sizeof value);
}

/* Texts of the header follow one another in TEXTS. */
static struct columnar_text add_text(struct writer *writer, const char *text, size_t n)
{
    struct column *texts = &writer->columns[COLUMN_TEXTS];
    const struct columnar_text at = {.first = (uint32_t)texts->bytes, .bytes = (uint32_t)n};
    texts->buffer = mem_realloc(texts->buffer, texts->bytes + n + BUFFER_BYTES);
    memcpy(texts->buffer + texts->bytes, text, n);
    texts->bytes += n;
    return at;
}

/* What was decided before, when the source is columnar itself. */
static void carry_over(struct writer *writer, const struct columnar *from)
{
    struct columnar_header *header = &writer->header;
    size_t n;
    const char *text = columnar_text(from, from->header.format, &n);
    header->format = add_text(writer, text, n);
    text = columnar_text(from, from->header.source, &n);
    header->source = add_text(writer, text, n);
    text = columnar_text(from, from->header.shared_prefix, &n);
    header->shared_prefix = add_text(writer, text, n);
    header->flags = from->header.flags;
    header->block_size = from->header.block_size;
    if (from->header.filled_gaps) {
        header->gap_rule = from->header.gap_rule;
        header->gap_kind = from->header.gap_kind;
        header->gap_is_bounded = from->header.gap_is_bounded;
        memcpy(header->gap_parameters, from->header.gap_parameters, sizeof header->gap_parameters);
        header->seed = from->header.seed;
    }
}

static void describe_source(struct writer *writer)
{
    const struct workload_options *options = writer->options;
    const struct workload_stats *stats = workload_stats(writer->workload);
    struct columnar_header *header = &writer->header;
    header->format = add_text(writer, stats->format, strlen(stats->format));
    header->source = add_text(writer, writer->source, strlen(writer->source));
    if (workload_is_generated(writer->workload)) {
        return;
    }
    header->flags = COLUMNAR_READ_FROM_FILE | (options->reuse_generated ? COLUMNAR_REUSES_GENERATED : 0) |
                    (stats->has_token_ids ? COLUMNAR_HAS_TOKEN_IDS : 0) |
                    (options->shared_prefix ? COLUMNAR_HAS_SHARED_PREFIX : 0);
    if (options->shared_prefix) {
        header->shared_prefix = add_text(writer, options->shared_prefix, strlen(options->shared_prefix));
    }
}

static void plan_header(struct writer *writer)
{
    const struct workload_options *options = writer->options;
    const struct workload_stats *stats = workload_stats(writer->workload);
    const struct distribution *drawn = &options->missing_gap_distribution;
    const struct columnar_measure *measure = &writer->measure;
    struct columnar_header *header = &writer->header;
    *header = (struct columnar_header){.version = COLUMNAR_VERSION,
                                       .header_bytes = COLUMNAR_HEADER_BYTES,
                                       .n_programs = stats->n_programs,
                                       .n_turns = measure->n_turns,
                                       .n_extents = measure->n_extents,
                                       .n_tools = workload_tool_count(writer->workload),
                                       .most_turns = measure->most_turns,
                                       .most_extents = measure->most_extents,
                                       .longest_prompt = measure->longest_prompt,
                                       .skipped_lines = stats->skipped_lines,
                                       .missing_gaps = measure->missing_gaps,
                                       .filled_gaps = stats->missing_gaps - measure->missing_gaps,
                                       .median_gap = measure->median_gap,
                                       .block_size = options->block_size,
                                       .seed = options->seed};
    memcpy(header->magic, COLUMNAR_MAGIC, COLUMNAR_MAGIC_BYTES);
    if (header->filled_gaps) {
        header->gap_rule = options->missing_gap == MISSING_GAP_MEDIAN ? COLUMNAR_GAPS_MEDIAN : COLUMNAR_GAPS_DRAWN;
    }
    if (header->gap_rule == COLUMNAR_GAPS_DRAWN) {
        header->gap_kind = drawn->kind;
        header->gap_is_bounded = drawn->is_bounded;
        header->gap_parameters[0] = drawn->a;
        header->gap_parameters[1] = drawn->b;
        header->gap_parameters[2] = drawn->is_bounded ? drawn->min : 0.0;
        header->gap_parameters[3] = drawn->is_bounded ? drawn->max : 0.0;
    }
    const struct columnar *from = workload_columnar(writer->workload);
    if (from) {
        carry_over(writer, from);
    } else {
        describe_source(writer);
    }
}

static void plan_columns(struct writer *writer)
{
    const struct columnar_measure *m = &writer->measure;
    const struct columnar_header *header = &writer->header;
    const uint64_t programs = header->n_programs;
    const uint64_t ends = 8 * (programs + 1);
    const bool extents = m->n_extents > 0;
    const bool arrivals = workload_stats(writer->workload)->has_arrivals;
    const uint64_t bytes[COLUMNAR_SECTIONS] = {
        [COLUMN_PROGRAM_TURNS] = ends,
        [COLUMN_PROGRAM_NAMES] = ends,
        [COLUMN_NAMES] = m->name_bytes,
        [COLUMN_ARRIVAL] = arrivals ? 8 * programs : 0,
        [COLUMN_ORDER] = m->in_order ? 0 : 8 * programs,
        [COLUMN_LINE] = m->lines ? 4 * programs : 0,
        [COLUMN_SHARED_STREAM] = m->streams ? 8 * programs : 0,
        [COLUMN_SHARED_PREFIX] = m->prefixes ? 4 * programs : 0,
        [COLUMN_PROGRAM_EXTENTS] = extents ? ends : 0,
        [COLUMN_PROMPT] = 4 * m->n_turns,
        [COLUMN_OUTPUT] = 4 * m->n_turns,
        [COLUMN_KEPT] = 4 * m->n_turns,
        [COLUMN_PARENT] = m->parents ? 4 * m->n_turns : 0,
        [COLUMN_TOOL] = m->tools ? 4 * m->n_turns : 0,
        [COLUMN_GAP] = 8 * m->n_turns,
        [COLUMN_TURN_EXTENTS] = extents ? 4 * m->n_turns : 0,
        [COLUMN_SHARED_OUTPUT] = m->shared_outputs ? m->n_turns : 0,
        [COLUMN_EXTENT_STREAM] = 8 * m->n_extents,
        [COLUMN_EXTENT_COUNT] = 4 * m->n_extents,
        [COLUMN_TOOL_NAMES] = 8 * ((uint64_t)header->n_tools + 1),
        [COLUMN_TOOL_TEXT] = m->tool_bytes,
        [COLUMN_TEXTS] = writer->columns[COLUMN_TEXTS].bytes,
    };
    uint64_t end = COLUMNAR_HEADER_BYTES;
    for (int i = 0; i < COLUMNAR_SECTIONS; i++) {
        struct column *column = &writer->columns[i];
        column->bytes = bytes[i];
        if (bytes[i]) {
            column->offset = end;
            column->buffer = i == COLUMN_TEXTS ? column->buffer : mem_alloc(BUFFER_BYTES);
            column->hash = XXH3_createState();
            XXH3_64bits_reset(column->hash);
            end = (end + bytes[i] + COLUMNAR_ALIGNMENT - 1) / COLUMNAR_ALIGNMENT * COLUMNAR_ALIGNMENT;
        }
    }
    writer->columns[COLUMN_TEXTS].used = writer->columns[COLUMN_TEXTS].bytes;
    writer->header.file_bytes = end;
}

static void write_turn(struct writer *writer, const struct program *program, uint32_t index)
{
    const struct turn *turn = &program->turns[index];
    const uint8_t shared = turn->shared_output;
    put_u32(writer, COLUMN_PROMPT, turn->prompt_toks);
    put_u32(writer, COLUMN_OUTPUT, turn->output_toks);
    put_u32(writer, COLUMN_KEPT, turn->kept_toks);
    put_u32(writer, COLUMN_PARENT, turn->kept_toks ? turn->parent : columnar_usual_parent(index));
    put_u32(writer, COLUMN_TOOL, turn->tool);
    put_u64(writer, COLUMN_GAP, index + 1 < program->n_turns ? (uint64_t)turn->gap : 0);
    put_u32(writer, COLUMN_TURN_EXTENTS, turn->n_extents);
    put(writer, COLUMN_SHARED_OUTPUT, &shared, sizeof shared);
    uint32_t at = 0;
    for (uint32_t i = 0; i < turn->n_extents; i++) {
        const struct extent *extent = &program->extents[turn->first_extent + i];
        assert(extent->first == at); /* positions in a content are those in its streams */
        put_u64(writer, COLUMN_EXTENT_STREAM, extent->stream);
        put_u32(writer, COLUMN_EXTENT_COUNT, extent->count);
        at += extent->count;
    }
}

/* Totals so far, which the columns of ends hold. */
static uint64_t done(const struct writer *writer, enum columnar_section section, size_t width)
{
    const struct column *column = &writer->columns[section];
    return (column->done + column->used) / width;
}

static void write_ends(struct writer *writer)
{
    put_u64(writer, COLUMN_PROGRAM_TURNS, done(writer, COLUMN_PROMPT, 4));
    put_u64(writer, COLUMN_PROGRAM_NAMES, done(writer, COLUMN_NAMES, 1));
    put_u64(writer, COLUMN_PROGRAM_EXTENTS, done(writer, COLUMN_EXTENT_COUNT, 4));
}

static void write_program(struct writer *writer, const struct program *program)
{
    write_ends(writer);
    put(writer, COLUMN_NAMES, program->name, strlen(program->name) + 1);
    put_u64(writer, COLUMN_ARRIVAL, (uint64_t)program->arrival);
    put_u32(writer, COLUMN_LINE, program->line);
    put_u64(writer, COLUMN_SHARED_STREAM,
            program->shared_prefix_toks ? program->shared_stream : stream_common(STREAM_SHARED, 0));
    put_u32(writer, COLUMN_SHARED_PREFIX, program->shared_prefix_toks);
    for (uint32_t i = 0; i < program->n_turns; i++) {
        write_turn(writer, program, i);
    }
}

static void write_order(struct writer *writer)
{
    if (writer->measure.in_order) {
        return;
    }
    struct arrivals arrivals = columnar_arrivals(writer->workload);
    uint64_t id;
    simtime time;
    while (arrivals_next(&arrivals, &id, &time)) {
        put_u64(writer, COLUMN_ORDER, id);
    }
    arrivals_fini(&arrivals);
}

static void write_tools(struct writer *writer)
{
    for (uint32_t i = 0; i < workload_tool_count(writer->workload); i++) {
        const char *name = workload_tool_name(writer->workload, i);
        put_u64(writer, COLUMN_TOOL_NAMES, done(writer, COLUMN_TOOL_TEXT, 1));
        put(writer, COLUMN_TOOL_TEXT, name, strlen(name) + 1);
    }
    put_u64(writer, COLUMN_TOOL_NAMES, done(writer, COLUMN_TOOL_TEXT, 1));
}

static asim_status write_all(struct writer *writer)
{
    for (uint64_t id = 0; id < writer->header.n_programs; id++) {
        const struct program *program = workload_fetch(writer->workload, id, 0);
        if (!program) {
            return writer->diag->status;
        }
        write_program(writer, program);
        workload_release(writer->workload, program, 0);
    }
    write_ends(writer);
    write_order(writer);
    write_tools(writer);
    for (int i = 0; i < COLUMNAR_SECTIONS; i++) {
        struct column *column = &writer->columns[i];
        if (column->offset) {
            flush_column(writer, column);
            assert(column->done == column->bytes);
            writer->header.sections[i] =
                (struct columnar_entry){column->offset, column->bytes, XXH3_64bits_digest(column->hash)};
        }
    }
    writer->header.checksum = columnar_checksum(&writer->header);
    if (!writer->error && (pwrite(writer->file, &writer->header, sizeof writer->header, 0) != sizeof writer->header ||
                           ftruncate(writer->file, (off_t)writer->header.file_bytes) != 0)) {
        writer->error = errno;
    }
    return writer->error ? diag_error(writer->diag, ASIM_IO, (struct diag_where){.file = writer->path},
                                      "cannot be written: %s", strerror(writer->error))
                         : ASIM_OK;
}

/* Anything but a columnar file is left alone. */
static asim_status check_target(const char *path, struct diag *diag)
{
    char start[COLUMNAR_MAGIC_BYTES];
    struct stat status;
    if (stat(path, &status) != 0) {
        return ASIM_OK; /* it is not there, or cannot be there, which shows on writing */
    }
    const int file = S_ISREG(status.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    const ssize_t n = file < 0 ? -1 : read(file, start, sizeof start);
    if (file >= 0) {
        close(file);
    }
    return n > 0 && columnar_has_magic(start, (size_t)n)
               ? ASIM_OK
               : diag_error(diag, ASIM_USAGE, (struct diag_where){.file = path},
                            "exists and is no columnar workload; give another name, or remove it first");
}

/* A new file beside the one at `path`, opened for writing; -1 and errno on failure. */
static int create_temporary(const char *path, char *name, size_t bytes)
{
    int file = -1;
    for (unsigned attempt = 0; attempt < 100 && (attempt == 0 || (file < 0 && errno == EEXIST)); attempt++) {
        snprintf(name, bytes, "%s.tmp-%ld-%u", path, (long)getpid(), attempt);
        file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    return file;
}

static asim_status write_file(struct writer *writer)
{
    const struct diag_where where = {.file = writer->path};
    const size_t bytes = strlen(writer->path) + 64;
    char *temporary = mem_alloc(bytes);
    writer->file = create_temporary(writer->path, temporary, bytes);
    asim_status status = writer->file < 0
                             ? diag_error(writer->diag, ASIM_IO, where, "cannot be created: %s", strerror(errno))
                             : write_all(writer);
    if (writer->file >= 0) {
        if (close(writer->file) != 0 && status == ASIM_OK) {
            status = diag_error(writer->diag, ASIM_IO, where, "cannot be written: %s", strerror(errno));
        }
        if (status == ASIM_OK && rename(temporary, writer->path) != 0) {
            status = diag_error(writer->diag, ASIM_IO, where, "cannot be replaced: %s", strerror(errno));
        }
        if (status != ASIM_OK) {
            unlink(temporary);
        }
    }
    mem_free(temporary);
    return status;
}

asim_status columnar_write(struct workload *workload, const struct workload_options *options, const char *source,
                           const char *path, struct columnar_written *written, struct diag *diag)
{
    struct writer writer = {
        .workload = workload, .options = options, .source = source, .path = path, .diag = diag, .file = -1};
    const struct columnar *from = workload_columnar(workload);
    asim_status status = check_target(path, diag);
    if (status == ASIM_OK && workload_stats(workload)->n_dags) {
        status = diag_error(diag, ASIM_INPUT, (struct diag_where){.file = source},
                            "%llu programs are DAGs, for which the columnar format has no place; allowed: chains",
                            (unsigned long long)workload_stats(workload)->n_dags);
    }
    if (status == ASIM_OK && workload_stats(workload)->n_told) {
        status = diag_error(diag, ASIM_INPUT, (struct diag_where){.file = source},
                            "%llu programs have hints (pin_ns, resume_ns), a tenant or a deadline, for which the "
                            "columnar format has no place; allowed: programs without",
                            (unsigned long long)workload_stats(workload)->n_told);
    }
    if (status == ASIM_OK && from) {
        status = columnar_verify(from, diag);
    }
    if (status == ASIM_OK) {
        status = columnar_measure(workload, &writer.measure) ? ASIM_OK : diag->status;
    }
    if (status == ASIM_OK) {
        plan_header(&writer);
        plan_columns(&writer);
        status = write_file(&writer);
    }
    for (int i = 0; i < COLUMNAR_SECTIONS; i++) {
        mem_free(writer.columns[i].buffer);
        XXH3_freeState(writer.columns[i].hash);
    }
    *written = (struct columnar_written){.bytes = writer.header.file_bytes,
                                         .n_programs = writer.header.n_programs,
                                         .n_turns = writer.header.n_turns,
                                         .n_extents = writer.header.n_extents,
                                         .missing_gaps = writer.header.missing_gaps,
                                         .longest_prompt = writer.header.longest_prompt};
    return status;
}
