/* The turns inside an engine, and the lists they stand in. */
#ifndef ASIM_INSTANCE_SEQUENCE_H
#define ASIM_INSTANCE_SEQUENCE_H

#include "base/simtime.h"
#include "kv/pool.h"

enum sequence_state {
    SEQUENCE_WAITING,
    SEQUENCE_PREFILLING, /* running, part of the prompt still to compute */
    SEQUENCE_DECODING,   /* running, a member of the decode aggregate */
    SEQUENCE_DRAINING,   /* running, its last token is in a batch in flight */
};

/* What scheduling reads comes first; what only the turn's record wants is in the last cache line. */
struct sequence {
    _Alignas(64) struct sequence *previous; /* in the running list, the waiting queue or the inbox */
    struct sequence *next;                  /* also in the free list */
    struct content content;                 /* prompt, then output */
    struct kv_holder holder;
    int64_t base;             /* decoding: computed tokens = base + decode clock; otherwise computed tokens */
    uint64_t stamp;           /* order of admission, renewed when resumed */
    simtime lead;             /* see turn_arrival */
    const void *owner;        /* see turn_arrival */
    uint32_t index;           /* in the pool of sequences */
    uint32_t prompt_toks;     /* at least 1 */
    uint32_t limit;           /* output tokens after the length limit */
    uint32_t n_tokens;        /* to compute before the next token is sampled */
    uint32_t computed_before; /* computed tokens that a preemption threw away */
    uint32_t hit_toks;        /* at the first admission */
    uint32_t kv_blocks;       /* see turn_arrival */
    simtime waiting_since;
    uint8_t state;       /* enum sequence_state */
    bool last_in_flight; /* preempted while its last token was being computed: it ends without running again */
    bool was_admitted;
    bool shared_output;
    bool length_limited;
    bool is_quick; /* may be followed by two turns within a telemetry period */

    uint64_t program;
    uint32_t turn;
    uint32_t slot;
    uint32_t preemptions;
    uint32_t recomputed_toks;
    simtime ready;
    simtime arrived;
    simtime first_scheduled;
    simtime first_token; /* SIMTIME_NEVER before */
    simtime requeue_wait;
    simtime token_before; /* the last one before it was preempted, until the next one is out; else 0 */
};

/* Fetches all of it, to be written. */
static inline void sequence_prefetch(const struct sequence *sequence)
{
    for (size_t line = 0; line < sizeof *sequence; line += 64) {
        __builtin_prefetch((const char *)sequence + line, 1);
    }
}

/* Doubly linked list. */
struct sequence_list {
    struct sequence *head;
    struct sequence *tail;
    uint32_t n;
};

void sequence_list_push_back(struct sequence_list *list, struct sequence *sequence);
void sequence_list_push_front(struct sequence_list *list, struct sequence *sequence);
void sequence_list_insert_after(struct sequence_list *list, struct sequence *after, struct sequence *sequence);
void sequence_list_remove(struct sequence_list *list, struct sequence *sequence);

/* Chunked pool of sequences: stable addresses, holders keep their memory across reuse. A sequence's index is below the
 * largest number that were taken at once. */
enum { SEQUENCES_PER_CHUNK = 16 };

struct sequence_pool {
    struct sequence *free;
    struct sequence **chunks; /* of SEQUENCES_PER_CHUNK */
    size_t chunk_capacity;
    uint32_t n_chunks;
    uint32_t n; /* sequences that were ever taken */
};

void sequence_pool_init(struct sequence_pool *pool);
void sequence_pool_fini(struct sequence_pool *pool);

/* All but the index and the holder, which is empty, is for the caller to set. */
struct sequence *sequence_pool_take(struct sequence_pool *pool);
void sequence_pool_give(struct sequence_pool *pool, struct sequence *sequence);

static inline struct sequence *sequence_pool_at(const struct sequence_pool *pool, uint32_t index)
{
    return &pool->chunks[index / SEQUENCES_PER_CHUNK][index % SEQUENCES_PER_CHUNK];
}

/* Computed tokens after which the last token is sampled. */
static inline uint32_t sequence_last_computed(const struct sequence *sequence)
{
    return sequence->limit ? sequence->prompt_toks + sequence->limit - 1 : sequence->prompt_toks;
}

#endif
