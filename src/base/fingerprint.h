/* What tells whether an input has changed: the size and the XXH3-128 hash of a file, or of all files below a folder,
 * with their names. */
#ifndef ASIM_BASE_FINGERPRINT_H
#define ASIM_BASE_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

struct fingerprint {
    uint64_t bytes;
    uint64_t low, high;
};

/* False when something there cannot be read. Of a file it is the hash of its bytes alone. */
bool fingerprint_take(const char *path, struct fingerprint *out);

/* 32 hexadecimal digits. */
enum { FINGERPRINT_TEXT_BYTES = 33 };
void fingerprint_text(const struct fingerprint *fingerprint, char out[FINGERPRINT_TEXT_BYTES]);

static inline bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
    return a->bytes == b->bytes && a->low == b->low && a->high == b->high;
}

#endif
