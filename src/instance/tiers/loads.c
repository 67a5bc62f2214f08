#include "instance/evictions.h"
#include "instance/tiers/transfers.h"

struct tier_hit engine_find_below(struct instance *instance, struct content content, uint32_t n_tokens,
                                  uint32_t n_tiers)
{
    struct node *node = instance->node;
    struct tier_hit found = {.tier = ASIM_NONE};
    for (uint32_t tier = 0; tier < n_tiers; tier++) {
        uint32_t blocks = kv_lookup(node_pool(node, instance->place, tier), content, n_tokens).blocks;
        blocks -= blocks % node->plan->chunk_blocks;
        if (blocks > found.blocks) {
            found = (struct tier_hit){.tier = tier, .blocks = blocks};
        }
    }
    return found;
}

/* What `found` says is held in its tier. */
static struct transfer *open_load(struct instance *instance, enum transfer_kind kind, uint64_t program,
                                  struct content content, struct tier_hit found)
{
    struct node *node = instance->node;
    struct kv_pool *tier = node_pool(node, instance->place, found.tier);
    struct transfer *transfer =
        node_open_transfer(node, kind, instance->place, found.tier, ASIM_NONE, program, content, found.blocks);
    kv_touch(tier, &transfer->source, content, kv_find(tier, content, found.blocks));
    kv_use(tier, &transfer->source);
    return transfer;
}

void engine_use_tiers(struct instance *instance, const struct sequence *sequence)
{
    struct node *node = instance->node;
    for (uint32_t tier = 0; tier < node->plan->n_tiers; tier++) {
        struct kv_pool *pool = node_pool(node, instance->place, tier);
        if (node->plan->tiers[tier].has_arc) {
            const struct kv_hit hit = kv_lookup(pool, sequence->content, sequence->n_tokens);
            kv_touch(pool, &node->scratch, sequence->content, hit);
            kv_use(pool, &node->scratch);
            kv_release(pool, &node->scratch);
        }
    }
}

/* ---- for a turn that waits ---- */

void engine_load(struct instance *instance, struct sequence *sequence, struct kv_hit hit, struct tier_hit found,
                 simtime now)
{
    struct guest *guest = residency_guest(instance->residency, sequence);
    kv_touch(instance->pool, &sequence->holder, sequence->content, hit);
    kv_alloc(instance->pool, &sequence->holder, found.blocks - hit.blocks);
    guest->is_loading = true;
    if (!sequence->was_admitted) {
        evictions_note_prompt(instance, sequence, hit.blocks);
        guest->loaded_toks = (found.blocks - hit.blocks) * instance->config->block_size;
        guest->loaded_from = (uint8_t)found.tier;
    }
    instance->residency->n_loading++;
    struct transfer *transfer = open_load(instance, TRANSFER_LOAD, sequence->program, sequence->content, found);
    transfer->sequence = sequence;
    node_begin_transfer(instance->node, transfer, found.blocks - hit.blocks, now);
    residency_renew_timer(instance);
}

void node_end_load(struct node *node, struct transfer *transfer, simtime now)
{
    struct instance *instance = node->members[transfer->member];
    struct sequence *sequence = transfer->sequence;
    struct guest *guest = residency_guest(instance->residency, sequence);
    evictions_note_arrival(instance, &sequence->holder, sequence->content, transfer->blocks);
    kv_hash(instance->pool, &sequence->holder, sequence->content, transfer->blocks);
    guest->is_loading = false;
    instance->residency->n_loading--;
    instance->residency->counters.stalled_block_ps +=
        transfer->blocks * (unsigned __int128)(now - transfer->begun); /* all its blocks, found ones too */
    kv_release(node_pool(node, transfer->member, transfer->from), &transfer->source);
}

bool engine_take_back(struct instance *instance, const struct sequence *sequence, bool by_running)
{
    if (!instance->node || !engine_stands_still(instance, by_running) || engine_awaits_blocks(instance)) {
        return false;
    }
    for (struct sequence *last = instance->waiting.tail; last; last = last->previous) {
        if (last != sequence && last->holder.hashed_blocks) {
            kv_release(instance->pool, &last->holder);
            instance->head_blocked = false;
            return true;
        }
    }
    return false;
}

/* ---- for a program between turns ---- */

void engine_prefetch_program(struct instance *instance, struct resident *resident, simtime now)
{
    struct node *node = instance->node;
    const struct content content = extent_list_content(&resident->content);
    if (resident->holder.hashed_blocks || resident->is_coming) {
        return;
    }
    struct tier_hit found;
    struct kv_hit hit;
    for (;;) { /* what makes room may push out what was found */
        found = engine_find_below(instance, content, content.n_tokens, node->plan->n_tiers);
        hit = kv_lookup(instance->pool, content, content.n_tokens);
        if (found.blocks <= hit.blocks) {
            return;
        }
        const uint32_t needed = found.blocks - hit.blocks + hit.free_blocks;
        if (needed <= kv_free(instance->pool)) {
            break;
        }
        if (!engine_find_blocks(instance, needed, false, resident->program, now)) {
            return;
        }
    }
    resident->is_coming = true;
    evictions_note_return(instance, content, found.blocks, hit.blocks);
    struct transfer *transfer = open_load(instance, TRANSFER_PREFETCH, resident->program, content, found);
    node_take_target(node, transfer, hit);
    node_begin_transfer(node, transfer, found.blocks - hit.blocks, now);
    residency_renew_timer(instance);
}

void node_end_prefetch(struct node *node, struct transfer *transfer, simtime now)
{
    struct instance *instance = node->members[transfer->member];
    const struct content content = extent_list_content(&transfer->content);
    evictions_note_arrival(instance, &transfer->target, content, transfer->blocks);
    kv_hash(instance->pool, &transfer->target, content, transfer->blocks);
    struct resident *resident = residency_find(instance->residency, transfer->program);
    if (resident && resident->is_coming) {
        residency_give(instance, resident, &transfer->target, now);
    } else {
        kv_release(instance->pool, &transfer->target); /* it did not wait */
    }
    kv_release(node_pool(node, transfer->member, transfer->from), &transfer->source);
}
