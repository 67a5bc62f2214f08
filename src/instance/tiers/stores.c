#include "instance/tiers/transfers.h"

void node_note_tiers(struct node *node)
{
    for (size_t i = 0; i < node->n_members; i++) {
        node->members[i]->head_blocked = false;
    }
}

/* What is to go from `from` to `to`. */
struct errand {
    uint32_t member, from, to;
    uint64_t program;
    struct content content;
    uint32_t blocks, lasting;
    bool keeps_source;
};

/* What can be done about an errand now. */
enum outlook { NOTHING_MISSING, NO_ROOM, MUST_WAIT, CAN_GO };

uint32_t node_blocks_in_common(const struct node *node, const struct transfer *transfer, struct content content,
                               uint32_t blocks)
{
    const uint32_t common = content_common_toks(extent_list_content(&transfer->content), content) / node->block_size;
    return common < blocks ? common : blocks;
}

/* The transfer that brings the target most of what it lacks; NULL: none does. */
static struct transfer *on_its_way(const struct node *node, const struct errand *errand, uint32_t there)
{
    const struct kv_pool *target = node_pool(node, errand->member, errand->to);
    struct transfer *most = NULL;
    uint32_t most_blocks = there;
    for (size_t i = 0; i < node->n_transfers; i++) {
        struct transfer *transfer = node->transfers[i];
        if (!transfer_moves(transfer) || node_pool(node, transfer->member, transfer->to) != target) {
            continue;
        }
        const uint32_t blocks = node_blocks_in_common(node, transfer, errand->content, errand->blocks);
        if (blocks > most_blocks) {
            most = transfer;
            most_blocks = blocks;
        }
    }
    return most;
}

static enum outlook outlook_of(struct node *node, const struct errand *errand, struct kv_hit *there,
                               struct transfer **awaited)
{
    struct kv_pool *target = node_pool(node, errand->member, errand->to);
    *there = kv_find(target, errand->content, errand->blocks);
    if (there->blocks >= errand->blocks) {
        return NOTHING_MISSING;
    }
    *awaited = errand->keeps_source ? on_its_way(node, errand, there->blocks) : NULL;
    if (*awaited) {
        return MUST_WAIT;
    }
    return errand->blocks - there->blocks + there->free_blocks > kv_free(target) ? NO_ROOM : CAN_GO;
}

static struct transfer *open_store(struct node *node, const struct errand *errand)
{
    const enum transfer_kind kind = errand->from == ASIM_NONE ? TRANSFER_STORE : TRANSFER_COPY;
    struct transfer *transfer = node_open_transfer(node, kind, errand->member, errand->from, errand->to,
                                                   errand->program, errand->content, errand->blocks);
    transfer->lasting = errand->lasting;
    if (errand->keeps_source) {
        struct kv_pool *source = node_pool(node, errand->member, errand->from);
        kv_touch(source, &transfer->source, errand->content, kv_find(source, errand->content, errand->blocks));
    }
    return transfer;
}

static void close_store(struct node *node, struct transfer *transfer)
{
    kv_release(node_pool(node, transfer->member, transfer->from), &transfer->source);
    node_close_transfer(node, transfer);
}

/* Holds the source until what is on its way has come; one of the program's that waits with less gives way. */
static void put_off(struct node *node, const struct errand *errand, const struct transfer *awaited)
{
    uint32_t lasting = errand->lasting;
    for (size_t i = 0; i < node->n_transfers; i++) {
        struct transfer *other = node->transfers[i];
        if (!other->is_live || !other->waits || other->program != errand->program || other->member != errand->member ||
            other->to != errand->to) {
            continue;
        }
        const uint32_t common = node_blocks_in_common(node, other, errand->content, errand->blocks);
        if (common == errand->blocks) { /* it waits for that and more */
            other->lasting = lasting > other->lasting ? lasting : other->lasting;
            return;
        }
        if (common == other->blocks) {
            lasting = lasting > other->lasting ? lasting : other->lasting;
            close_store(node, other);
        }
    }
    struct transfer *transfer = open_store(node, errand);
    transfer->lasting = lasting;
    transfer->waits = true;
    transfer->after = awaited->tag;
}

/* What `from` has of the content goes to `to`. */
static enum outlook start_store(struct node *node, struct errand errand, simtime now)
{
    const struct kv_hit here = kv_find(node_pool(node, errand.member, errand.from), errand.content, errand.blocks);
    errand.blocks = here.blocks;
    struct kv_hit there;
    struct transfer *awaited;
    const enum outlook outlook = outlook_of(node, &errand, &there, &awaited);
    if (outlook == NO_ROOM) {
        node->members[errand.member]->residency->counters.stores_refused++;
    } else if (outlook == MUST_WAIT) {
        put_off(node, &errand, awaited);
    } else if (outlook == CAN_GO) {
        struct transfer *transfer = open_store(node, &errand);
        node_take_target(node, transfer, there);
        node_note_tiers(node);
        node_begin_transfer(node, transfer, errand.blocks - there.blocks, now);
    }
    return outlook;
}

static enum outlook store_chunks(struct instance *instance, uint64_t program, struct content content, uint32_t blocks,
                                 uint32_t lasting, bool keeps_source, simtime now)
{
    struct node *node = instance->node;
    blocks -= blocks % node->plan->chunk_blocks;
    const struct errand errand = {.member = instance->place,
                                  .from = ASIM_NONE,
                                  .to = 0,
                                  .program = program,
                                  .content = content,
                                  .blocks = blocks,
                                  .lasting = lasting,
                                  .keeps_source = keeps_source};
    const enum outlook outlook = blocks ? start_store(node, errand, now) : NOTHING_MISSING;
    residency_renew_timer(instance);
    return outlook;
}

bool engine_store(struct instance *instance, uint64_t program, struct content content, uint32_t blocks,
                  uint32_t lasting, bool keeps_source, simtime now)
{
    const enum outlook outlook = store_chunks(instance, program, content, blocks, lasting, keeps_source, now);
    return outlook == MUST_WAIT || outlook == CAN_GO;
}

/* The first tier of the member has the first `blocks` blocks of the content, or will have. */
static bool has_or_gets(struct node *node, uint32_t member, struct content content, uint32_t blocks)
{
    struct kv_pool *first = node_pool(node, member, 0);
    bool has = kv_find(first, content, blocks).blocks >= blocks;
    for (size_t i = 0; i < node->n_transfers && !has; i++) {
        const struct transfer *transfer = node->transfers[i];
        has = transfer->is_live && node_pool(node, transfer->member, transfer->to) == first &&
              node_blocks_in_common(node, transfer, content, blocks) >= blocks;
    }
    return has;
}

/* vLLM sends each block once: what the tier has given up meanwhile, and with it what follows, is not sent again.
 * LMCache stores what follows all the same, which takes room that nobody can use; a tier holds no such blocks here, so
 * what it lacks goes with them. */
void engine_store_more(struct instance *instance, const struct sequence *sequence, uint32_t blocks, simtime now)
{
    struct guest *guest = residency_guest(instance->residency, sequence);
    const bool once = instance->node->plan->engine == OFFLOAD_WRITE_THROUGH;
    if ((!once || has_or_gets(instance->node, instance->place, sequence->content, guest->stored_blocks)) &&
        store_chunks(instance, sequence->program, sequence->content, blocks, 0, true, now) != NO_ROOM) {
        guest->stored_blocks = blocks;
    }
}

void engine_send_away(struct instance *instance, struct resident *resident, simtime now)
{
    if (instance->node && resident->blocks && !resident->is_offloading) {
        resident->is_offloading = engine_store(instance, resident->program, extent_list_content(&resident->content),
                                               resident->blocks, resident->blocks, true, now);
        residency_vacate(instance, resident, now);
    }
}

/* A store of a program is over, or came to nothing. */
static void tell_program(struct node *node, const struct transfer *transfer, simtime now)
{
    if (transfer->kind == TRANSFER_STORE) {
        engine_stored(node->members[transfer->member], transfer->program, now);
    }
}

void node_end_store(struct node *node, struct transfer *transfer, simtime now)
{
    const struct content content = extent_list_content(&transfer->content);
    struct kv_pool *target = node_pool(node, transfer->member, transfer->to);
    kv_hash(target, &transfer->target, content, transfer->blocks);
    node_note_tiers(node);
    kv_release(target, &transfer->target);
    kv_release(node_pool(node, transfer->member, transfer->from), &transfer->source);
    transfer->is_live = false;
    tell_program(node, transfer, now);
    const uint32_t below = transfer->to + 1;
    const bool is_storage = below == node->plan->storage;
    const uint32_t blocks = is_storage && transfer->lasting < transfer->blocks ? transfer->lasting : transfer->blocks;
    if (below < node->plan->n_tiers && blocks) {
        start_store(node,
                    (struct errand){.member = transfer->member,
                                    .from = transfer->to,
                                    .to = below,
                                    .program = transfer->program,
                                    .content = content,
                                    .blocks = blocks,
                                    .lasting = transfer->lasting,
                                    .keeps_source = true},
                    now);
    }
}

void engine_store_lasting(struct instance *instance, uint64_t program, struct content content, uint32_t blocks,
                          simtime now)
{
    struct node *node = instance->node;
    const uint32_t storage = node->plan->storage;
    blocks -= blocks % node->plan->chunk_blocks;
    if (storage < node->plan->n_tiers && blocks) {
        start_store(node,
                    (struct errand){.member = instance->place,
                                    .from = storage - 1,
                                    .to = storage,
                                    .program = program,
                                    .content = content,
                                    .blocks = blocks,
                                    .lasting = blocks,
                                    .keeps_source = true},
                    now);
        residency_renew_timer(instance);
    }
}

/* One that has waited goes on. */
static void resume(struct node *node, struct transfer *transfer, simtime now)
{
    const struct errand errand = {.member = transfer->member,
                                  .from = transfer->from,
                                  .to = transfer->to,
                                  .program = transfer->program,
                                  .content = extent_list_content(&transfer->content),
                                  .blocks = transfer->blocks,
                                  .keeps_source = true};
    struct kv_hit there;
    struct transfer *awaited;
    switch (outlook_of(node, &errand, &there, &awaited)) {
    case MUST_WAIT:
        transfer->after = awaited->tag;
        break;
    case CAN_GO:
        node_take_target(node, transfer, there);
        node_note_tiers(node);
        node_begin_transfer(node, transfer, transfer->blocks - there.blocks, now);
        break;
    case NO_ROOM:
        node->members[transfer->member]->residency->counters.stores_refused++;
        /* fall through */
    default:
        close_store(node, transfer);
        node->members[transfer->member]->head_blocked = false;
        tell_program(node, transfer, now);
        engine_wake(node->members[transfer->member], now);
    }
}

void node_resume_stores(struct node *node, const struct transfer *over, simtime now)
{
    const size_t n = node->n_transfers;
    for (size_t i = 0; i < n; i++) {
        struct transfer *transfer = node->transfers[i];
        if (transfer->is_live && transfer->waits && transfer->after == over->tag) {
            resume(node, transfer, now);
        }
    }
}
