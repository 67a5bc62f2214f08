#include "workload/key_map.h"

#include "base/mem.h"

#include <string.h>
#include <xxhash.h>

struct key128 key_of(const void *bytes, size_t n)
{
    const XXH128_hash_t hash = XXH3_128bits(bytes, n);
    return (struct key128){.low = hash.low64, .high = hash.high64};
}

void key_map_init(struct key_map *map)
{
    *map = (struct key_map){0};
}

void key_map_fini(struct key_map *map)
{
    mem_free(map->slots);
    key_map_init(map);
}

void key_map_clear(struct key_map *map)
{
    if (map->n) {
        memset(map->slots, 0, map->capacity * sizeof *map->slots);
        map->n = 0;
    }
}

/* The slot that holds `key`, or the empty one where it belongs. */
static struct key_slot *probe(const struct key_map *map, struct key128 key)
{
    size_t at = key.low & (map->capacity - 1);
    while (map->slots[at].used && (map->slots[at].key.low != key.low || map->slots[at].key.high != key.high)) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->slots[at];
}

/* Small tables grow faster: most of the work of a fill is moving what was there. */
static void grow(struct key_map *map)
{
    enum { FIRST = 1024, LARGE = 1 << 16 };
    const struct key_map old = *map;
    map->capacity = !old.capacity ? FIRST : old.capacity < LARGE ? 4 * old.capacity : 2 * old.capacity;
    map->slots = mem_zalloc(map->capacity * sizeof *map->slots);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].used) {
            *probe(map, old.slots[i].key) = old.slots[i];
        }
    }
    mem_free(old.slots);
}

uint32_t *key_map_at(struct key_map *map, struct key128 key, uint32_t fresh, bool *added)
{
    if (2 * (map->n + 1) > map->capacity) {
        grow(map);
    }
    struct key_slot *slot = probe(map, key);
    *added = !slot->used;
    if (*added) {
        *slot = (struct key_slot){.key = key, .value = fresh, .used = true};
        map->n++;
    }
    return &slot->value;
}
