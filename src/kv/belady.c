#include "kv/belady.h"

#include "base/heap.h"
#include "base/mem.h"
#include "kv/block_cursor.h"

#include <assert.h>

#define NONE UINT32_MAX

enum { FIRST_SLOTS = 64 };

/* Blocks of a line up to `end` that were last accessed or written at one moment, from the end of the stretch before. */
struct stretch {
    uint32_t end;
    uint32_t moment;
    uint32_t next; /* of the line, or of the spare ones */
};

struct line {
    struct block_key key; /* of its first block */
    uint32_t parent;      /* NONE: it is the first */
    uint32_t at;          /* blocks of the parent before it */
    uint32_t first;       /* stretch */
};

/* `n` blocks that could be kept from one moment to another. */
struct reuse {
    uint32_t from, to;
    uint32_t n;
};

struct belady {
    uint32_t block_size;
    uint32_t now; /* accesses so far */
    struct belady_counts counts;
    struct line *lines;
    size_t n_lines, line_capacity;
    uint32_t *slots; /* lines by name: linear probing, at most half full */
    uint32_t slot_mask;
    struct stretch *stretches;
    size_t n_stretches, stretch_capacity;
    uint32_t spare;
    struct reuse *reuses; /* by `to` */
    size_t n_reuses, reuse_capacity;
};

static uint32_t *new_slots(uint32_t n)
{
    uint32_t *slots = mem_alloc(n * sizeof *slots);
    for (uint32_t i = 0; i < n; i++) {
        slots[i] = NONE;
    }
    return slots;
}

struct belady *belady_create(uint32_t block_size)
{
    struct belady *belady = mem_zalloc(sizeof *belady);
    belady->block_size = block_size;
    belady->slots = new_slots(FIRST_SLOTS);
    belady->slot_mask = FIRST_SLOTS - 1;
    belady->spare = NONE;
    return belady;
}

void belady_destroy(struct belady *belady)
{
    if (belady) {
        mem_free(belady->lines);
        mem_free(belady->slots);
        mem_free(belady->stretches);
        mem_free(belady->reuses);
        mem_free(belady);
    }
}

/* ---- lines ---- */

static uint32_t hash(const struct line *line)
{
    uint64_t x = line->key.stream * UINT64_C(0x9E3779B97F4A7C15) ^ ((uint64_t)line->parent << 32 | line->key.first);
    x = (x ^ x >> 29 ^ line->at) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 32) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(x >> 32);
}

/* The slot of a line of that name, or the empty one where it would go. */
static uint32_t find_slot(const struct belady *belady, const struct line *name)
{
    uint32_t at = hash(name) & belady->slot_mask;
    for (;; at = (at + 1) & belady->slot_mask) {
        if (belady->slots[at] == NONE) {
            return at;
        }
        const struct line *line = &belady->lines[belady->slots[at]];
        if (line->parent == name->parent && line->at == name->at && block_key_equal(line->key, name->key)) {
            return at;
        }
    }
}

static void grow_slots(struct belady *belady)
{
    mem_free(belady->slots);
    belady->slot_mask = 2 * belady->slot_mask + 1;
    belady->slots = new_slots(belady->slot_mask + 1);
    for (uint32_t id = 0; id < belady->n_lines; id++) {
        belady->slots[find_slot(belady, &belady->lines[id])] = id;
    }
}

/* The line that begins with `key` after the first `at` blocks of `parent`. */
static uint32_t line_of(struct belady *belady, uint32_t parent, uint32_t at, struct block_key key)
{
    const struct line name = {.key = key, .parent = parent, .at = at, .first = NONE};
    uint32_t slot = find_slot(belady, &name);
    if (belady->slots[slot] != NONE) {
        return belady->slots[slot];
    }
    if (belady->n_lines + 1 > belady->slot_mask / 2) {
        grow_slots(belady);
        slot = find_slot(belady, &name);
    }
    belady->lines = mem_grow(belady->lines, &belady->line_capacity, belady->n_lines + 1, sizeof *belady->lines);
    belady->lines[belady->n_lines] = name;
    belady->slots[slot] = (uint32_t)belady->n_lines++;
    return belady->slots[slot];
}

/* ---- what happens to the blocks of a line ---- */

static uint32_t new_stretch(struct belady *belady, struct stretch stretch)
{
    uint32_t id = belady->spare;
    if (id != NONE) {
        belady->spare = belady->stretches[id].next;
    } else {
        belady->stretches =
            mem_grow(belady->stretches, &belady->stretch_capacity, belady->n_stretches + 1, sizeof *belady->stretches);
        id = (uint32_t)belady->n_stretches++;
    }
    belady->stretches[id] = stretch;
    return id;
}

/* `n` blocks are accessed now and were at `moment` before. */
static void note_reuse(struct belady *belady, uint32_t moment, uint32_t n)
{
    struct reuse *last = belady->n_reuses ? &belady->reuses[belady->n_reuses - 1] : NULL;
    if (last && last->to == belady->now && last->from == moment) {
        last->n += n;
        return;
    }
    belady->reuses = mem_grow(belady->reuses, &belady->reuse_capacity, belady->n_reuses + 1, sizeof *belady->reuses);
    belady->reuses[belady->n_reuses++] = (struct reuse){.from = moment, .to = belady->now, .n = n};
}

/* Blocks `from` to `to` - 1 of the line are accessed or written now. */
static void renew(struct belady *belady, uint32_t id, uint32_t from, uint32_t to, bool is_access)
{
    uint32_t before = NONE; /* the stretch before `from` */
    uint32_t start = 0;     /* of `at` */
    uint32_t at = belady->lines[id].first;
    while (at != NONE && belady->stretches[at].end <= from) {
        start = belady->stretches[at].end;
        before = at;
        at = belady->stretches[at].next;
    }
    if (at != NONE && start < from) { /* its beginning stays */
        const uint32_t kept =
            new_stretch(belady, (struct stretch){.end = from, .moment = belady->stretches[at].moment, .next = at});
        *(before == NONE ? &belady->lines[id].first : &belady->stretches[before].next) = kept;
        before = kept;
        start = from;
    }
    assert(start == from && "the blocks before are known");
    while (at != NONE && start < to) {
        const struct stretch old = belady->stretches[at];
        const uint32_t end = old.end < to ? old.end : to;
        if (is_access) {
            note_reuse(belady, old.moment, end - start);
        }
        start = end;
        if (old.end <= to) {
            belady->stretches[at].next = belady->spare;
            belady->spare = at;
            at = old.next;
        }
    }
    belady->counts.compulsory += is_access ? to - start : 0;
    if (before != NONE && belady->stretches[before].moment == belady->now) {
        belady->stretches[before].end = to;
        belady->stretches[before].next = at;
    } else {
        const uint32_t renewed = new_stretch(belady, (struct stretch){.end = to, .moment = belady->now, .next = at});
        *(before == NONE ? &belady->lines[id].first : &belady->stretches[before].next) = renewed;
    }
}

/* The same of blocks of a content. */
static void renew_content(struct belady *belady, struct content content, uint32_t from, uint32_t to, bool is_access)
{
    struct block_cursor cursor = block_cursor_begin(content, belady->block_size);
    uint32_t line = NONE;
    uint32_t in_line = 0;
    for (uint32_t depth = 0; depth < to;) {
        const struct block_run run = block_cursor_next(&cursor, to - depth);
        line = line_of(belady, line, in_line, run.key);
        in_line = run.n;
        if (depth + run.n > from) {
            renew(belady, line, depth < from ? from - depth : 0, run.n, is_access);
        }
        depth += run.n;
    }
}

void belady_access(struct belady *belady, struct content content, uint32_t blocks, uint32_t hits)
{
    assert(hits <= blocks);
    belady->now++;
    belady->counts.accesses += blocks;
    belady->counts.misses += blocks - hits;
    renew_content(belady, content, 0, blocks, true);
}

void belady_write(struct belady *belady, struct content content, uint32_t from, uint32_t to)
{
    if (from < to) {
        renew_content(belady, content, from, to, false);
    }
}

/* ---- MIN ---- */

/* The most reuses that can be kept with so many blocks. */
static uint64_t most_kept(const struct belady *belady, uint32_t capacity)
{
    uint32_t *kept = mem_zalloc(((size_t)belady->now + 1) * sizeof *kept); /* of those under way, by their beginning */
    uint64_t under_way = 0;
    uint64_t sum = 0;
    struct heap beginnings;
    heap_init(&beginnings);
    size_t left = belady->n_reuses;
    for (uint32_t moment = belady->now; moment > 0; moment--) {
        sum += kept[moment];
        under_way -= kept[moment];
        kept[moment] = 0;
        for (; left && belady->reuses[left - 1].to == moment; left--) {
            const struct reuse *reuse = &belady->reuses[left - 1];
            if (!kept[reuse->from]) {
                heap_push(&beginnings, (struct heap_entry){.key = reuse->from});
            }
            kept[reuse->from] += reuse->n;
            under_way += reuse->n;
        }
        while (under_way > capacity) { /* between this access and the one before */
            uint32_t *first = &kept[heap_top(&beginnings)->key];
            const uint64_t excess = under_way - capacity;
            const uint32_t dropped = *first < excess ? *first : (uint32_t)excess;
            *first -= dropped;
            under_way -= dropped;
            if (!*first) {
                heap_pop(&beginnings);
            }
        }
    }
    heap_fini(&beginnings);
    mem_free(kept);
    return sum + under_way; /* of what was written before the first access */
}

struct belady_counts belady_count(const struct belady *belady, uint32_t capacity)
{
    struct belady_counts counts = belady->counts;
    counts.optimal = counts.accesses - most_kept(belady, capacity);
    return counts;
}
