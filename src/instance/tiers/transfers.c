#include "instance/tiers/transfers.h"

#include "base/mem.h"

/* ---- records ---- */

struct transfer *node_take_transfer(struct node *node)
{
    if (node->n_free_tags) {
        return node->transfers[node->free_tags[--node->n_free_tags]];
    }
    node->transfers =
        mem_grow(node->transfers, &node->transfer_capacity, node->n_transfers + 1, sizeof(struct transfer *));
    struct transfer *transfer = mem_zalloc(sizeof *transfer);
    extent_list_init(&transfer->content);
    transfer->tag = (uint32_t)node->n_transfers;
    node->transfers[node->n_transfers++] = transfer;
    return transfer;
}

void node_close_transfer(struct node *node, struct transfer *transfer)
{
    transfer->is_live = false;
    node->free_tags =
        mem_grow(node->free_tags, &node->free_tag_capacity, node->n_free_tags + 1, sizeof *node->free_tags);
    node->free_tags[node->n_free_tags++] = transfer->tag;
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

struct transfer *node_open_transfer(struct node *node, enum transfer_kind kind, uint32_t member, uint32_t from,
                                    uint32_t to, uint64_t program, struct content content, uint32_t blocks)
{
    struct transfer *transfer = node_take_transfer(node);
    copy_content(&transfer->content, content, blocks * node->block_size);
    transfer->kind = kind;
    transfer->is_live = true;
    transfer->waits = false;
    transfer->member = member;
    transfer->from = from;
    transfer->to = to;
    transfer->after = ASIM_NONE;
    transfer->blocks = blocks;
    transfer->lasting = 0;
    transfer->moving = 0;
    transfer->begun = 0;
    transfer->program = program;
    transfer->sequence = NULL;
    return transfer;
}

void node_take_target(struct node *node, struct transfer *transfer, struct kv_hit there)
{
    struct kv_pool *target = node_pool(node, transfer->member, transfer->to);
    const struct content content = extent_list_content(&transfer->content);
    kv_touch(target, &transfer->target, content, there);
    kv_expect(target, content, there.blocks, transfer->blocks);
    kv_alloc(target, &transfer->target, transfer->blocks - there.blocks);
}

/* ---- links ---- */

static uint32_t written_link(const struct tier_plan *plan, uint32_t tier, uint32_t member)
{
    return 2 * plan->node_instances + 2 * tier_pool(plan, tier, member);
}

static uint32_t read_link(const struct tier_plan *plan, uint32_t tier, uint32_t member)
{
    return written_link(plan, tier, member) + (plan->tiers[tier].is_duplex ? 1 : 0);
}

struct network_transfer node_flow(const struct node *node, const struct transfer *transfer, uint32_t path[2])
{
    const struct tier_plan *plan = node->plan;
    uint32_t lane = NETWORK_NO_LANE;
    if (transfer->from == ASIM_NONE) {
        path[0] = lane = 2 * transfer->member;
        path[1] = written_link(plan, transfer->to, transfer->member);
    } else if (transfer->to == ASIM_NONE) {
        path[0] = lane = 2 * transfer->member + 1;
        path[1] = read_link(plan, transfer->from, transfer->member);
    } else {
        path[0] = read_link(plan, transfer->from, transfer->member);
        path[1] = written_link(plan, transfer->to, transfer->member);
    }
    return (struct network_transfer){
        .path = path, .n_path = 2, .lane = lane, .bytes = transfer->moving * plan->block_bytes, .tag = transfer->tag};
}

void node_begin_transfer(struct node *node, struct transfer *transfer, uint32_t moving, simtime now)
{
    struct residency_counters *counters = &node->members[transfer->member]->residency->counters;
    uint32_t path[2];
    transfer->moving = moving;
    transfer->waits = false;
    transfer->begun = now;
    const struct network_transfer flow = node_flow(node, transfer, path);
    transfer->flow = network_start(node->network, now, &flow);
    counters->moved[transfer->kind].transfers++;
    counters->moved[transfer->kind].blocks += moving;
    if (transfer->to == ASIM_NONE) {
        counters->loaded_blocks[transfer->from] += moving;
    }
}

/* ---- time ---- */

static void end_transfer(struct node *node, struct transfer *transfer, simtime now)
{
    struct instance *instance = node->members[transfer->member];
    switch (transfer->kind) {
    case TRANSFER_STORE:
    case TRANSFER_COPY:
        node_end_store(node, transfer, now);
        break;
    case TRANSFER_LOAD:
        node_end_load(node, transfer, now);
        break;
    case TRANSFER_PREFETCH:
        node_end_prefetch(node, transfer, now);
        break;
    default:
        node_end_raise(node, transfer);
    }
    node_resume_stores(node, transfer, now);
    node_close_transfer(node, transfer);
    instance->head_blocked = false;
    engine_wake(instance, now);
}

void node_pass(struct node *node, simtime now)
{
    const struct network_end *ends;
    const size_t n = network_advance(node->network, now, &ends);
    for (size_t i = 0; i < n; i++) { /* what starts now leaves them alone */
        end_transfer(node, node->transfers[ends[i].tag], now);
    }
    for (size_t i = 0; i < node->n_members; i++) { /* what they had planned for may be over */
        residency_renew_timer(node->members[i]);
    }
}

simtime node_next(const struct node *node)
{
    return network_next(node->network);
}

/* ---- what is on its way ---- */

/* A store of KV of the instance, under way or waiting. */
static bool is_store_of(const struct transfer *transfer, const struct instance *instance)
{
    return transfer->is_live && transfer->kind == TRANSFER_STORE && transfer->member == instance->place;
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
    return instance->n_leavers > 0 || engine_blocks_leaving(instance) > 0;
}

simtime engine_copies_end(const struct instance *instance, simtime now)
{
    const struct node *node = instance->node;
    simtime end = now;
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        const bool touches_hbm = transfer->from == ASIM_NONE || transfer->to == ASIM_NONE;
        if (transfer_moves(transfer) && transfer->member == instance->place && touches_hbm) {
            const uint64_t left = transfer_bytes_left(node, transfer);
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
        if (is_store_of(transfer, instance)) {
            blocks += kv_private_blocks(instance->pool, &transfer->source);
        }
    }
    return blocks;
}

bool engine_is_storing(const struct instance *instance, uint64_t program)
{
    const struct node *node = instance->node;
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (is_store_of(transfer, instance) && transfer->program == program) {
            return true;
        }
    }
    return false;
}

uint32_t engine_private_blocks(const struct instance *instance, const struct kv_holder *holder)
{
    const struct node *node = instance->node;
    const struct kv_holder **stores = NULL;
    size_t capacity = 0;
    size_t n = 0;
    for (size_t i = 0; node && i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (is_store_of(transfer, instance)) {
            stores = mem_grow(stores, &capacity, n + 1, sizeof *stores);
            stores[n++] = &transfer->source;
        }
    }
    const uint32_t blocks = kv_private_beside(instance->pool, holder, stores, n);
    mem_free(stores);
    return blocks;
}
