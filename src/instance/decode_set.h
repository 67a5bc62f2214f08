/* The decoding sequences of an engine as one aggregate.
 *
 * In steady decode every member gains one token a step, so a virtual clock counts the steps and a member's computed
 * tokens are base + clock: one step moves them all by moving the clock. What the engine must know each step follows
 * from sums and buckets:
 *  - the sum of contexts (for the step time) grows by the number of members;
 *  - the members that need a new block are those whose context is a multiple of the block size; they are counted by the
 *    residue of `base`, so the count of a step is one table read;
 *  - the members are on a heap by the clock of the step that schedules their last token.
 * A member is touched only when it enters and leaves. A member that cannot advance leaves: it is preempted.
 */
#ifndef ASIM_INSTANCE_DECODE_SET_H
#define ASIM_INSTANCE_DECODE_SET_H

#include "instance/sequence.h"
#include "instance/sequence_heap.h"

struct decode_set {
    int64_t clock;
    uint32_t n;
    uint64_t context;  /* sum of computed tokens */
    uint32_t n_shared; /* members whose output other programs may hit while it is generated */
    uint32_t block_size;
    uint32_t phase;              /* -clock modulo block_size: base of the members that stand at a block boundary */
    uint32_t *by_residue;        /* members by base modulo block_size; borrowed */
    struct sequence_heap finish; /* key: clock of the last token */
};

/* `by_residue`: block_size zeros, which outlive the set. */
void decode_set_init(struct decode_set *set, uint32_t block_size, uint32_t *by_residue);
void decode_set_fini(struct decode_set *set);

/* Sets the clock of an empty set. */
void decode_set_start_at(struct decode_set *set, int64_t clock);

/* `sequence` has `computed` tokens and samples from now on. Sets its state. */
void decode_set_enter(struct decode_set *set, struct sequence *sequence, uint32_t computed);

/* Takes a member out; its base becomes its computed tokens and its state `state`. */
void decode_set_leave(struct decode_set *set, struct sequence *sequence, enum sequence_state state);

static inline uint32_t decode_set_computed(const struct decode_set *set, const struct sequence *sequence)
{
    return (uint32_t)(sequence->base + set->clock);
}

/* Members that need a block in the step after `ahead` more; ahead < block_size (it repeats after that). */
static inline uint32_t decode_set_crossings(const struct decode_set *set, uint32_t ahead)
{
    return set->by_residue[set->phase >= ahead ? set->phase - ahead : set->phase + set->block_size - ahead];
}

/* All members advance by `steps` tokens. */
static inline void decode_set_tick(struct decode_set *set, uint32_t steps)
{
    const uint32_t moved = steps < set->block_size ? steps : steps % set->block_size;
    set->phase = set->phase >= moved ? set->phase - moved : set->phase + set->block_size - moved;
    set->clock += steps;
    set->context += (uint64_t)set->n * steps;
}

/* Clock at which the next member schedules its last token; INT64_MAX when there are no members. */
static inline int64_t decode_set_next_finish(const struct decode_set *set)
{
    return set->finish.first;
}

/* Index of that member; there is one. */
static inline uint32_t decode_set_next(const struct decode_set *set)
{
    return set->finish.items[0].sequence;
}

#endif
