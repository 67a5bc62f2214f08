/* The calendar: future events, drained window by window in the order of (time, tie).
 *
 * Time is cut into digits of six bits. An entry lies at the level of the highest digit in which its time differs from
 * the calendar's base, in the slot of that digit: a radix heap of base 64, or a timing wheel of eleven levels without a
 * tick. A push is an append. A take empties whole slots below its limit, looks into the one slot that the limit cuts
 * and moves the rest of it to lower levels, and makes the limit the base; no other entry moves. So an entry
 * is copied once a level at most (two to four times when events lie seconds ahead and windows are milliseconds), and is
 * compared with others only when it is due, in its slot, whatever the number of entries.
 *
 * Slots are lists of chunks from one pool, so memory follows the number of pending entries, and a calendar whose number
 * of entries does not grow allocates nothing.
 *
 * Pushing below the last limit is allowed down to the latest time taken, and slow when much is pushed there: such
 * entries lie in a slot of their own, which every take looks through.
 */
#ifndef ASIM_PDES_CALENDAR_H
#define ASIM_PDES_CALENDAR_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys come from content. Entries equal in time and tie come in any order: make ties distinct. */
struct calendar_entry {
    int64_t time;
    uint64_t tie;
    uint64_t a; /* the owner's */
    int64_t b;
};

_Static_assert(sizeof(struct calendar_entry) == 32, "two entries a cache line");

/* Times as unsigned numbers of the same order. */
static inline uint64_t calendar_time_key(int64_t time)
{
    return (uint64_t)time ^ UINT64_C(1) << 63;
}

/* The order of entries, in one comparison without branches. */
static inline bool calendar_entry_before(const struct calendar_entry *a, const struct calendar_entry *b)
{
    const unsigned __int128 key_a = (unsigned __int128)calendar_time_key(a->time) << 64 | a->tie;
    const unsigned __int128 key_b = (unsigned __int128)calendar_time_key(b->time) << 64 | b->tie;
    return key_a < key_b;
}

/* What was taken, for reuse from take to take. */
struct calendar_batch {
    struct calendar_entry *entries;
    size_t n;
    size_t capacity;
    struct calendar_entry *scratch; /* of sorting */
    size_t scratch_capacity;
};

struct calendar_chunk;

struct calendar_slot {
    struct calendar_chunk *chunks; /* all but the first are full */
    uint64_t n;                    /* entries in the first chunk */
    int64_t first;                 /* earliest time in the slot */
};

enum { CALENDAR_DIGIT_BITS = 6, CALENDAR_SLOTS = 1 << CALENDAR_DIGIT_BITS, CALENDAR_LEVELS = 11 };

struct calendar {
    uint64_t base;  /* no entry outside of `early` lies before it; times as unsigned, see calendar.c */
    int64_t latest; /* time taken */
    size_t n;
    uint32_t used_levels;                 /* bit per level that has entries */
    uint64_t used_slots[CALENDAR_LEVELS]; /* bit per slot that has entries */
    struct calendar_slot slots[CALENDAR_LEVELS][CALENDAR_SLOTS];
    struct calendar_slot early;  /* entries before the base */
    struct calendar_chunk *pool; /* free chunks */
    struct arena memory;         /* of all chunks */
};

void calendar_init(struct calendar *calendar);
void calendar_fini(struct calendar *calendar);
void calendar_batch_init(struct calendar_batch *batch);
void calendar_batch_fini(struct calendar_batch *batch);

/* Gives the place of a new entry of this time, which must not lie before the latest one taken; the caller fills it. */
struct calendar_entry *calendar_add(struct calendar *calendar, int64_t time);

static inline void calendar_push(struct calendar *calendar, struct calendar_entry entry)
{
    struct calendar_entry *added = calendar_add(calendar, entry.time);
    added->time = entry.time;
    added->tie = entry.tie;
    added->a = entry.a;
    added->b = entry.b;
}

/* Replaces *out by all entries with time < limit, ordered by (time, tie), and removes them from the calendar. */
void calendar_take(struct calendar *calendar, int64_t limit, struct calendar_batch *out);

/* The earliest time, exactly; INT64_MAX when empty. */
int64_t calendar_first(const struct calendar *calendar);

static inline size_t calendar_count(const struct calendar *calendar)
{
    return calendar->n;
}

/* Replaces *out by a copy of all entries, ordered by (time, tie), for checkpoints. */
void calendar_list(const struct calendar *calendar, struct calendar_batch *out);

#endif
