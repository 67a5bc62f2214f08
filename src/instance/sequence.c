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

void sequence_pool_init(struct sequence_pool *pool)
{
    *pool = (struct sequence_pool){0};
}

void sequence_pool_fini(struct sequence_pool *pool)
{
    for (uint32_t i = 0; i < pool->n; i++) {
        kv_holder_fini(&sequence_pool_at(pool, i)->holder);
    }
    for (uint32_t i = 0; i < pool->n_chunks; i++) {
        mem_free(pool->chunks[i]);
    }
    mem_free(pool->chunks);
    sequence_pool_init(pool);
}

static struct sequence *take_fresh(struct sequence_pool *pool)
{
    if (pool->n == pool->n_chunks * SEQUENCES_PER_CHUNK) {
        pool->chunks = mem_grow(pool->chunks, &pool->chunk_capacity, pool->n_chunks + 1, sizeof *pool->chunks);
        pool->chunks[pool->n_chunks++] =
            mem_aligned(_Alignof(struct sequence), SEQUENCES_PER_CHUNK * sizeof(struct sequence));
    }
    struct sequence *sequence = sequence_pool_at(pool, pool->n);
    sequence->index = pool->n++;
    sequence->holder = (struct kv_holder){0};
    return sequence;
}

struct sequence *sequence_pool_take(struct sequence_pool *pool)
{
    struct sequence *sequence = pool->free;
    if (!sequence) {
        return take_fresh(pool);
    }
    pool->free = sequence->next;
    return sequence;
}

void sequence_pool_give(struct sequence_pool *pool, struct sequence *sequence)
{
    sequence->next = pool->free;
    pool->free = sequence;
}
