/* Digest of a set of records: the sum modulo 2^128 of the XXH3-128 hashes of the records.
 *
 * Addition makes it independent of the order in which records are added, so partial digests merge; two runs agree in
 * their digest exactly when they agree in every record (up to hash collisions).
 */
#ifndef ASIM_BASE_DIGEST_H
#define ASIM_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest {
    uint64_t low;
    uint64_t high;
};

/* Adds one record; the bytes must have a fixed layout (no padding, little-endian integers). */
void digest_add(struct digest *digest, const void *record, size_t bytes);
void digest_merge(struct digest *digest, const struct digest *other);

/* "v1:" and 32 hexadecimal digits. */
enum { DIGEST_TEXT_BYTES = 36 };
void digest_text(const struct digest *digest, char out[DIGEST_TEXT_BYTES]);

#endif
