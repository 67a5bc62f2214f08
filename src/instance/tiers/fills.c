#include "instance/tiers/fills.h"

#include "base/mem.h"
#include "instance/tiers/transfers.h"

#include <assert.h>
#include <stdlib.h>

void engine_open_fills(struct instance *instance)
{
    const struct tier_plan *plan = instance->node ? instance->node->plan : NULL;
    if (!plan || (plan->engine != OFFLOAD_WRITE_THROUGH && plan->engine != OFFLOAD_PROMPTS)) {
        return;
    }
    struct fills *fills = mem_zalloc(sizeof *fills);
    fills->chunk_toks = plan->chunk_blocks * instance->config->block_size;
    fills->has_outputs = plan->engine == OFFLOAD_WRITE_THROUGH;
    sequence_heap_init(&fills->next);
    instance->fills = fills;
}

void engine_close_fills(struct instance *instance)
{
    if (instance->fills) {
        sequence_heap_fini(&instance->fills->next);
        for (uint32_t i = 0; i < ENGINE_MAX_DEPTH; i++) {
            mem_free(instance->fills->batches[i].items);
        }
        mem_free(instance->fills);
    }
}

void fill_list_add(struct fill_list *list, struct sequence *sequence, uint32_t blocks)
{
    list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
    list->items[list->n++] = (struct fill){.sequence = sequence, .blocks = blocks};
}

static struct fill_list *list_of(const struct instance *instance, const struct batch *batch)
{
    return &instance->fills->batches[batch - instance->batches];
}

bool engine_batch_fills(const struct instance *instance, const struct batch *batch)
{
    return instance->fills && list_of(instance, batch)->n > 0;
}

/* ---- who fills up what ---- */

/* The computed tokens at which the turn has its next whole chunk. */
static void enter_heap(struct instance *instance, const struct sequence *sequence)
{
    struct fills *fills = instance->fills;
    const uint32_t computed = engine_computed(instance, sequence);
    sequence_heap_enter(&fills->next, sequence->index,
                        instance->decode.clock + fills->chunk_toks - computed % fills->chunk_toks);
}

void engine_fills_enter(struct instance *instance, const struct sequence *sequence)
{
    if (instance->fills && instance->fills->has_outputs) {
        enter_heap(instance, sequence);
    }
}

void engine_fills_leave(struct instance *instance, const struct sequence *sequence)
{
    if (instance->fills && instance->fills->has_outputs) {
        sequence_heap_leave(&instance->fills->next, sequence->index);
    }
}

int64_t engine_next_fill(const struct instance *instance)
{
    return instance->fills ? instance->fills->next.first : INT64_MAX;
}

void engine_fill_decoded(struct instance *instance, const struct batch *batch)
{
    struct fills *fills = instance->fills;
    while (fills && fills->next.first <= instance->decode.clock) {
        struct sequence *sequence = sequence_pool_at(&instance->sequences, fills->next.items[0].sequence);
        const uint32_t computed = engine_computed(instance, sequence);
        assert(computed % fills->chunk_toks == 0);
        sequence_heap_leave(&fills->next, sequence->index);
        enter_heap(instance, sequence);
        fill_list_add(list_of(instance, batch), sequence, computed / instance->config->block_size);
    }
}

void engine_fill_computed(struct instance *instance, const struct batch *batch, struct sequence *sequence)
{
    const struct fills *fills = instance->fills;
    const uint32_t computed = (uint32_t)sequence->base;
    const uint32_t stored =
        fills && !fills->has_outputs && sequence->prompt_toks < computed ? sequence->prompt_toks : computed;
    if (fills && stored >= fills->chunk_toks) {
        fill_list_add(list_of(instance, batch), sequence, stored / instance->config->block_size);
    }
}

/* ---- a batch ends ---- */

static int by_stamp(const void *left, const void *right)
{
    const struct fill *a = left;
    const struct fill *b = right;
    return (a->sequence->stamp > b->sequence->stamp) - (a->sequence->stamp < b->sequence->stamp);
}

/* A turn that was preempted meanwhile has left the blocks to whoever finds them first, which may be itself: it has
 * computed less than that if it runs again. */
static void store(struct instance *instance, const struct fill *fill, simtime now)
{
    struct sequence *sequence = fill->sequence;
    if (sequence->state != SEQUENCE_WAITING &&
        engine_computed(instance, sequence) / instance->config->block_size >= fill->blocks) {
        engine_settle(instance, sequence);
        kv_hash(instance->pool, &sequence->holder, sequence->content, fill->blocks);
    }
    engine_store_more(instance, sequence, fill->blocks, now);
}

static void store_fills(struct instance *instance, struct fill_list *list, simtime now)
{
    if (list->n > 1) { /* in the order of the running list */
        qsort(list->items, list->n, sizeof *list->items, by_stamp);
    }
    for (size_t i = 0; i < list->n; i++) {
        store(instance, &list->items[i], now);
    }
    list->n = 0;
}

void engine_end_step(struct instance *instance, const struct batch *batch, simtime now)
{
    if (node_next(instance->node) <= now) {
        node_pass(instance->node, now); /* before something is started */
    }
    if (engine_batch_fills(instance, batch)) {
        store_fills(instance, list_of(instance, batch), now);
    }
}
