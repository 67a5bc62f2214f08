#include "pdes/calendar.h"

#include "base/mem.h"
#include "pdes/calendar_sort.h"

#include <assert.h>
#include <string.h>

enum { CHUNK_ENTRIES = 31, SLAB_CHUNKS = 64 };

struct calendar_chunk {
    struct calendar_entry entries[CHUNK_ENTRIES];
    struct calendar_chunk *next;
};

static inline uint32_t digit(uint64_t key, uint32_t level)
{
    return (uint32_t)(key >> (CALENDAR_DIGIT_BITS * level)) & (CALENDAR_SLOTS - 1);
}

/* Highest digit in which two keys differ; 0 when they are equal. */
static inline uint32_t level_of(uint64_t a, uint64_t b)
{
    return (63 - (uint32_t)__builtin_clzll((a ^ b) | 1)) / CALENDAR_DIGIT_BITS;
}

void calendar_init(struct calendar *calendar)
{
    *calendar = (struct calendar){.base = calendar_time_key(0), .latest = INT64_MIN, .early = {.first = INT64_MAX}};
    for (uint32_t level = 0; level < CALENDAR_LEVELS; level++) {
        for (uint32_t i = 0; i < CALENDAR_SLOTS; i++) {
            calendar->slots[level][i].first = INT64_MAX;
        }
    }
    arena_init(&calendar->memory);
}

void calendar_fini(struct calendar *calendar)
{
    arena_fini(&calendar->memory);
    calendar_init(calendar);
}

void calendar_batch_init(struct calendar_batch *batch)
{
    *batch = (struct calendar_batch){0};
}

void calendar_batch_fini(struct calendar_batch *batch)
{
    mem_free(batch->entries);
    mem_free(batch->scratch);
    calendar_batch_init(batch);
}

static struct calendar_chunk *new_chunk(struct calendar *calendar)
{
    if (!calendar->pool) {
        struct calendar_chunk *slab = arena_alloc(&calendar->memory, SLAB_CHUNKS * sizeof *slab);
        for (uint32_t i = 0; i < SLAB_CHUNKS; i++) {
            slab[i].next = i + 1 < SLAB_CHUNKS ? &slab[i + 1] : NULL;
        }
        calendar->pool = slab;
    }
    struct calendar_chunk *chunk = calendar->pool;
    calendar->pool = chunk->next;
    return chunk;
}

static void free_chunk(struct calendar *calendar, struct calendar_chunk *chunk)
{
    chunk->next = calendar->pool;
    calendar->pool = chunk;
}

/* The place of a new entry of the slot. */
static inline struct calendar_entry *append(struct calendar *calendar, struct calendar_slot *slot, int64_t time)
{
    if (!slot->chunks || slot->n == CHUNK_ENTRIES) {
        struct calendar_chunk *chunk = new_chunk(calendar);
        chunk->next = slot->chunks;
        slot->chunks = chunk;
        slot->n = 0;
    }
    slot->first = time < slot->first ? time : slot->first;
    return &slot->chunks->entries[slot->n++];
}

/* The place of a new entry in the slot that the base gives. */
static inline struct calendar_entry *place(struct calendar *calendar, int64_t time)
{
    const uint64_t key = calendar_time_key(time);
    if (key < calendar->base) {
        return append(calendar, &calendar->early, time);
    }
    const uint32_t level = level_of(key, calendar->base);
    const uint32_t slot = digit(key, level);
    calendar->used_levels |= UINT32_C(1) << level;
    calendar->used_slots[level] |= UINT64_C(1) << slot;
    return append(calendar, &calendar->slots[level][slot], time);
}

struct calendar_entry *calendar_add(struct calendar *calendar, int64_t time)
{
    assert(time >= calendar->latest);
    calendar->n++;
    return place(calendar, time);
}

/* What the slot held; it is empty afterwards. */
static struct calendar_slot detach(struct calendar_slot *slot)
{
    const struct calendar_slot held = *slot;
    *slot = (struct calendar_slot){.first = INT64_MAX};
    return held;
}

static void mark_empty(struct calendar *calendar, uint32_t level, uint32_t slot)
{
    calendar->used_slots[level] &= ~(UINT64_C(1) << slot);
    if (!calendar->used_slots[level]) {
        calendar->used_levels &= ~(UINT32_C(1) << level);
    }
}

static inline void reserve(struct calendar_batch *out, size_t more)
{
    if (out->n + more > out->capacity) {
        out->entries = mem_grow(out->entries, &out->capacity, out->n + more, sizeof *out->entries);
    }
}

static void copy_entries(const struct calendar_slot *slot, struct calendar_batch *out)
{
    uint64_t n = slot->n;
    for (const struct calendar_chunk *chunk = slot->chunks; chunk; chunk = chunk->next) {
        reserve(out, n);
        memcpy(out->entries + out->n, chunk->entries, n * sizeof *out->entries);
        out->n += n;
        n = CHUNK_ENTRIES;
    }
}

/* Sorts what was added to the batch from entry `from` on. */
static void sort_added(struct calendar_batch *out, size_t from)
{
    const size_t n = out->n - from;
    if (n > CALENDAR_SORT_FEW && n > out->scratch_capacity) {
        out->scratch = mem_grow(out->scratch, &out->scratch_capacity, n, sizeof *out->scratch);
    }
    calendar_sort(out->entries + from, n, out->scratch);
}

/* Moves all of a slot to the batch. */
static void take_slot(struct calendar *calendar, uint32_t level, uint32_t slot, struct calendar_batch *out)
{
    const size_t from = out->n;
    const struct calendar_slot held = detach(&calendar->slots[level][slot]);
    copy_entries(&held, out);
    for (struct calendar_chunk *chunk = held.chunks; chunk;) {
        struct calendar_chunk *next = chunk->next;
        free_chunk(calendar, chunk);
        chunk = next;
    }
    mark_empty(calendar, level, slot);
    sort_added(out, from);
}

/* Moves the entries below the limit to the batch and places the others anew. */
static void split(struct calendar *calendar, struct calendar_slot held, int64_t limit, struct calendar_batch *out)
{
    const size_t from = out->n;
    uint64_t n = held.n;
    for (struct calendar_chunk *chunk = held.chunks; chunk;) {
        reserve(out, n);
        for (uint64_t i = 0; i < n; i++) {
            if (chunk->entries[i].time < limit) {
                out->entries[out->n++] = chunk->entries[i];
            } else {
                *place(calendar, chunk->entries[i].time) = chunk->entries[i];
            }
        }
        struct calendar_chunk *next = chunk->next;
        free_chunk(calendar, chunk);
        chunk = next;
        n = CHUNK_ENTRIES;
    }
    sort_added(out, from);
}

/* Entries at one level lie before those at higher levels, and so do those of lower slots within a level. */
static void take_slots_below(struct calendar *calendar, uint32_t top, uint32_t top_slot, struct calendar_batch *out)
{
    for (uint32_t levels; (levels = calendar->used_levels & ((UINT32_C(2) << top) - 1));) {
        const uint32_t level = (uint32_t)__builtin_ctz(levels);
        const uint64_t below = level < top ? UINT64_MAX : (UINT64_C(1) << top_slot) - 1;
        const uint64_t slots = calendar->used_slots[level] & below;
        if (!slots) {
            break;
        }
        take_slot(calendar, level, (uint32_t)__builtin_ctzll(slots), out);
    }
}

void calendar_take(struct calendar *calendar, int64_t limit, struct calendar_batch *out)
{
    out->n = 0;
    if (calendar->early.first < limit) {
        split(calendar, detach(&calendar->early), limit, out);
    }
    const uint64_t key = calendar_time_key(limit);
    if (key > calendar->base && out->n < calendar->n) {
        const uint32_t level = level_of(key, calendar->base);
        const uint32_t slot = digit(key, level);
        take_slots_below(calendar, level, slot, out);
        calendar->base = key;
        const struct calendar_slot cut = detach(&calendar->slots[level][slot]);
        if (cut.chunks) {
            mark_empty(calendar, level, slot);
            split(calendar, cut, limit, out);
        }
    }
    calendar->n -= out->n;
    if (out->n) {
        calendar->latest = out->entries[out->n - 1].time;
    }
    if (calendar->n == 0 && calendar->latest >= 0) { /* nothing depends on the base: let it be followed closely */
        calendar->base = calendar_time_key(calendar->latest);
    }
}

int64_t calendar_first(const struct calendar *calendar)
{
    if (calendar->early.chunks) {
        return calendar->early.first;
    }
    if (!calendar->used_levels) {
        return INT64_MAX;
    }
    const uint32_t level = (uint32_t)__builtin_ctz(calendar->used_levels);
    return calendar->slots[level][__builtin_ctzll(calendar->used_slots[level])].first;
}

void calendar_list(const struct calendar *calendar, struct calendar_batch *out)
{
    out->n = 0;
    copy_entries(&calendar->early, out);
    sort_added(out, 0);
    for (uint32_t level = 0; level < CALENDAR_LEVELS; level++) {
        for (uint64_t slots = calendar->used_slots[level]; slots; slots &= slots - 1) {
            const size_t from = out->n;
            copy_entries(&calendar->slots[level][__builtin_ctzll(slots)], out);
            sort_added(out, from);
        }
    }
}
