#include "base/store.h"

#include "base/mem.h"
#include "base/store_format.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

struct store_writer {
    char *path;
    char *temporary; /* beside it, named by the process */
    int file;        /* -1: in memory */
    unsigned char *bytes;
    size_t n_bytes, bytes_capacity;
    int problem; /* errno of the first failure, 0: none; nothing is written after it */
    bool in_section;
    ZSTD_CCtx *zstd;
    XXH3_state_t *hash; /* of the file's bytes */
    unsigned char chunk[STORE_CHUNK_BYTES];
    uint32_t n; /* bytes in the chunk */
};

static void write_all(struct store_writer *writer, const unsigned char *bytes, size_t n)
{
    if (writer->file < 0) {
        writer->bytes = mem_grow(writer->bytes, &writer->bytes_capacity, writer->n_bytes + n, 1);
        memcpy(writer->bytes + writer->n_bytes, bytes, n);
        writer->n_bytes += n;
        return;
    }
    while (n > 0 && !writer->problem) {
        const ssize_t wrote = write(writer->file, bytes, n);
        if (wrote > 0) {
            bytes += wrote;
            n -= (size_t)wrote;
        } else if (wrote == 0 || errno != EINTR) {
            writer->problem = wrote == 0 ? EIO : errno;
        }
    }
}

static void write_hashed(struct store_writer *writer, const unsigned char *bytes, size_t n)
{
    XXH3_128bits_update(writer->hash, bytes, n);
    write_all(writer, bytes, n);
}

static void compress(struct store_writer *writer, const void *bytes, size_t n, ZSTD_EndDirective end)
{
    unsigned char out[1 << 14];
    ZSTD_inBuffer input = {.src = bytes, .size = n};
    size_t left;
    do {
        ZSTD_outBuffer output = {.dst = out, .size = sizeof out};
        left = ZSTD_compressStream2(writer->zstd, &output, &input, end);
        if (ZSTD_isError(left)) {
            abort(); /* out of memory */
        }
        write_hashed(writer, out, output.pos);
    } while (end == ZSTD_e_end ? left > 0 : input.pos < input.size);
}

static char *directory_of(const char *path)
{
    if (!strchr(path, '/')) {
        return mem_strdup(".");
    }
    char *directory = mem_strdup(path);
    strrchr(directory, '/')[1] = '\0';
    return directory;
}

static char *temporary_name(const char *path)
{
    const size_t bytes = strlen(path) + 32;
    char *name = mem_alloc(bytes);
    snprintf(name, bytes, "%s.tmp-%ld", path, (long)getpid());
    return name;
}

static void free_writer(struct store_writer *writer)
{
    ZSTD_freeCCtx(writer->zstd);
    XXH3_freeState(writer->hash);
    mem_free(writer->path);
    mem_free(writer->temporary);
    mem_free(writer->bytes);
    mem_free(writer);
}

static struct store_writer *new_writer(int file)
{
    struct store_writer *writer = mem_zalloc(sizeof *writer);
    writer->file = file;
    writer->zstd = ZSTD_createCCtx();
    writer->hash = XXH3_createState();
    if (!writer->zstd || !writer->hash) {
        abort(); /* out of memory */
    }
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    XXH3_128bits_reset(writer->hash);
    unsigned char head[STORE_HEAD_BYTES];
    const uint32_t version = STORE_FORMAT_VERSION;
    memcpy(head, STORE_MAGIC, STORE_MAGIC_BYTES);
    memcpy(head + STORE_MAGIC_BYTES, &version, sizeof version);
    write_hashed(writer, head, sizeof head);
    return writer;
}

struct store_writer *store_create_memory(void)
{
    return new_writer(-1);
}

struct store_writer *store_create(const char *path, struct diag *diag)
{
    char *temporary = temporary_name(path);
    const int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        diag_error(diag, ASIM_IO, (struct diag_where){.file = path}, "cannot be created: %s", strerror(errno));
        mem_free(temporary);
        return NULL;
    }
    struct store_writer *writer = new_writer(file);
    writer->path = mem_strdup(path);
    writer->temporary = temporary;
    return writer;
}

static void flush_chunk(struct store_writer *writer)
{
    if (writer->n) {
        compress(writer, &writer->n, sizeof writer->n, ZSTD_e_continue);
        compress(writer, writer->chunk, writer->n, ZSTD_e_continue);
        writer->n = 0;
    }
}

void store_begin(struct store_writer *writer, const char *name, uint32_t version)
{
    const size_t length = strlen(name);
    assert(!writer->in_section && store_name_is_good(name, length));
    const unsigned char short_length = (unsigned char)length;
    compress(writer, &short_length, 1, ZSTD_e_continue);
    compress(writer, name, length, ZSTD_e_continue);
    compress(writer, &version, sizeof version, ZSTD_e_continue);
    writer->in_section = true;
}

void store_end(struct store_writer *writer)
{
    static const uint32_t last = 0;
    assert(writer->in_section);
    flush_chunk(writer);
    compress(writer, &last, sizeof last, ZSTD_e_continue);
    writer->in_section = false;
}

void store_put_bytes(struct store_writer *writer, const void *bytes, size_t n)
{
    assert(writer->in_section);
    const unsigned char *from = bytes;
    while (n > 0) {
        const size_t room = sizeof writer->chunk - writer->n;
        const size_t part = n < room ? n : room;
        memcpy(writer->chunk + writer->n, from, part);
        writer->n += (uint32_t)part;
        from += part;
        n -= part;
        if (writer->n == sizeof writer->chunk) {
            flush_chunk(writer);
        }
    }
}

void store_put_u8(struct store_writer *writer, uint8_t value)
{
    store_put_bytes(writer, &value, sizeof value);
}

void store_put_u32(struct store_writer *writer, uint32_t value)
{
    store_put_bytes(writer, &value, sizeof value);
}

void store_put_u64(struct store_writer *writer, uint64_t value)
{
    store_put_bytes(writer, &value, sizeof value);
}

void store_put_i64(struct store_writer *writer, int64_t value)
{
    store_put_bytes(writer, &value, sizeof value);
}

void store_put_u128(struct store_writer *writer, unsigned __int128 value)
{
    store_put_u64(writer, (uint64_t)value);
    store_put_u64(writer, (uint64_t)(value >> 64));
}

void store_put_double(struct store_writer *writer, double value)
{
    store_put_bytes(writer, &value, sizeof value);
}

void store_put_text(struct store_writer *writer, const char *text)
{
    store_put_u8(writer, text != NULL);
    if (text) {
        const size_t bytes = strlen(text);
        store_put_u64(writer, bytes);
        store_put_bytes(writer, text, bytes);
    }
}

/* The new name must survive a power cut, too; file systems that cannot promise it are left alone. */
static void sync_directory(const char *path)
{
    char *directory = directory_of(path);
    const int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
    mem_free(directory);
}

static void finish(struct store_writer *writer)
{
    static const unsigned char no_name = 0;
    assert(!writer->in_section);
    compress(writer, &no_name, 1, ZSTD_e_end);
    unsigned char tail[STORE_TAIL_BYTES];
    store_tail(writer->hash, tail);
    write_all(writer, tail, sizeof tail);
}

unsigned char *store_take(struct store_writer *writer, size_t *n)
{
    assert(writer->file < 0);
    finish(writer);
    unsigned char *bytes = writer->bytes;
    *n = writer->n_bytes;
    writer->bytes = NULL;
    free_writer(writer);
    return bytes;
}

asim_status store_commit(struct store_writer *writer, struct diag *diag)
{
    finish(writer);
    if (!writer->problem && fsync(writer->file) != 0) {
        writer->problem = errno;
    }
    if (close(writer->file) != 0 && !writer->problem) {
        writer->problem = errno;
    }
    if (!writer->problem && rename(writer->temporary, writer->path) != 0) {
        writer->problem = errno;
    }
    asim_status status = ASIM_OK;
    if (writer->problem) {
        unlink(writer->temporary);
        status = diag_error(diag, ASIM_IO, (struct diag_where){.file = writer->path}, "cannot be written: %s",
                            strerror(writer->problem));
    } else {
        sync_directory(writer->path);
    }
    free_writer(writer);
    return status;
}

void store_abandon(struct store_writer *writer)
{
    if (writer) {
        if (writer->file >= 0) {
            close(writer->file);
            unlink(writer->temporary);
        }
        free_writer(writer);
    }
}
