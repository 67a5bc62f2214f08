#include "pdes/calendar_sort.h"

#include <stdbool.h>
#include <string.h>

enum { BUCKET_BITS_MAX = 10 };

/* Sorts n entries of `from` into `to`, which may be the same place. */
static void insert_all(const struct calendar_entry *from, size_t n, struct calendar_entry *to)
{
    for (size_t i = 0; i < n; i++) {
        const struct calendar_entry entry = from[i];
        size_t hole = i;
        for (; hole > 0 && calendar_entry_before(&entry, &to[hole - 1]); hole--) {
            to[hole] = to[hole - 1];
        }
        to[hole] = entry;
    }
}

static inline uint64_t key_of(const struct calendar_entry *entry, bool by_tie)
{
    return by_tie ? entry->tie : calendar_time_key(entry->time);
}

/* Smallest key, and the bits in which keys less the smallest may differ from zero: 0 when all keys are equal. */
static inline uint64_t smallest_key(const struct calendar_entry *entries, size_t n, bool by_tie, uint32_t *bits)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t key = key_of(&entries[i], by_tie);
        least = key < least ? key : least;
        most = key > most ? key : most;
    }
    *bits = most > least ? 64 - (uint32_t)__builtin_clzll(most - least) : 0;
    return least;
}

/* Casts entries into 2^bucket_bits buckets in `scratch`; ends[i] becomes the end of bucket i. */
static inline void cast(const struct calendar_entry *entries, size_t n, bool by_tie, uint64_t least, uint32_t shift,
                        uint32_t bucket_bits, size_t *ends, struct calendar_entry *scratch)
{
    const size_t n_buckets = (size_t)1 << bucket_bits;
    memset(ends, 0, n_buckets * sizeof *ends);
    for (size_t i = 0; i < n; i++) {
        ends[(key_of(&entries[i], by_tie) - least) >> shift]++;
    }
    size_t start = 0;
    for (size_t i = 0; i < n_buckets; i++) {
        const size_t in_bucket = ends[i];
        ends[i] = start;
        start += in_bucket;
    }
    for (size_t i = 0; i < n; i++) {
        scratch[ends[(key_of(&entries[i], by_tie) - least) >> shift]++] = entries[i];
    }
}

void calendar_sort(struct calendar_entry *entries, size_t n, struct calendar_entry *scratch)
{
    if (n <= CALENDAR_SORT_FEW) {
        insert_all(entries, n, entries);
        return;
    }
    uint32_t bits;
    bool by_tie = false;
    uint64_t least = smallest_key(entries, n, false, &bits);
    if (bits == 0) {
        by_tie = true;
        least = smallest_key(entries, n, true, &bits);
    }
    if (bits == 0) {
        return;
    }
    uint32_t bucket_bits = 64 - (uint32_t)__builtin_clzll(n / 2); /* at least 4 */
    bucket_bits = bucket_bits < BUCKET_BITS_MAX ? bucket_bits : BUCKET_BITS_MAX;
    const uint32_t shift = bits > bucket_bits ? bits - bucket_bits : 0;
    size_t ends[1 << BUCKET_BITS_MAX];
    if (by_tie) {
        cast(entries, n, true, least, shift, bucket_bits, ends, scratch);
    } else {
        cast(entries, n, false, least, shift, bucket_bits, ends, scratch);
    }
    size_t start = 0;
    for (size_t i = 0; start < n; i++) {
        const size_t in_bucket = ends[i] - start;
        if (in_bucket <= CALENDAR_SORT_FEW) {
            insert_all(scratch + start, in_bucket, entries + start);
        } else {
            calendar_sort(scratch + start, in_bucket, entries + start);
            memcpy(entries + start, scratch + start, in_bucket * sizeof *entries);
        }
        start = ends[i];
    }
}
