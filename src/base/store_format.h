/* What the writer and the reader of a store agree on; see base/store.h. */
#ifndef ASIM_BASE_STORE_FORMAT_H
#define ASIM_BASE_STORE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

#define STORE_MAGIC "asimsave"

enum {
    STORE_FORMAT_VERSION = 1,
    STORE_MAGIC_BYTES = 8,
    STORE_HEAD_BYTES = STORE_MAGIC_BYTES + 4,
    STORE_TAIL_BYTES = 16,
    STORE_CHUNK_BYTES = 1 << 16,
    STORE_NAME_MIN = 4,
    STORE_NAME_MAX = 63,
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they lie in memory");

static inline void store_tail(const XXH3_state_t *hash, unsigned char out[STORE_TAIL_BYTES])
{
    const XXH128_hash_t sum = XXH3_128bits_digest(hash);
    memcpy(out, &sum.low64, sizeof sum.low64);
    memcpy(out + sizeof sum.low64, &sum.high64, sizeof sum.high64);
}

static inline bool store_name_is_good(const char *name, size_t length)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    return length >= STORE_NAME_MIN && length <= STORE_NAME_MAX && strspn(name, allowed) == length;
}

#endif
