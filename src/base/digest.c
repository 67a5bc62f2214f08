#include "base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

static void add(struct digest *digest, uint64_t low, uint64_t high)
{
    const uint64_t sum = digest->low + low;
    digest->high += high + (sum < low);
    digest->low = sum;
}

void digest_add(struct digest *digest, const void *record, size_t bytes)
{
    const XXH128_hash_t hash = XXH3_128bits(record, bytes);
    add(digest, hash.low64, hash.high64);
}

void digest_merge(struct digest *digest, const struct digest *other)
{
    add(digest, other->low, other->high);
}

void digest_text(const struct digest *digest, char out[DIGEST_TEXT_BYTES])
{
    snprintf(out, DIGEST_TEXT_BYTES, "v1:%016" PRIx64 "%016" PRIx64, digest->high, digest->low);
}
