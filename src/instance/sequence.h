/* The turns inside an engine, and the lists they stand in. */
#ifndef ASIM_INSTANCE_SEQUENCE_H
#define ASIM_INSTANCE_SEQUENCE_H

#include "instance/instance.h"
#include "kv/pool.h"

enum sequence_state {
    SEQUENCE_WAITING,
    SEQUENCE_PREFILLING, /* running, part of the prompt still to compute */
    SEQUENCE_DECODING,   /* running, a member of the decode aggregate */
    SEQUENCE_DRAINING,   /* running, its last token is in a batch in flight */
};

struct sequence {
    struct sequence *previous; /* in the running list, the waiting queue or the free list */
    struct sequence *next;
    struct turn_arrival turn;
    struct kv_holder holder;
    enum sequence_state state;
    bool last_in_flight; /* preempted while its last token was being computed: it ends without running again */
    bool was_admitted;
    uint64_t stamp;           /* order of admission, renewed when resumed */
    int64_t base;             /* decoding: computed tokens = base + decode clock; otherwise computed tokens */
    int64_t finish_clock;     /* decoding: decode clock at which the last token is scheduled */
    uint32_t limit;           /* output tokens after the length limit */
    uint32_t n_tokens;        /* to compute before the next token is sampled */
    uint32_t chunk_tokens;    /* scheduled in the step being composed */
    uint32_t computed_before; /* computed tokens that a preemption threw away */
    uint32_t effect_at;       /* place in an effect heap */
    simtime waiting_since;
    struct turn_record record;
};

/* Doubly linked list. */
struct sequence_list {
    struct sequence *head;
    struct sequence *tail;
    uint32_t n;
};

void sequence_list_push_back(struct sequence_list *list, struct sequence *sequence);
void sequence_list_push_front(struct sequence_list *list, struct sequence *sequence);
void sequence_list_remove(struct sequence_list *list, struct sequence *sequence);

/* Chunked pool of sequences: stable addresses, holders keep their memory across reuse. */
struct sequence_chunk;
struct sequence_pool {
    struct sequence *free;
    struct sequence_chunk *chunks;
};

void sequence_pool_init(struct sequence_pool *pool);
void sequence_pool_fini(struct sequence_pool *pool);
struct sequence *sequence_pool_take(struct sequence_pool *pool);
void sequence_pool_give(struct sequence_pool *pool, struct sequence *sequence);

/* Computed tokens after which the last token is sampled. */
static inline uint32_t sequence_last_computed(const struct sequence *sequence)
{
    return sequence->limit ? sequence->turn.prompt_toks + sequence->limit - 1 : sequence->turn.prompt_toks;
}

#endif
