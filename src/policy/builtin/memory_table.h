/* What a policy remembers of programs or calls, in state of a fixed size: a set-associative table.
 *
 * A key has a place in one of `sets` sets, a power of two, of MEMORY_WAYS entries. An entry begins with a struct
 * memory_key and goes on with what the policy keeps; entries of zeroes are empty. When a set is full, the entry that
 * was taken longest ago goes: with thousands of keys at work in one instance the oldest are forgotten, and policies
 * must bear that.
 */
#ifndef ASIM_POLICY_BUILTIN_MEMORY_TABLE_H
#define ASIM_POLICY_BUILTIN_MEMORY_TABLE_H

#include "asim/policy.h"

#include <string.h>

struct memory_key {
    uint64_t mark;   /* key + 1; 0: the entry is empty */
    asim_time taken; /* when memory_take was last asked for it */
};

/* Sets of an instance; a router, of which there is one, may have more. */
enum { MEMORY_SETS = 128, MEMORY_WAYS = 8, MEMORY_ENTRIES = MEMORY_SETS * MEMORY_WAYS };

/* Mixes all bits of a key (the finaliser of MurmurHash3). */
static inline uint64_t memory_hash(uint64_t key)
{
    key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ key >> 33;
}

static inline struct memory_key *memory_at(void *table, size_t entry_bytes, size_t index)
{
    return (struct memory_key *)((char *)table + index * entry_bytes);
}

/* NULL: the key is not known. */
static inline void *memory_find(void *table, size_t sets, size_t entry_bytes, uint64_t key)
{
    const size_t set = memory_hash(key) & (sets - 1);
    for (size_t way = 0; way < MEMORY_WAYS; way++) {
        struct memory_key *entry = memory_at(table, entry_bytes, set * MEMORY_WAYS + way);
        if (entry->mark == key + 1) {
            return entry;
        }
    }
    return NULL;
}

/* The entry of a key: the one that there is, or a new one of zeroes. */
static inline void *memory_take(void *table, size_t sets, size_t entry_bytes, uint64_t key, asim_time now)
{
    struct memory_key *entry = memory_find(table, sets, entry_bytes, key);
    if (!entry) {
        const size_t set = memory_hash(key) & (sets - 1);
        entry = memory_at(table, entry_bytes, set * MEMORY_WAYS);
        for (size_t way = 1; way < MEMORY_WAYS && entry->mark; way++) {
            struct memory_key *other = memory_at(table, entry_bytes, set * MEMORY_WAYS + way);
            if (!other->mark || other->taken < entry->taken) {
                entry = other;
            }
        }
        memset(entry, 0, entry_bytes);
        entry->mark = key + 1;
    }
    entry->taken = now;
    return entry;
}

static inline void memory_forget(void *entry, size_t entry_bytes)
{
    memset(entry, 0, entry_bytes);
}

#endif
