#include "instance/sequence.h"

#include "base/mem.h"

void sequence_list_push_back(struct sequence_list *list, struct sequence *sequence)
{
    sequence->previous = list->tail;
    sequence->next = NULL;
    *(list->tail ? &list->tail->next : &list->head) = sequence;
    list->tail = sequence;
    list->n++;
}

void sequence_list_push_front(struct sequence_list *list, struct sequence *sequence)
{
    sequence->previous = NULL;
    sequence->next = list->head;
    *(list->head ? &list->head->previous : &list->tail) = sequence;
    list->head = sequence;
    list->n++;
}

void sequence_list_remove(struct sequence_list *list, struct sequence *sequence)
{
    *(sequence->previous ? &sequence->previous->next : &list->head) = sequence->next;
    *(sequence->next ? &sequence->next->previous : &list->tail) = sequence->previous;
    list->n--;
}

enum { SEQUENCES_PER_CHUNK = 64 };

struct sequence_chunk {
    struct sequence_chunk *next;
    struct sequence sequences[SEQUENCES_PER_CHUNK];
};

void sequence_pool_init(struct sequence_pool *pool)
{
    *pool = (struct sequence_pool){0};
}

void sequence_pool_fini(struct sequence_pool *pool)
{
    struct sequence_chunk *chunk = pool->chunks;
    while (chunk) {
        struct sequence_chunk *next = chunk->next;
        for (int i = 0; i < SEQUENCES_PER_CHUNK; i++) {
            kv_holder_fini(&chunk->sequences[i].holder);
        }
        mem_free(chunk);
        chunk = next;
    }
    sequence_pool_init(pool);
}

struct sequence *sequence_pool_take(struct sequence_pool *pool)
{
    if (!pool->free) {
        struct sequence_chunk *chunk = mem_zalloc(sizeof *chunk);
        chunk->next = pool->chunks;
        pool->chunks = chunk;
        for (int i = SEQUENCES_PER_CHUNK - 1; i >= 0; i--) {
            sequence_pool_give(pool, &chunk->sequences[i]);
        }
    }
    struct sequence *sequence = pool->free;
    pool->free = sequence->next;
    const struct kv_holder holder = sequence->holder;
    *sequence = (struct sequence){.holder = holder};
    return sequence;
}

void sequence_pool_give(struct sequence_pool *pool, struct sequence *sequence)
{
    sequence->next = pool->free;
    pool->free = sequence;
}
