#include "support/packed_store.h"

#include "base/mem.h"
#include "base/store_format.h"

#include <stdlib.h>
#include <zstd.h>

unsigned char *packed_store(const void *content, size_t n, size_t *bytes)
{
    const size_t bound = ZSTD_compressBound(n);
    unsigned char *out = mem_alloc(STORE_HEAD_BYTES + bound + STORE_TAIL_BYTES);
    const uint32_t version = STORE_FORMAT_VERSION;
    memcpy(out, STORE_MAGIC, STORE_MAGIC_BYTES);
    memcpy(out + STORE_MAGIC_BYTES, &version, sizeof version);
    const size_t packed = ZSTD_compress(out + STORE_HEAD_BYTES, bound, content, n, 1);
    if (ZSTD_isError(packed)) {
        abort();
    }
    XXH3_state_t *hash = XXH3_createState();
    XXH3_128bits_reset(hash);
    XXH3_128bits_update(hash, out, STORE_HEAD_BYTES + packed);
    store_tail(hash, out + STORE_HEAD_BYTES + packed);
    XXH3_freeState(hash);
    *bytes = STORE_HEAD_BYTES + packed + STORE_TAIL_BYTES;
    return out;
}

unsigned char *unpacked_store(const char *path, size_t *n)
{
    enum { MOST = 1 << 24 };
    unsigned char *bytes = mem_alloc(MOST);
    unsigned char *content = mem_alloc(MOST);
    FILE *file = fopen(path, "rb");
    if (!file) {
        abort();
    }
    const size_t size = fread(bytes, 1, MOST, file);
    fclose(file);
    *n = ZSTD_decompress(content, MOST, bytes + STORE_HEAD_BYTES, size - STORE_HEAD_BYTES - STORE_TAIL_BYTES);
    if (ZSTD_isError(*n)) {
        abort();
    }
    mem_free(bytes);
    return content;
}

FILE *bytes_as_file(const unsigned char *bytes, size_t n)
{
    FILE *file = n ? fmemopen((void *)bytes, n, "rb") : fopen("/dev/null", "rb");
    if (!file) {
        abort();
    }
    return file;
}
