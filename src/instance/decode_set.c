#include "instance/decode_set.h"

#include "base/mem.h"

#include <assert.h>

void decode_set_init(struct decode_set *set, uint32_t block_size)
{
    *set = (struct decode_set){.block_size = block_size};
    set->by_residue = mem_zalloc(block_size * sizeof *set->by_residue);
    heap_init(&set->finish);
}

void decode_set_fini(struct decode_set *set)
{
    mem_free(set->by_residue);
    heap_fini(&set->finish);
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
    sequence->finish_clock = (int64_t)sequence_last_computed(sequence) - sequence->base;
    assert(sequence->finish_clock > set->clock);
    set->n++;
    set->context += computed;
    set->n_shared += sequence->turn.shared_output;
    ++*bucket(set, sequence->base);
    heap_push(&set->finish, (struct heap_entry){.key = sequence->finish_clock,
                                                .tie = sequence->stamp,
                                                .payload = (uint64_t)(uintptr_t)sequence});
}

void decode_set_leave(struct decode_set *set, struct sequence *sequence, enum sequence_state state)
{
    const uint32_t computed = decode_set_computed(set, sequence);
    --*bucket(set, sequence->base);
    set->n--;
    set->context -= computed;
    set->n_shared -= sequence->turn.shared_output;
    sequence->base = computed;
    sequence->state = state;
}

/* The member on top of the heap, past entries that a departure or a delay made stale. */
static struct sequence *top_member(struct decode_set *set)
{
    for (const struct heap_entry *top; (top = heap_top(&set->finish));) {
        struct sequence *sequence = (struct sequence *)(uintptr_t)top->payload;
        if (sequence->state == SEQUENCE_DECODING && sequence->stamp == top->tie && sequence->finish_clock == top->key) {
            return sequence;
        }
        heap_pop(&set->finish);
    }
    return NULL;
}

struct sequence *decode_set_finished(struct decode_set *set)
{
    struct sequence *sequence = top_member(set);
    return sequence && sequence->finish_clock <= set->clock ? sequence : NULL;
}

int64_t decode_set_next_finish(struct decode_set *set)
{
    const struct sequence *sequence = top_member(set);
    return sequence ? sequence->finish_clock : INT64_MAX;
}
