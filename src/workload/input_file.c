#include "workload/input_file.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { STREAM_CHUNK_BYTES = 1 << 20 };

/* Bytes being gathered; room for the padding is kept at the end. */
struct gather {
    char *bytes;
    size_t used;
    size_t capacity;
};

static char *gather_room(struct gather *gather, size_t wanted)
{
    gather->bytes = mem_grow(gather->bytes, &gather->capacity, gather->used + wanted + INPUT_PADDING, 1);
    return gather->bytes + gather->used;
}

static struct input_text gather_finish(struct gather *gather)
{
    memset(gather_room(gather, 0), 0, INPUT_PADDING);
    return (struct input_text){.text = gather->bytes, .bytes = gather->used};
}

static asim_status read_plain(const char *path, int file, size_t expected, struct gather *out, struct diag *diag)
{
    gather_room(out, expected + 1); /* one more, so that the end is met without growing */
    for (;;) {
        char *room = gather_room(out, 1);
        const size_t free_bytes = out->capacity - out->used - INPUT_PADDING;
        const ssize_t got = read(file, room, free_bytes);
        if (got == 0) {
            return ASIM_OK;
        }
        if (got < 0 && errno != EINTR) {
            return diag_error(diag, ASIM_IO, (struct diag_where){.file = path}, "cannot be read: %s", strerror(errno));
        }
        out->used += got > 0 ? (size_t)got : 0;
    }
}

/* gzip, with any number of members one after another. */
static asim_status inflate_gzip(const char *path, const struct gather *in, struct gather *out, struct diag *diag)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) { /* 15: largest window; +16: gzip only */
        return diag_error(diag, ASIM_INTERNAL, (struct diag_where){.file = path}, "zlib could not be started");
    }
    size_t at = 0;
    int result = Z_OK;
    const char *problem = NULL;
    while (!problem && (at < in->used || result != Z_STREAM_END)) {
        if (result == Z_STREAM_END) {
            inflateReset(&stream);
        }
        const size_t chunk = in->used - at < STREAM_CHUNK_BYTES ? in->used - at : STREAM_CHUNK_BYTES;
        stream.next_in = (unsigned char *)in->bytes + at;
        stream.avail_in = (uInt)chunk;
        stream.next_out = (unsigned char *)gather_room(out, STREAM_CHUNK_BYTES);
        stream.avail_out = STREAM_CHUNK_BYTES;
        result = inflate(&stream, Z_NO_FLUSH);
        at += chunk - stream.avail_in;
        out->used += STREAM_CHUNK_BYTES - stream.avail_out;
        if (result == Z_BUF_ERROR) {
            problem = "the data ends too early (truncated file)";
        } else if (result != Z_OK && result != Z_STREAM_END) {
            problem = stream.msg ? stream.msg : "the data is damaged";
        }
    }
    inflateEnd(&stream);
    return problem ? diag_error(diag, ASIM_INPUT, (struct diag_where){.file = path}, "gzip: %s", problem) : ASIM_OK;
}

static asim_status inflate_zstd(const char *path, const struct gather *in, struct gather *out, struct diag *diag)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer input = {.src = in->bytes, .size = in->used};
    size_t result = 1;
    const char *problem = NULL;
    while (!problem && (input.pos < input.size || result != 0)) {
        ZSTD_outBuffer output = {.dst = gather_room(out, STREAM_CHUNK_BYTES), .size = STREAM_CHUNK_BYTES};
        const size_t before = input.pos;
        result = ZSTD_decompressStream(context, &output, &input);
        out->used += output.pos;
        if (ZSTD_isError(result)) {
            problem = ZSTD_getErrorName(result);
        } else if (result != 0 && input.pos == before && output.pos == 0) {
            problem = "the data ends too early (truncated file)";
        }
    }
    ZSTD_freeDCtx(context);
    return problem ? diag_error(diag, ASIM_INPUT, (struct diag_where){.file = path}, "zstd: %s", problem) : ASIM_OK;
}

static asim_status open_regular(const char *path, int *file, size_t *bytes, struct diag *diag)
{
    const struct diag_where where = {.file = path};
    struct stat status;
    *file = open(path, O_RDONLY | O_CLOEXEC);
    if (*file < 0) {
        return diag_error(diag, errno == ENOENT ? ASIM_INPUT : ASIM_IO, where, "cannot be opened: %s", strerror(errno));
    }
    if (fstat(*file, &status) != 0 || S_ISDIR(status.st_mode)) {
        close(*file);
        return diag_error(diag, ASIM_INPUT, where, "is a folder; a file is expected here");
    }
    *bytes = S_ISREG(status.st_mode) && status.st_size > 0 ? (size_t)status.st_size : 0;
    return ASIM_OK;
}

asim_status input_file_read(const char *path, struct input_text *out, struct diag *diag)
{
    static const unsigned char gzip_magic[] = {0x1f, 0x8b};
    static const unsigned char zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    *out = (struct input_text){0};
    int file;
    size_t bytes = 0;
    asim_status status = open_regular(path, &file, &bytes, diag);
    if (status != ASIM_OK) {
        return status;
    }
    struct gather raw = {0};
    struct gather text = {0};
    status = read_plain(path, file, bytes, &raw, diag);
    close(file);
    if (status == ASIM_OK && raw.used >= sizeof gzip_magic && memcmp(raw.bytes, gzip_magic, sizeof gzip_magic) == 0) {
        status = inflate_gzip(path, &raw, &text, diag);
    } else if (status == ASIM_OK && raw.used >= sizeof zstd_magic &&
               memcmp(raw.bytes, zstd_magic, sizeof zstd_magic) == 0) {
        status = inflate_zstd(path, &raw, &text, diag);
    } else {
        text = raw;
        raw = (struct gather){0};
    }
    mem_free(raw.bytes);
    if (status != ASIM_OK) {
        mem_free(text.bytes);
        return status;
    }
    *out = gather_finish(&text);
    return ASIM_OK;
}

struct input_text input_text_copy(const char *text, size_t bytes)
{
    struct gather gather = {0};
    char *room = gather_room(&gather, bytes);
    if (bytes) {
        memcpy(room, text, bytes);
    }
    gather.used = bytes;
    return gather_finish(&gather);
}

void input_text_fini(struct input_text *input)
{
    mem_free(input->text);
    *input = (struct input_text){0};
}

void input_lines_init(struct input_lines *lines, const char *text, size_t bytes)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    *lines = (struct input_lines){.at = text, .end = text + bytes};
    if (bytes >= sizeof mark && memcmp(text, mark, sizeof mark) == 0) {
        lines->at += sizeof mark;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool input_lines_next(struct input_lines *lines, const char **text, size_t *bytes)
{
    while (lines->at < lines->end) {
        const char *start = lines->at;
        const char *newline = memchr(start, '\n', (size_t)(lines->end - start));
        const char *stop = newline ? newline : lines->end;
        lines->at = newline ? newline + 1 : lines->end;
        lines->line++;
        while (stop > start && is_blank(stop[-1])) {
            stop--;
        }
        while (start < stop && is_blank(*start)) {
            start++;
        }
        if (start < stop) {
            *text = start;
            *bytes = (size_t)(stop - start);
            return true;
        }
    }
    return false;
}
