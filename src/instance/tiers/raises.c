/* What only storage has of a prompt is brought up to host memory while its turn waits, as SGLang's HiCache does: it
 * begins when the turn arrives, and is cut short when the turn's time has come, if it may be. */
#include "instance/tiers/transfers.h"

#include <assert.h>

/* Leading blocks of the prompt that need no raise, here or soon in the first tier. */
static uint32_t blocks_above(const struct instance *instance, const struct sequence *sequence, uint32_t wanted)
{
    const struct node *node = instance->node;
    uint32_t most = kv_lookup(instance->pool, sequence->content, sequence->n_tokens).blocks;
    for (uint32_t tier = 0; tier < node->plan->storage; tier++) {
        const uint32_t blocks =
            kv_lookup(node_pool(node, instance->place, tier), sequence->content, sequence->n_tokens).blocks;
        most = blocks > most ? blocks : most;
    }
    const struct kv_pool *first = node_pool(node, instance->place, 0);
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (transfer_moves(transfer) && node_pool(node, transfer->member, transfer->to) == first) {
            const uint32_t blocks = node_blocks_in_common(node, transfer, sequence->content, wanted);
            most = blocks > most ? blocks : most;
        }
    }
    return most;
}

/* When a raise of so many tokens that begins now is cut short. */
static simtime limit_of(const struct tier_plan *plan, uint32_t toks, simtime now)
{
    if (plan->raise_stop != RAISE_TIMEOUT) {
        return SIMTIME_NEVER;
    }
    const __int128 limit = (__int128)now + plan->raise_timeout + (__int128)plan->raise_timeout_per_ktok * toks / 1000;
    return limit < SIMTIME_NEVER ? (simtime)limit : SIMTIME_NEVER;
}

void engine_raise(struct instance *instance, struct sequence *sequence, simtime now)
{
    struct node *node = instance->node;
    const struct tier_plan *plan = node->plan;
    if (plan->storage >= plan->n_tiers) {
        return;
    }
    struct kv_pool *storage = node_pool(node, instance->place, plan->storage);
    uint32_t found = kv_lookup(storage, sequence->content, sequence->n_tokens).blocks;
    found -= found % plan->chunk_blocks;
    const uint32_t above = blocks_above(instance, sequence, found);
    const uint32_t missing_toks = found > above ? (found - above) * node->block_size : 0;
    if (!missing_toks || missing_toks < plan->least_raise_toks) {
        return;
    }
    struct kv_pool *first = node_pool(node, instance->place, 0);
    const struct kv_hit there = kv_find(first, sequence->content, found);
    if (found - there.blocks + there.free_blocks > kv_free(first)) {
        return;
    }
    struct transfer *transfer = node_open_transfer(node, TRANSFER_RAISE, instance->place, plan->storage, 0,
                                                   sequence->program, sequence->content, found);
    kv_touch(storage, &transfer->source, sequence->content, kv_find(storage, sequence->content, found));
    kv_use(storage, &transfer->source);
    node_take_target(node, transfer, there);
    node_note_tiers(node);
    node_begin_transfer(node, transfer, found - there.blocks, now);
    transfer->sequence = sequence;
    struct guest *guest = residency_guest(instance->residency, sequence);
    guest->is_raising = true;
    guest->raise = transfer->tag;
    guest->raise_until = limit_of(plan, missing_toks, now);
    instance->residency->n_raising++;
}

/* The first tier has the first `blocks` blocks now, and the turn has no time limit any more. */
static void close_raise(struct node *node, struct transfer *transfer, uint32_t blocks)
{
    struct instance *instance = node->members[transfer->member];
    struct kv_pool *target = node_pool(node, transfer->member, transfer->to);
    kv_hash(target, &transfer->target, extent_list_content(&transfer->content), blocks);
    kv_release(target, &transfer->target);
    kv_release(node_pool(node, transfer->member, transfer->from), &transfer->source);
    transfer->is_live = false;
    node_note_tiers(node);
    residency_guest(instance->residency, transfer->sequence)->is_raising = false;
    instance->residency->n_raising--;
    residency_set_timer(instance);
}

void node_end_raise(struct node *node, struct transfer *transfer)
{
    close_raise(node, transfer, transfer->blocks);
}

void engine_stop_raise(struct instance *instance, const struct sequence *sequence, simtime now)
{
    struct node *node = instance->node;
    struct transfer *transfer = node->transfers[residency_guest(instance->residency, sequence)->raise];
    struct residency_counters *counters = &instance->residency->counters;
    assert(transfer->kind == TRANSFER_RAISE && transfer->sequence == sequence);
    const uint64_t bytes = network_cancel(node->network, now, transfer->flow);
    const uint32_t whole = (uint32_t)(bytes / node->plan->block_bytes);
    counters->moved[TRANSFER_RAISE].blocks -= transfer->moving - whole;
    counters->cut_bytes += bytes - whole * node->plan->block_bytes;
    close_raise(node, transfer, transfer->blocks - transfer->moving + whole);
    node_resume_stores(node, transfer, now);
    node_close_transfer(node, transfer);
    residency_renew_timer(instance);
}

bool engine_awaits_raise(const struct instance *instance, const struct sequence *sequence)
{
    return instance->node && instance->node->plan->raise_stop != RAISE_BEST_EFFORT &&
           residency_guest(instance->residency, sequence)->is_raising;
}

uint32_t engine_awaiting_raises(const struct instance *instance)
{
    const struct node *node = instance->node;
    return node && node->plan->raise_stop != RAISE_BEST_EFFORT ? instance->residency->n_raising : 0;
}

simtime engine_next_raise_stop(const struct instance *instance)
{
    const struct residency *residency = instance->residency;
    simtime first = SIMTIME_NEVER;
    const struct sequence *sequence = residency->n_raising ? instance->waiting.head : NULL;
    for (; sequence; sequence = sequence->next) {
        const struct guest *guest = residency_guest(residency, sequence);
        if (guest->is_raising && guest->raise_until < first) {
            first = guest->raise_until;
        }
    }
    return first;
}

void engine_stop_late_raises(struct instance *instance, simtime now)
{
    const struct residency *residency = instance->residency;
    const struct sequence *sequence = residency->n_raising ? instance->waiting.head : NULL;
    for (; sequence; sequence = sequence->next) {
        const struct guest *guest = residency_guest(residency, sequence);
        if (guest->is_raising && guest->raise_until <= now) {
            engine_stop_raise(instance, sequence, now);
        }
    }
}
