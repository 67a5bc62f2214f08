#include "base/mem.h"
#include "hw/link/network_store.h"
#include "instance/checkpoint.h"
#include "instance/checkpoint_parts.h"
#include "instance/tiers/transfers.h"

#include <inttypes.h>

/* The least bytes of a transfer. */
enum { TRANSFER_BYTES = 1, TAG_BYTES = 4 };

#define NO_POSITION UINT32_MAX

/* ---- saving ---- */

static uint32_t position_of(const struct instance *instance, const struct sequence *wanted)
{
    uint32_t position = 0;
    for (const struct sequence *sequence = instance->waiting.head; sequence != wanted; sequence = sequence->next) {
        position++;
    }
    return position;
}

static void put_transfer(const struct node *node, const struct transfer *transfer, struct store_writer *writer)
{
    store_put_u8(writer, transfer->is_live);
    if (!transfer->is_live) {
        return;
    }
    store_put_u8(writer, (uint8_t)transfer->kind);
    store_put_u8(writer, transfer->waits);
    store_put_u32(writer, transfer->member);
    store_put_u32(writer, transfer->from);
    store_put_u32(writer, transfer->to);
    store_put_u32(writer, transfer->after);
    store_put_u32(writer, transfer->blocks);
    store_put_u32(writer, transfer->lasting);
    store_put_u32(writer, transfer->moving);
    store_put_u32(writer, transfer->flow);
    store_put_i64(writer, transfer->begun);
    store_put_u64(writer, transfer->program);
    store_put_u32(writer,
                  transfer->sequence ? position_of(node->members[transfer->member], transfer->sequence) : NO_POSITION);
    kv_holder_save(&transfer->source, writer);
    kv_holder_save(&transfer->target, writer);
    saved_content_put(&transfer->content, writer);
}

void node_save(const struct node *node, struct store_writer *writer)
{
    for (uint32_t pool = 0; pool < tier_pools(node->plan); pool++) {
        if (node->pools[pool]) {
            kv_pool_save(node->pools[pool], writer);
        }
    }
    network_save(node->network, writer);
    store_put_u64(writer, node->n_transfers);
    for (size_t i = 0; i < node->n_transfers; i++) {
        put_transfer(node, node->transfers[i], writer);
    }
    store_put_u64(writer, node->n_free_tags);
    for (size_t i = 0; i < node->n_free_tags; i++) {
        store_put_u32(writer, node->free_tags[i]);
    }
}

/* ---- loading ---- */

/* Where it goes from and to, by its kind. */
static bool has_sound_ends(const struct node *node, const struct transfer *transfer)
{
    const uint32_t n_tiers = node->plan->n_tiers;
    switch (transfer->kind) {
    case TRANSFER_STORE:
        return transfer->from == ASIM_NONE && transfer->to == 0;
    case TRANSFER_COPY:
        return transfer->from < n_tiers && transfer->to < n_tiers && transfer->to == transfer->from + 1;
    case TRANSFER_RAISE:
        return transfer->from == node->plan->storage && transfer->from < n_tiers && transfer->to == 0 &&
               !transfer->waits;
    case TRANSFER_LOAD:
    case TRANSFER_PREFETCH:
        return transfer->from < n_tiers && transfer->to == ASIM_NONE && !transfer->waits;
    default:
        return false;
    }
}

/* The turn for which something is loaded or raised; NULL: it waits for none. */
static struct sequence *waiting_at(const struct instance *instance, uint32_t position, bool is_raise)
{
    struct sequence *sequence = instance->waiting.head;
    for (; sequence && position; position--) {
        sequence = sequence->next;
    }
    const struct guest *guest = sequence ? residency_guest(instance->residency, sequence) : NULL;
    return guest && (is_raise ? guest->is_raising : guest->is_loading) ? sequence : NULL;
}

static bool has_sound_blocks(const struct node *node, const struct transfer *transfer)
{
    const struct kv_holder *source = &transfer->source;
    const struct kv_holder *target = &transfer->target;
    const bool is_load = transfer->kind == TRANSFER_LOAD;
    return transfer->content.n_tokens == (uint64_t)transfer->blocks * node->block_size && !source->anonymous_blocks &&
           (source->hashed_blocks == transfer->blocks ||
            (transfer->kind == TRANSFER_STORE && !source->hashed_blocks)) &&
           (!(is_load || transfer->waits) ||
            (!target->hashed_blocks && !target->anonymous_blocks && !target->n_ranges));
}

/* What a transfer is; whether it makes sense before its neighbours are known. */
static bool get_transfer(struct node *node, struct transfer *transfer, struct store_reader *reader)
{
    if (!store_get_u8(reader)) {
        return true;
    }
    const uint8_t kind = store_get_u8(reader);
    transfer->waits = store_get_u8(reader) != 0;
    transfer->member = store_get_u32(reader);
    transfer->from = store_get_u32(reader);
    transfer->to = store_get_u32(reader);
    transfer->after = store_get_u32(reader);
    transfer->blocks = store_get_u32(reader);
    transfer->lasting = store_get_u32(reader);
    transfer->moving = store_get_u32(reader);
    transfer->flow = store_get_u32(reader);
    transfer->begun = store_get_i64(reader);
    transfer->program = store_get_u64(reader);
    const uint32_t position = store_get_u32(reader);
    if (store_failed(reader) || kind >= TRANSFER_KINDS || transfer->member >= node->n_members || transfer->begun < 0 ||
        transfer->begun > network_clock(node->network)) {
        return false;
    }
    transfer->kind = (enum transfer_kind)kind;
    if (!has_sound_ends(node, transfer) || !kv_holder_load(&transfer->source, reader) ||
        !kv_holder_load(&transfer->target, reader)) {
        return false;
    }
    saved_content_get(&transfer->content, reader);
    const struct instance *member = node->members[transfer->member];
    const bool is_raise = transfer->kind == TRANSFER_RAISE;
    const bool has_turn = is_raise || transfer->kind == TRANSFER_LOAD;
    transfer->sequence = has_turn ? waiting_at(member, position, is_raise) : NULL;
    if (is_raise && transfer->sequence) {
        residency_guest(member->residency, transfer->sequence)->raise = transfer->tag;
    }
    uint32_t path[2];
    const struct network_transfer flow = node_flow(node, transfer, path);
    if (store_failed(reader) || (has_turn && !transfer->sequence) || !has_sound_blocks(node, transfer) ||
        (!transfer->waits && !network_flow_is(node->network, transfer->flow, &flow))) {
        return false;
    }
    transfer->is_live = true;
    return true;
}

/* Every turn that waits for a load waits for one, every flow is one of a transfer, and what is awaited is on its way.
 */
static bool are_complete(const struct node *node)
{
    uint32_t moving = 0;
    uint32_t loads = 0;
    uint32_t loading = 0;
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        moving += transfer_moves(transfer);
        if (transfer->is_live && transfer->waits &&
            (transfer->after >= node->n_transfers || !transfer_moves(node->transfers[transfer->after]))) {
            return false;
        }
        loads += transfer->is_live && transfer->sequence;
        for (size_t k = 0; transfer->is_live && transfer->sequence && k < i; k++) {
            if (node->transfers[k]->is_live && node->transfers[k]->sequence == transfer->sequence) {
                return false;
            }
        }
    }
    for (size_t i = 0; i < node->n_members; i++) {
        loading += node->members[i]->residency->n_loading + node->members[i]->residency->n_raising;
    }
    return moving == network_flows(node->network) && loads == loading;
}

static void get_transfers(struct node *node, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, TRANSFER_BYTES);
    if (n > NETWORK_MAX_FLOWS) {
        store_refuse(reader, "%" PRIu64 " transfers", n);
    }
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        if (!get_transfer(node, node_take_transfer(node), reader)) {
            store_refuse(reader, "transfer %" PRIu64 " makes no sense", i);
        }
    }
    const uint64_t n_free = store_get_count(reader, TAG_BYTES);
    uint64_t unused = 0;
    for (size_t i = 0; i < node->n_transfers; i++) {
        unused += !node->transfers[i]->is_live;
    }
    bool *seen = mem_zalloc((node->n_transfers + 1) * sizeof *seen);
    uint64_t found = 0;
    for (uint64_t i = 0; i < n_free && !store_failed(reader); i++) {
        const uint32_t tag = store_get_u32(reader);
        if (tag >= node->n_transfers || node->transfers[tag]->is_live || seen[tag]) {
            store_refuse(reader, "transfer %" PRIu32 " is not free", tag);
            break;
        }
        seen[tag] = true;
        found++;
        node->free_tags =
            mem_grow(node->free_tags, &node->free_tag_capacity, node->n_free_tags + 1, sizeof *node->free_tags);
        node->free_tags[node->n_free_tags++] = tag;
    }
    mem_free(seen);
    if (!store_failed(reader) && (found != unused || !are_complete(node))) {
        store_refuse(reader, "transfers, flows and waiting turns do not go together");
    }
}

/* Nobody may start anything before what the network has seen. */
static void check_clock(const struct node *node, struct store_reader *reader)
{
    for (size_t i = 0; i < node->n_members && !store_failed(reader); i++) {
        const simtime next = instance_next(node->members[i]).time;
        if (network_clock(node->network) > next) {
            store_refuse(reader, "links are at %" PRId64 " ps, instance %" PRIu32 " at %" PRId64 " ps",
                         network_clock(node->network), instance_id(node->members[i]), next);
        }
    }
}

bool node_load(struct node *node, struct store_reader *reader)
{
    bool sound = !store_failed(reader);
    for (uint32_t pool = 0; pool < tier_pools(node->plan) && sound; pool++) {
        sound = !node->pools[pool] || kv_pool_load(node->pools[pool], reader);
    }
    if (sound && network_load(node->network, reader)) {
        get_transfers(node, reader);
    }
    if (!store_failed(reader)) {
        check_clock(node, reader);
    }
    for (size_t i = 0; i < node->n_members && !store_failed(reader); i++) {
        checkpoint_accept(node->members[i], reader);
    }
    if (store_failed(reader)) {
        node_forsake(node);
        return false;
    }
    return true;
}

void node_forsake(struct node *node)
{
    for (size_t i = 0; i < node->n_transfers; i++) {
        node->transfers[i]->is_live = false;
    }
    for (size_t i = 0; i < node->n_members; i++) {
        instance_forsake(node->members[i]);
    }
}
