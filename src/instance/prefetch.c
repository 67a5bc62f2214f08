#include "instance/engine.h"

_Static_assert(offsetof(struct instance, draft) <= INSTANCE_LINES * 64, "what every visit touches is fetched ahead");

/* Of the first few of the heap, those that finish within so many steps are likely to do so in the visit. */
enum { OWNER_LINES = 4, NEXT_TO_FINISH = 3, STEPS_OF_A_VISIT = 12 };

/* A sequence that somebody is likely to work on in the next visit. */
typedef void sequence_action(const struct instance *instance, const struct sequence *sequence);

static inline void for_ending(const struct instance *instance, sequence_action *action)
{
    for (uint32_t i = 0; i < instance->n_batches; i++) {
        const struct batch *batch = &instance->batches[(instance->first_batch + i) % ENGINE_MAX_DEPTH];
        for (uint32_t k = 0; k < batch->finishers.n; k++) {
            action(instance, batch->finishers.items[k]);
        }
    }
    const struct sequence_heap *finish = &instance->decode.finish;
    const int64_t limit = instance->decode.clock + STEPS_OF_A_VISIT;
    if (finish->first > limit) {
        return;
    }
    for (uint32_t i = 0; i < NEXT_TO_FINISH && i < finish->n && finish->items[i].key <= limit; i++) {
        action(instance, sequence_pool_at(&instance->sequences, finish->items[i].sequence));
    }
}

static inline void for_starting(const struct instance *instance, sequence_action *action)
{
    if (instance->waiting.head) {
        action(instance, instance->waiting.head);
    }
    for (const struct sequence *sequence = instance->inbox.head; sequence; sequence = sequence->next) {
        action(instance, sequence);
    }
}

void instance_prefetch_deep(const struct instance *instance)
{
    const struct decode_set *decode = &instance->decode;
    __builtin_prefetch(instance->by_residue);
    sequence_heap_prefetch(&decode->finish);
    sequence_heap_prefetch(&instance->decoding);
    __builtin_prefetch(instance->running.tail, 1);
    kv_prefetch(instance->pool);
    __builtin_prefetch(instance->sequences.chunks);
    __builtin_prefetch(instance->ends, 1);
    __builtin_prefetch((const char *)instance->ends + 64, 1);
    if (instance->sequences.free) {
        sequence_prefetch(instance->sequences.free);
    }
    if (instance->inbox.n) {
        sequence_prefetch(instance->inbox.head);
    }
    if (instance->waiting.n) {
        sequence_prefetch(instance->waiting.head);
    }
    __builtin_prefetch(instance->draft.chunks, 1);
}

static void fetch_sequence(const struct instance *instance, const struct sequence *sequence)
{
    (void)instance;
    sequence_prefetch(sequence);
}

static void fetch_extents(const struct instance *instance, const struct sequence *sequence)
{
    (void)instance;
    __builtin_prefetch(sequence->content.extents);
    if (sequence->next) {
        __builtin_prefetch(sequence->next, 1);
    }
}

/* Their first tokens come out. */
static void fetch_completions(const struct instance *instance)
{
    for (uint32_t i = 0; i < instance->n_batches; i++) {
        const struct batch *batch = &instance->batches[(instance->first_batch + i) % ENGINE_MAX_DEPTH];
        for (uint32_t k = 0; k < batch->completions.n; k++) {
            __builtin_prefetch(&batch->completions.items[k]->first_token, 1);
        }
    }
}

void instance_prefetch_sequences(const struct instance *instance)
{
    fetch_completions(instance);
    for_ending(instance, fetch_sequence);
    for_starting(instance, fetch_extents);
    kv_prefetch_ends(instance->pool);
}

static void fetch_owner(const struct instance *instance, const struct sequence *sequence)
{
    kv_prefetch_release(instance->pool, &sequence->holder);
    if (sequence->state == SEQUENCE_DECODING) {
        sequence_heap_prefetch_place(&instance->decode.finish, sequence->index);
        sequence_heap_prefetch_place(&instance->decoding, sequence->index);
    }
    if (sequence->previous) {
        __builtin_prefetch(sequence->previous, 1);
    }
    if (sequence->next) {
        __builtin_prefetch(sequence->next, 1);
    }
    if (sequence->owner) {
        for (int i = 0; i < OWNER_LINES; i++) {
            __builtin_prefetch((const char *)sequence->owner + (ptrdiff_t)i * 64, 1);
        }
    }
}

static void fetch_slots(const struct instance *instance, const struct sequence *sequence)
{
    kv_prefetch_slots(instance->pool, sequence->content);
    engine_effect_prefetch(instance, sequence);
}

void instance_prefetch_contents(const struct instance *instance)
{
    for_ending(instance, fetch_owner);
    for_starting(instance, fetch_slots);
    kv_prefetch_victim(instance->pool);
}

static void fetch_path(const struct instance *instance, const struct sequence *sequence)
{
    kv_prefetch_path(instance->pool, &sequence->holder);
    if (sequence->state == SEQUENCE_DECODING) {
        sequence_heap_prefetch_item(&instance->decoding, sequence->index);
    }
}

static void fetch_nodes(const struct instance *instance, const struct sequence *sequence)
{
    kv_prefetch_nodes(instance->pool, sequence->content);
}

static void fetch_neighbours(const struct instance *instance, const struct sequence *sequence)
{
    kv_prefetch_neighbours(instance->pool, sequence->content);
}

void instance_prefetch_neighbours(const struct instance *instance)
{
    for_starting(instance, fetch_neighbours);
}

void instance_prefetch_nodes(const struct instance *instance)
{
    for_ending(instance, fetch_path);
    for_starting(instance, fetch_nodes);
}
