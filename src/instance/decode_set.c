#include "instance/decode_set.h"

#include <assert.h>

void decode_set_init(struct decode_set *set, uint32_t block_size, uint32_t *by_residue)
{
    *set = (struct decode_set){.block_size = block_size, .by_residue = by_residue};
    sequence_heap_init(&set->finish);
}

void decode_set_fini(struct decode_set *set)
{
    sequence_heap_fini(&set->finish);
}

void decode_set_start_at(struct decode_set *set, int64_t clock)
{
    assert(set->n == 0 && clock >= 0);
    set->clock = clock;
    set->phase = (uint32_t)((set->block_size - clock % set->block_size) % set->block_size);
}

static uint32_t *bucket(struct decode_set *set, int64_t base)
{
    const int64_t residue = base % set->block_size;
    return &set->by_residue[residue < 0 ? residue + set->block_size : residue];
}

void decode_set_enter(struct decode_set *set, struct sequence *sequence, uint32_t computed)
{
    sequence->state = SEQUENCE_DECODING;
    sequence->base = (int64_t)computed - set->clock;
    assert(sequence_last_computed(sequence) > computed);
    set->n++;
    set->context += computed;
    set->n_shared += sequence->shared_output;
    ++*bucket(set, sequence->base);
    sequence_heap_enter(&set->finish, sequence->index, (int64_t)sequence_last_computed(sequence) - sequence->base);
}

void decode_set_leave(struct decode_set *set, struct sequence *sequence, enum sequence_state state)
{
    const uint32_t computed = decode_set_computed(set, sequence);
    sequence_heap_leave(&set->finish, sequence->index);
    --*bucket(set, sequence->base);
    set->n--;
    set->context -= computed;
    set->n_shared -= sequence->shared_output;
    sequence->base = computed;
    sequence->state = state;
}
