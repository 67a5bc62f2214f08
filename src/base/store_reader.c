#include "base/store.h"

#include "base/mem.h"
#include "base/store_format.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zstd.h>

/* Level 1 uses windows of 2^19 bytes; a file that asks for much more memory is not one of ours. */
enum { WINDOW_LOG_MAX = 24, BUFFER_BYTES = 1 << 16 };

struct store_reader {
    FILE *file;
    char *name;
    struct diag *diag;
    asim_status status; /* of the first problem */
    ZSTD_DCtx *zstd;
    uint64_t packed_left; /* bytes of the zstd frame that are still in the file */
    ZSTD_inBuffer input;
    uint64_t content_left; /* bytes that have not been handed out */
    size_t at, n;          /* unpacked bytes: handed out, there */
    char section[STORE_NAME_MAX + 1];
    bool in_section;
    bool section_over; /* its last chunk has been met */
    uint32_t chunk_left;
    unsigned char packed[BUFFER_BYTES];
    unsigned char unpacked[BUFFER_BYTES];
};

static void report(struct store_reader *reader, asim_status status, const char *format, va_list arguments)
{
    if (store_failed(reader)) {
        return;
    }
    reader->status = status;
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    const struct diag_where where = {.file = reader->name};
    if (reader->in_section) {
        diag_error(reader->diag, status, where, "section '%s': %s", reader->section, text);
    } else {
        diag_error(reader->diag, status, where, "%s", text);
    }
}

__attribute__((format(printf, 3, 4))) static bool fail(struct store_reader *reader, asim_status status,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(reader, status, format, arguments);
    va_end(arguments);
    return false;
}

void store_refuse(struct store_reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(reader, ASIM_INPUT, format, arguments);
    va_end(arguments);
}

bool store_failed(const struct store_reader *reader)
{
    return reader->status != ASIM_OK;
}

/* Unpacks more content into the empty buffer; false at the end of the frame, or when it is damaged. */
static bool unpack(struct store_reader *reader)
{
    ZSTD_outBuffer output = {.dst = reader->unpacked, .size = sizeof reader->unpacked};
    reader->at = 0;
    while (output.pos == 0) {
        if (reader->input.pos == reader->input.size && reader->packed_left > 0) {
            const size_t wanted = reader->packed_left < BUFFER_BYTES ? (size_t)reader->packed_left : BUFFER_BYTES;
            if (fread(reader->packed, 1, wanted, reader->file) != wanted) {
                return fail(reader, ASIM_IO, "cannot be read: %s",
                            ferror(reader->file) ? strerror(errno) : "it shrank");
            }
            reader->packed_left -= wanted;
            reader->input = (ZSTD_inBuffer){.src = reader->packed, .size = wanted};
        }
        const size_t before = reader->input.pos;
        const size_t result = ZSTD_decompressStream(reader->zstd, &output, &reader->input);
        if (ZSTD_isError(result)) {
            return fail(reader, ASIM_INPUT, "is damaged: zstd: %s", ZSTD_getErrorName(result));
        }
        if (output.pos == 0 && reader->input.pos == before) {
            reader->n = 0;
            return false;
        }
    }
    reader->n = output.pos;
    return true;
}

static bool rewind_content(struct store_reader *reader, uint64_t packed_bytes)
{
    reader->packed_left = packed_bytes;
    reader->input = (ZSTD_inBuffer){.src = reader->packed};
    reader->at = reader->n = 0;
    ZSTD_DCtx_reset(reader->zstd, ZSTD_reset_session_only);
    return fseeko(reader->file, STORE_HEAD_BYTES, SEEK_SET) == 0 ||
           fail(reader, ASIM_IO, "cannot be read: %s", strerror(errno));
}

/* The checksum holds: XXH3-128 over all but itself. */
static bool check_sum(struct store_reader *reader, uint64_t bytes)
{
    XXH3_state_t *hash = XXH3_createState();
    if (!hash) {
        abort(); /* out of memory */
    }
    XXH3_128bits_reset(hash);
    rewind(reader->file);
    uint64_t left = bytes - STORE_TAIL_BYTES;
    while (left > 0) {
        const size_t wanted = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
        const size_t got = fread(reader->packed, 1, wanted, reader->file);
        XXH3_128bits_update(hash, reader->packed, got);
        left -= got;
        if (got != wanted) {
            break;
        }
    }
    unsigned char found[STORE_TAIL_BYTES];
    unsigned char computed[STORE_TAIL_BYTES];
    const bool whole = left == 0 && fread(found, 1, sizeof found, reader->file) == sizeof found;
    store_tail(hash, computed);
    XXH3_freeState(hash);
    return (whole && memcmp(found, computed, sizeof found) == 0) ||
           fail(reader, ASIM_INPUT, "is damaged or was cut short: its checksum does not hold");
}

/* Looks at the whole file, without believing anything in it; then stands at the first section. */
static bool check_file(struct store_reader *reader)
{
    unsigned char head[STORE_HEAD_BYTES];
    const bool sized = fseeko(reader->file, 0, SEEK_END) == 0;
    const off_t bytes = sized ? ftello(reader->file) : -1;
    if (bytes < 0) {
        return fail(reader, ASIM_IO, "cannot be read: %s", strerror(errno));
    }
    rewind(reader->file);
    const size_t got = fread(head, 1, sizeof head, reader->file);
    if (got < sizeof head || memcmp(head, STORE_MAGIC, STORE_MAGIC_BYTES) != 0) {
        return fail(reader, ASIM_INPUT, "is not a saved state; it should begin with '" STORE_MAGIC "'");
    }
    uint32_t version;
    memcpy(&version, head + STORE_MAGIC_BYTES, sizeof version);
    if (version != STORE_FORMAT_VERSION) {
        return fail(reader, ASIM_INPUT, "is a saved state of format %" PRIu32 "; allowed: %d", version,
                    STORE_FORMAT_VERSION);
    }
    if (bytes < STORE_HEAD_BYTES + STORE_TAIL_BYTES) {
        return fail(reader, ASIM_INPUT, "is damaged or was cut short: it has %lld bytes", (long long)bytes);
    }
    const uint64_t packed_bytes = (uint64_t)bytes - STORE_HEAD_BYTES - STORE_TAIL_BYTES;
    if (!check_sum(reader, (uint64_t)bytes) || !rewind_content(reader, packed_bytes)) {
        return false;
    }
    while (unpack(reader)) {
        reader->content_left += reader->n;
    }
    return !store_failed(reader) && rewind_content(reader, packed_bytes);
}

static void free_reader(struct store_reader *reader)
{
    fclose(reader->file);
    ZSTD_freeDCtx(reader->zstd);
    mem_free(reader->name);
    mem_free(reader);
}

struct store_reader *store_open_stream(FILE *file, const char *name, struct diag *diag)
{
    struct store_reader *reader = mem_zalloc(sizeof *reader);
    reader->file = file;
    reader->name = mem_strdup(name);
    reader->diag = diag;
    reader->zstd = ZSTD_createDCtx();
    if (!reader->zstd) {
        abort(); /* out of memory */
    }
    ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    if (!check_file(reader)) {
        free_reader(reader);
        return NULL;
    }
    return reader;
}

struct store_reader *store_open(const char *path, struct diag *diag)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        diag_error(diag, errno == ENOENT ? ASIM_INPUT : ASIM_IO, (struct diag_where){.file = path},
                   "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    return store_open_stream(file, path, diag);
}

/* Content across sections and chunks. */
static bool take(struct store_reader *reader, void *out, size_t n)
{
    if (store_failed(reader)) {
        return false;
    }
    if (n > reader->content_left) {
        return fail(reader, ASIM_INPUT, "the file ends %" PRIu64 " bytes too early", n - reader->content_left);
    }
    reader->content_left -= n;
    unsigned char *to = out;
    while (n > 0) {
        if (reader->at == reader->n && !unpack(reader)) {
            return fail(reader, ASIM_IO, "the file changed while it was read");
        }
        const size_t there = reader->n - reader->at;
        const size_t part = n < there ? n : there;
        memcpy(to, reader->unpacked + reader->at, part);
        reader->at += part;
        to += part;
        n -= part;
    }
    return true;
}

bool store_enter(struct store_reader *reader, const char *name, uint32_t version)
{
    assert(!reader->in_section || store_failed(reader));
    unsigned char length;
    char found[UINT8_MAX + 1] = "";
    uint32_t found_version;
    if (!take(reader, &length, sizeof length) || !take(reader, found, length)) {
        return false;
    }
    if (length == 0) {
        return fail(reader, ASIM_INPUT, "section '%s' was expected, but there is none any more", name);
    }
    if (!store_name_is_good(found, length)) {
        return fail(reader, ASIM_INPUT, "section '%s' was expected, but no name of a section is there", name);
    }
    if (strcmp(found, name) != 0) {
        return fail(reader, ASIM_INPUT, "section '%s' was expected, but there is '%s'", name, found);
    }
    memcpy(reader->section, found, (size_t)length + 1);
    reader->in_section = true;
    reader->section_over = false;
    reader->chunk_left = 0;
    if (!take(reader, &found_version, sizeof found_version)) {
        return false;
    }
    return found_version == version ||
           fail(reader, ASIM_INPUT, "has version %" PRIu32 "; allowed: %" PRIu32, found_version, version);
}

/* Looks for bytes in the section; false at its end. */
static bool next_chunk(struct store_reader *reader)
{
    if (reader->chunk_left == 0 && !reader->section_over) {
        uint32_t length;
        if (!take(reader, &length, sizeof length)) {
            return false;
        }
        reader->chunk_left = length;
        reader->section_over = length == 0;
    }
    return !reader->section_over;
}

bool store_leave(struct store_reader *reader)
{
    if (!store_failed(reader) && next_chunk(reader)) {
        fail(reader, ASIM_INPUT, "holds more than was expected");
    }
    reader->in_section = false;
    return !store_failed(reader);
}

void store_get_bytes(struct store_reader *reader, void *out, size_t n)
{
    assert(reader->in_section || store_failed(reader));
    unsigned char *to = out;
    while (n > 0 && !store_failed(reader)) {
        if (!next_chunk(reader)) {
            fail(reader, ASIM_INPUT, "ends too early; at least %zu bytes more were expected", n);
            break;
        }
        const size_t part = n < reader->chunk_left ? n : reader->chunk_left;
        if (!take(reader, to, part)) {
            break;
        }
        reader->chunk_left -= (uint32_t)part;
        to += part;
        n -= part;
    }
    if (n > 0) {
        memset(to, 0, n);
    }
}

uint8_t store_get_u8(struct store_reader *reader)
{
    uint8_t value;
    store_get_bytes(reader, &value, sizeof value);
    return value;
}

uint32_t store_get_u32(struct store_reader *reader)
{
    uint32_t value;
    store_get_bytes(reader, &value, sizeof value);
    return value;
}

uint64_t store_get_u64(struct store_reader *reader)
{
    uint64_t value;
    store_get_bytes(reader, &value, sizeof value);
    return value;
}

unsigned __int128 store_get_u128(struct store_reader *reader)
{
    const uint64_t low = store_get_u64(reader);
    return low | (unsigned __int128)store_get_u64(reader) << 64;
}

int64_t store_get_i64(struct store_reader *reader)
{
    int64_t value;
    store_get_bytes(reader, &value, sizeof value);
    return value;
}

double store_get_double(struct store_reader *reader)
{
    double value;
    store_get_bytes(reader, &value, sizeof value);
    return value;
}

uint64_t store_get_count(struct store_reader *reader, size_t item_bytes)
{
    const uint64_t n = store_get_u64(reader);
    if (n > reader->content_left / item_bytes) {
        fail(reader, ASIM_INPUT, "%" PRIu64 " items of %zu bytes or more, but %" PRIu64 " bytes are left in the file",
             n, item_bytes, reader->content_left);
        return 0;
    }
    return n;
}

char *store_get_text(struct store_reader *reader)
{
    const uint8_t there = store_get_u8(reader);
    if (there > 1) {
        fail(reader, ASIM_INPUT, "a text begins with %u; allowed: 0, 1", there);
    }
    if (there != 1 || store_failed(reader)) {
        return NULL;
    }
    const uint64_t bytes = store_get_count(reader, 1);
    char *text = mem_alloc((size_t)bytes + 1);
    store_get_bytes(reader, text, (size_t)bytes);
    text[bytes] = '\0';
    if (strlen(text) != bytes) {
        fail(reader, ASIM_INPUT, "a text holds a zero");
    }
    if (store_failed(reader)) {
        mem_free(text);
        return NULL;
    }
    return text;
}

void store_drop(struct store_reader *reader)
{
    free_reader(reader);
}

asim_status store_close(struct store_reader *reader)
{
    assert(!reader->in_section || store_failed(reader));
    unsigned char length = 0;
    reader->in_section = false;
    if (take(reader, &length, sizeof length) && (length || reader->content_left)) {
        fail(reader, ASIM_INPUT, "holds more sections than were expected");
    }
    const asim_status status = reader->status;
    free_reader(reader);
    return status;
}
