/* A map from 128-bit hashes to 32-bit numbers: open addressing with linear probing, at most half full.
 *
 * Keys are XXH3-128 values, so their low bits are the slot and no further hashing is needed. Nothing walks the table,
 * so its order cannot reach a result.
 */
#ifndef ASIM_WORKLOAD_KEY_MAP_H
#define ASIM_WORKLOAD_KEY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key128 {
    uint64_t low;
    uint64_t high;
};

struct key_slot {
    struct key128 key;
    uint32_t value;
    bool used;
};

struct key_map {
    struct key_slot *slots;
    size_t n;
    size_t capacity; /* a power of two; 0 before the first insertion */
};

/* XXH3-128 of some bytes, as a key. */
struct key128 key_of(const void *bytes, size_t n);

void key_map_init(struct key_map *map);
void key_map_fini(struct key_map *map);
void key_map_clear(struct key_map *map); /* empty again; the memory is kept */

/* The number of `key`, which becomes `fresh` when the key is new; *added says so. Valid until the next call. */
uint32_t *key_map_at(struct key_map *map, struct key128 key, uint32_t fresh, bool *added);

#endif
