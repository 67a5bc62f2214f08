#include "instance/transfers.h"

#include "base/mem.h"

#include <assert.h>

/* ---- records ---- */

uint32_t node_take_tag(struct node *node)
{
    if (node->n_free_tags) {
        return node->free_tags[--node->n_free_tags];
    }
    node->transfers =
        mem_grow(node->transfers, &node->transfer_capacity, node->n_transfers + 1, sizeof(struct transfer *));
    struct transfer *transfer = mem_zalloc(sizeof *transfer);
    extent_list_init(&transfer->content);
    node->transfers[node->n_transfers] = transfer;
    return (uint32_t)node->n_transfers++;
}

static void give_tag(struct node *node, uint32_t tag)
{
    node->transfers[tag]->is_live = false;
    node->free_tags =
        mem_grow(node->free_tags, &node->free_tag_capacity, node->n_free_tags + 1, sizeof *node->free_tags);
    node->free_tags[node->n_free_tags++] = tag;
}

/* The first `n_tokens` tokens. */
static void copy_content(struct extent_list *list, struct content content, uint32_t n_tokens)
{
    list->n = 0;
    list->n_tokens = 0;
    for (uint32_t i = 0; i < content.n_extents && list->n_tokens < n_tokens; i++) {
        extent_list_append(list, content.extents[i]);
    }
    extent_list_cut(list, n_tokens);
}

/* Leading blocks of the content that a pool has, up to `blocks`. The last one counts as missing when the content has no
 * token beyond it. */
static struct kv_hit find(struct kv_pool *pool, struct content content, uint32_t blocks, uint32_t block_size)
{
    const uint64_t wanted = (uint64_t)blocks * block_size + 1;
    return kv_lookup(pool, content, wanted < content.n_tokens ? (uint32_t)wanted : content.n_tokens);
}

/* ---- links ---- */

static uint32_t written_link(const struct tier_plan *plan, uint32_t tier)
{
    return 2 * plan->node_instances + 2 * tier;
}

static uint32_t read_link(const struct tier_plan *plan, uint32_t tier)
{
    return written_link(plan, tier) + (plan->tiers[tier].is_duplex ? 1 : 0);
}

struct network_transfer node_flow(const struct node *node, uint32_t tag, uint32_t path[2])
{
    const struct tier_plan *plan = node->plan;
    const struct transfer *transfer = node->transfers[tag];
    uint32_t lane = NETWORK_NO_LANE;
    if (transfer->from == ASIM_NONE) {
        path[0] = lane = 2 * transfer->member;
        path[1] = written_link(plan, transfer->to);
    } else if (transfer->to == ASIM_NONE) {
        path[0] = lane = 2 * transfer->member + 1;
        path[1] = read_link(plan, transfer->from);
    } else {
        path[0] = read_link(plan, transfer->from);
        path[1] = written_link(plan, transfer->to);
    }
    return (struct network_transfer){
        .path = path, .n_path = 2, .lane = lane, .bytes = transfer->moving * plan->block_bytes, .tag = tag};
}

static void start_flow(struct node *node, uint32_t tag, uint32_t blocks, simtime now)
{
    uint32_t path[2];
    node->transfers[tag]->moving = blocks;
    const struct network_transfer flow = node_flow(node, tag, path);
    node->transfers[tag]->flow = network_start(node->network, now, &flow);
}

/* ---- stores ---- */

/* Tiers have other content than before: turns that wait may find more or less there. */
static void note_tiers(struct node *node)
{
    for (size_t i = 0; i < node->n_members; i++) {
        node->members[i]->head_blocked = false;
    }
}

/* What `from` has of the content goes to `to`; false when there is nothing to do or no room. */
static bool start_store(struct node *node, uint32_t member, uint32_t from, uint32_t to, uint64_t program,
                        struct content content, uint32_t blocks, bool keeps_source, simtime now)
{
    struct kv_pool *source = node_pool(node, member, from);
    struct kv_pool *target = node_pool(node, member, to);
    struct residency_counters *counters = &node->members[member]->residency->counters;
    const struct kv_hit there = find(target, content, blocks, node->block_size);
    if (there.blocks >= blocks) {
        return false;
    }
    const struct kv_hit here = find(source, content, blocks, node->block_size);
    blocks = here.blocks < blocks ? here.blocks : blocks;
    if (there.blocks >= blocks) {
        return false;
    }
    const uint32_t missing = blocks - there.blocks;
    if (missing + there.free_blocks > kv_free(target)) {
        counters->stores_refused++;
        return false;
    }
    const uint32_t tag = node_take_tag(node);
    struct transfer *transfer = node->transfers[tag];
    copy_content(&transfer->content, content, blocks * node->block_size);
    transfer->kind = from == ASIM_NONE ? TRANSFER_STORE : TRANSFER_COPY;
    transfer->is_live = true;
    transfer->member = member;
    transfer->from = from;
    transfer->to = to;
    transfer->blocks = blocks;
    transfer->program = program;
    transfer->sequence = NULL;
    if (keeps_source) {
        kv_touch(source, &transfer->source, content, here);
    }
    kv_touch(target, &transfer->target, content, there);
    kv_alloc(target, &transfer->target, missing);
    note_tiers(node);
    counters->moved[from == ASIM_NONE ? MOVED_OUT : MOVED_DOWN].transfers++;
    counters->moved[from == ASIM_NONE ? MOVED_OUT : MOVED_DOWN].blocks += missing;
    start_flow(node, tag, missing, now);
    return true;
}

bool engine_store(struct instance *instance, uint64_t program, struct content content, uint32_t blocks,
                  bool keeps_source, simtime now)
{
    struct node *node = instance->node;
    blocks -= blocks % node->plan->chunk_blocks;
    const bool started =
        blocks && start_store(node, instance->place, ASIM_NONE, 0, program, content, blocks, keeps_source, now);
    residency_renew_timer(instance);
    return started;
}

void engine_send_away(struct instance *instance, struct resident *resident, simtime now)
{
    if (instance->node && resident->blocks && !resident->is_offloading) {
        resident->is_offloading = engine_store(instance, resident->program, extent_list_content(&resident->content),
                                               resident->blocks, true, now);
        residency_vacate(instance, resident, now);
    }
}

static void end_store(struct node *node, struct transfer *transfer, simtime now)
{
    const struct content content = extent_list_content(&transfer->content);
    struct kv_pool *target = node_pool(node, transfer->member, transfer->to);
    kv_hash(target, &transfer->target, content, transfer->blocks);
    note_tiers(node);
    kv_release(target, &transfer->target);
    kv_release(node_pool(node, transfer->member, transfer->from), &transfer->source);
    if (transfer->kind == TRANSFER_STORE) {
        engine_stored(node->members[transfer->member], transfer->program, now);
    }
    if (transfer->to + 1 < node->plan->n_tiers) {
        start_store(node, transfer->member, transfer->to, transfer->to + 1, transfer->program, content,
                    transfer->blocks, true, now);
    }
}

/* ---- loads ---- */

struct tier_hit engine_find_below(struct instance *instance, struct content content, uint32_t n_tokens)
{
    struct node *node = instance->node;
    struct tier_hit found = {.tier = ASIM_NONE};
    for (uint32_t tier = 0; tier < node->plan->n_tiers; tier++) {
        uint32_t blocks = kv_lookup(node->pools[tier], content, n_tokens).blocks;
        blocks -= blocks % node->plan->chunk_blocks;
        if (blocks > found.blocks) {
            found = (struct tier_hit){.tier = tier, .blocks = blocks};
        }
    }
    return found;
}

static struct transfer *start_load(struct node *node, uint32_t member, uint64_t program, struct content content,
                                   struct tier_hit found, uint32_t present, enum transfer_kind kind, simtime now)
{
    const uint32_t tag = node_take_tag(node);
    struct transfer *transfer = node->transfers[tag];
    copy_content(&transfer->content, content, found.blocks * node->block_size);
    transfer->kind = kind;
    transfer->is_live = true;
    transfer->member = member;
    transfer->from = found.tier;
    transfer->to = ASIM_NONE;
    transfer->blocks = found.blocks;
    transfer->program = program;
    transfer->sequence = NULL;
    kv_touch(node->pools[found.tier], &transfer->source, content,
             find(node->pools[found.tier], content, found.blocks, node->block_size));
    struct residency_counters *counters = &node->members[member]->residency->counters;
    const uint32_t blocks = found.blocks - present;
    counters->moved[kind == TRANSFER_LOAD ? MOVED_IN : MOVED_AHEAD].transfers++;
    counters->moved[kind == TRANSFER_LOAD ? MOVED_IN : MOVED_AHEAD].blocks += blocks;
    counters->loaded_blocks[found.tier] += blocks;
    start_flow(node, tag, blocks, now);
    return transfer;
}

void engine_load(struct instance *instance, struct sequence *sequence, struct kv_hit hit, struct tier_hit found,
                 simtime now)
{
    struct guest *guest = residency_guest(instance->residency, sequence);
    kv_touch(instance->pool, &sequence->holder, sequence->content, hit);
    kv_alloc(instance->pool, &sequence->holder, found.blocks - hit.blocks);
    guest->is_loading = true;
    if (!sequence->was_admitted) {
        guest->loaded_toks = (found.blocks - hit.blocks) * instance->config->block_size;
        guest->loaded_from = (uint8_t)found.tier;
    }
    instance->residency->n_loading++;
    start_load(instance->node, instance->place, sequence->program, sequence->content, found, hit.blocks, TRANSFER_LOAD,
               now)
        ->sequence = sequence;
    residency_renew_timer(instance);
}

static void end_load(struct instance *instance, struct transfer *transfer)
{
    struct sequence *sequence = transfer->sequence;
    struct guest *guest = residency_guest(instance->residency, sequence);
    kv_hash(instance->pool, &sequence->holder, sequence->content, transfer->blocks);
    guest->is_loading = false;
    instance->residency->n_loading--;
}

bool engine_awaits_blocks(const struct instance *instance)
{
    const struct node *node = instance->node;
    for (size_t i = 0; node && i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (transfer->is_live && transfer->member == instance->place && transfer->to == ASIM_NONE) {
            return true;
        }
    }
    return engine_blocks_leaving(instance) > 0;
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
        found = engine_find_below(instance, content, content.n_tokens);
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
    const uint32_t blocks = found.blocks - hit.blocks;
    resident->is_coming = true;
    struct transfer *transfer =
        start_load(node, instance->place, resident->program, content, found, hit.blocks, TRANSFER_PREFETCH, now);
    kv_touch(instance->pool, &transfer->target, content, hit);
    kv_alloc(instance->pool, &transfer->target, blocks);
    residency_renew_timer(instance);
}

static void end_prefetch(struct instance *instance, struct transfer *transfer, simtime now)
{
    kv_hash(instance->pool, &transfer->target, extent_list_content(&transfer->content), transfer->blocks);
    struct resident *resident = residency_find(instance->residency, transfer->program);
    if (resident && resident->is_coming) {
        residency_give(instance, resident, &transfer->target, now);
    } else {
        kv_release(instance->pool, &transfer->target); /* it did not wait */
    }
}

/* ---- time ---- */

static void end_transfer(struct node *node, uint32_t tag, simtime now)
{
    struct transfer *transfer = node->transfers[tag];
    struct instance *instance = node->members[transfer->member];
    switch (transfer->kind) {
    case TRANSFER_STORE:
    case TRANSFER_COPY:
        end_store(node, transfer, now);
        break;
    case TRANSFER_LOAD:
        end_load(instance, transfer);
        kv_release(node->pools[transfer->from], &transfer->source);
        break;
    default:
        end_prefetch(instance, transfer, now);
        kv_release(node->pools[transfer->from], &transfer->source);
    }
    give_tag(node, tag);
    instance->head_blocked = false;
    engine_wake(instance, now);
}

void node_pass(struct node *node, simtime now)
{
    const struct network_end *ends;
    const size_t n = network_advance(node->network, now, &ends);
    for (size_t i = 0; i < n; i++) { /* what starts now leaves them alone */
        end_transfer(node, (uint32_t)ends[i].tag, now);
    }
    for (size_t i = 0; i < node->n_members; i++) { /* what they had planned for may be over */
        residency_renew_timer(node->members[i]);
    }
}

simtime node_next(const struct node *node)
{
    return network_next(node->network);
}

simtime engine_copies_end(const struct instance *instance, simtime now)
{
    const struct node *node = instance->node;
    simtime end = now;
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (transfer->is_live && transfer->member == instance->place && transfer->kind != TRANSFER_COPY) {
            const uint64_t bytes = transfer->moving * node->plan->block_bytes;
            const uint64_t left = bytes - network_flow_moved(node->network, transfer->flow);
            const bool out = transfer->kind == TRANSFER_STORE;
            end += (simtime)((unsigned __int128)left * SIMTIME_S /
                             (out ? node->plan->out_bandwidth : node->plan->in_bandwidth));
        }
    }
    return end;
}

uint32_t engine_blocks_leaving(const struct instance *instance)
{
    const struct node *node = instance->node;
    uint32_t blocks = 0;
    for (size_t i = 0; node && i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (transfer->is_live && transfer->member == instance->place && transfer->kind == TRANSFER_STORE) {
            blocks += kv_private_blocks(instance->pool, &transfer->source);
        }
    }
    return blocks;
}
