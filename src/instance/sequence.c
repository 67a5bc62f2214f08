#include "instance/sequence.h"

#include "base/mem.h"

/* After NULL is first. */
void sequence_list_insert_after(struct sequence_list *list, struct sequence *after, struct sequence *sequence)
{
    sequence->previous = after;
    sequence->next = after ? after->next : list->head;
    *(sequence->next ? &sequence->next->previous : &list->tail) = sequence;
    *(after ? &after->next : &list->head) = sequence;
    list->n++;
}

void sequence_list_push_back(struct sequence_list *list, struct sequence *sequence)
{
    sequence_list_insert_after(list, list->tail, sequence);
}

void sequence_list_push_front(struct sequence_list *list, struct sequence *sequence)
{
    sequence_list_insert_after(list, NULL, sequence);
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
