#include "base/mem.h"
#include "instance/transfers.h"
#include "kv/pool_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* What holds between any two events. Every aggregate is summed up anew, every block of HBM and of the tiers is found
 * with exactly those who hold it, and every byte with a transfer. */

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "instance check failed: %s\n", what);
        abort();
    }
}

/* ---- turns ---- */

static void check_running(const struct instance *instance)
{
    uint32_t decoding = 0;
    uint32_t prefilling = 0;
    uint64_t context = 0;
    uint64_t unclaimed = 0;
    for (const struct sequence *sequence = instance->running.head; sequence; sequence = sequence->next) {
        const uint32_t computed = engine_computed(instance, sequence);
        const uint32_t owned = sequence->holder.hashed_blocks + sequence->holder.anonymous_blocks;
        const uint32_t blocks = engine_blocks_of(instance, computed);
        decoding += sequence->state == SEQUENCE_DECODING;
        prefilling += sequence->state == SEQUENCE_PREFILLING;
        context += sequence->state == SEQUENCE_DECODING ? computed : 0;
        require(owned <= blocks, "no turn holds more blocks than it has computed");
        unclaimed += blocks - owned;
        require(sequence->state != SEQUENCE_WAITING, "a running sequence does not wait");
        require(computed <= sequence_last_computed(sequence), "no sequence computes beyond its last token");
        require(!sequence->next || sequence->stamp < sequence->next->stamp, "running is in order of admission");
    }
    require(decoding == instance->decode.n && context == instance->decode.context, "decode aggregate");
    require(prefilling == instance->n_prefilling, "prefilling count");
    require(instance->running.n <= instance->config->max_num_seqs, "max_num_seqs");
    require(unclaimed == kv_reserved(instance->pool), "what steady decode took is what turns have not claimed");
}

static void check_waiting(const struct instance *instance)
{
    const struct residency *residency = instance->residency;
    uint32_t loading = 0;
    for (const struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        const struct guest *guest = residency ? residency_guest(residency, sequence) : NULL;
        const uint32_t hashed = sequence->holder.hashed_blocks;
        const uint32_t anonymous = sequence->holder.anonymous_blocks;
        require(sequence->state == SEQUENCE_WAITING, "a waiting sequence waits");
        if (guest && guest->is_loading) {
            require(!sequence->last_in_flight && anonymous, "a load has blocks to fill");
            loading++;
        } else {
            require(!anonymous && (!hashed || instance->node), "a waiting turn holds nothing but what was loaded");
        }
    }
    require(!residency || loading == residency->n_loading, "loading count");
    for (const struct sequence *sequence = instance->inbox.head; sequence; sequence = sequence->next) {
        require(!sequence->holder.hashed_blocks && !sequence->holder.anonymous_blocks, "on the way it holds nothing");
    }
}

/* ---- programs between turns ---- */

static simtime check_residents(const struct instance *instance)
{
    const struct residency *residency = instance->residency;
    uint64_t retained = 0;
    uint64_t held = 0;
    simtime first = SIMTIME_NEVER;
    for (size_t i = 0; i < residency->n_residents; i++) {
        const struct resident *resident = residency->residents[i];
        require(i == 0 || residency->residents[i - 1]->program < resident->program,
                "residents are in order, once each");
        require(resident->blocks == resident->holder.hashed_blocks && !resident->holder.anonymous_blocks,
                "a resident's blocks are those it holds, full ones");
        require(resident->private_blocks <= resident->blocks, "private blocks are a part");
        require(resident->blocks || (!resident->is_pin && instance->node), "who is away is in a tier, and not pinned");
        require(!resident->is_coming || !resident->blocks, "what is here does not come");
        retained += resident->private_blocks;
        held += resident->is_pin ? 0 : resident->private_blocks;
        const simtime until = resident->is_pin && !resident->has_returned ? resident->until : SIMTIME_NEVER;
        first = until < first ? until : first;
        first = resident->back_at < first && !resident->is_offloading ? resident->back_at : first;
    }
    require(retained == residency->retained_blocks, "retained blocks");
    require(held == instance->held_blocks, "held blocks");
    return first;
}

/* Among several members each knows of the network what it knew when it last looked, and one of them all of it. */
static void check_timer(const struct instance *instance, simtime first)
{
    const struct residency *residency = instance->residency;
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        first = residency->seats[i].tick_at < first ? residency->seats[i].tick_at : first;
    }
    simtime earliest = instance->timer_at;
    if (instance->node) {
        const struct node *node = instance->node;
        const simtime transfers = node_next(node);
        for (size_t i = 0; i < node->n_members; i++) {
            earliest = node->members[i]->timer_at < earliest ? node->members[i]->timer_at : earliest;
        }
        require(earliest <= transfers, "somebody hears of the next transfer");
        first = node->n_members == 1 && transfers < first ? transfers : first;
    }
    const bool exact = !instance->node || instance->node->n_members == 1;
    require(exact ? instance->timer_at == first : instance->timer_at <= first, "the timer is set to what comes first");
}

static void check_sum_of_times(const struct instance *instance)
{
    const simtime outside = instance->inbox_at < instance->timer_at ? instance->inbox_at : instance->timer_at;
    require(instance->outside_at == outside, "the first of what comes from outside");
    require(instance->inbox_at == (instance->inbox.n ? instance->inbox.head->arrived : SIMTIME_NEVER), "inbox");
}

/* ---- blocks ---- */

struct holders {
    const struct kv_holder **items;
    size_t n, capacity;
};

static void add_holder(struct holders *holders, const struct kv_holder *holder)
{
    holders->items = mem_grow(holders->items, &holders->capacity, holders->n + 1, sizeof *holders->items);
    holders->items[holders->n++] = holder;
}

static void add_list(struct holders *holders, const struct sequence_list *list)
{
    for (const struct sequence *sequence = list->head; sequence; sequence = sequence->next) {
        add_holder(holders, &sequence->holder);
    }
}

/* What transfers hold in the pool of `tier`; ASIM_NONE: in HBM of `member`. */
static void add_transfers(struct holders *holders, const struct node *node, uint32_t tier, uint32_t member)
{
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (!transfer->is_live || (tier == ASIM_NONE && transfer->member != member)) {
            continue;
        }
        if (transfer->from == tier) {
            add_holder(holders, &transfer->source);
        }
        if (transfer->to == tier && transfer->kind != TRANSFER_LOAD) {
            add_holder(holders, &transfer->target);
        }
    }
}

static void check_blocks(const struct instance *instance)
{
    struct holders holders = {0};
    add_list(&holders, &instance->running);
    add_list(&holders, &instance->waiting);
    for (size_t i = 0; instance->residency && i < instance->residency->n_residents; i++) {
        add_holder(&holders, &instance->residency->residents[i]->holder);
    }
    if (instance->node) {
        add_transfers(&holders, instance->node, ASIM_NONE, instance->place);
    }
    kv_pool_check_holders(instance->pool, holders.items, holders.n);
    const uint64_t used = (uint64_t)kv_usable(instance->pool) - kv_free(instance->pool);
    require(instance->held_blocks <= used, "held blocks are not free");
    mem_free(holders.items);
}

static void check_tiers(const struct node *node)
{
    for (uint32_t tier = 0; tier < node->plan->n_tiers; tier++) {
        struct holders holders = {0};
        add_transfers(&holders, node, tier, 0);
        kv_pool_check_holders(node->pools[tier], holders.items, holders.n);
        mem_free(holders.items);
    }
}

/* ---- transfers ---- */

static void check_transfer(const struct node *node, const struct transfer *transfer)
{
    const struct instance *instance = node->members[transfer->member];
    require(transfer->moving > 0 && transfer->moving <= transfer->blocks, "a transfer moves what was missing");
    require(transfer->content.n_tokens == (uint64_t)transfer->blocks * node->block_size, "whole blocks of its content");
    require(transfer->source.hashed_blocks == transfer->blocks || !transfer->source.hashed_blocks,
            "the source has what is copied");
    if (transfer->kind == TRANSFER_LOAD) {
        const struct sequence *sequence = transfer->sequence;
        require(residency_guest(instance->residency, sequence)->is_loading, "a load is for a turn that waits for it");
        require(sequence->holder.anonymous_blocks == transfer->moving &&
                    sequence->holder.hashed_blocks + transfer->moving == transfer->blocks,
                "the turn has room for what is loaded");
    } else {
        require(transfer->target.anonymous_blocks == transfer->moving &&
                    transfer->target.hashed_blocks + transfer->moving == transfer->blocks,
                "there is room for what moves");
    }
}

/* Bytes that have passed a link. */
static uint64_t passed(const struct node *node, uint32_t link)
{
    return network_link_counters(node->network, link).bytes;
}

/* What was to move, less what has not yet, has passed the links. */
static void check_bytes(const struct node *node)
{
    const uint64_t block = node->plan->block_bytes;
    uint64_t through_tiers = 0;
    uint64_t *left = mem_zalloc(2 * node->n_members * sizeof *left);
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (transfer->is_live) {
            check_transfer(node, transfer);
            const uint64_t rest = transfer->moving * block - network_flow_moved(node->network, transfer->flow);
            through_tiers -= transfer->kind == TRANSFER_COPY ? 2 * rest : rest;
            left[2 * transfer->member + (transfer->to == ASIM_NONE)] += transfer->kind == TRANSFER_COPY ? 0 : rest;
        }
    }
    for (uint32_t i = 0; i < node->n_members; i++) {
        const struct residency_counters *counters = &node->members[i]->residency->counters;
        const uint64_t out = counters->moved[MOVED_OUT].blocks * block;
        const uint64_t in = (counters->moved[MOVED_IN].blocks + counters->moved[MOVED_AHEAD].blocks) * block;
        require(passed(node, 2 * i) == out - left[2 * i], "bytes out of HBM");
        require(passed(node, 2 * i + 1) == in - left[2 * i + 1], "bytes into HBM");
        through_tiers += out + in + 2 * counters->moved[MOVED_DOWN].blocks * block;
    }
    for (uint32_t link = 0; link < 2 * node->plan->n_tiers; link++) {
        through_tiers -= passed(node, 2 * node->plan->node_instances + link);
    }
    require(through_tiers == 0, "bytes in and out of tiers");
    mem_free(left);
}

/* ---- all ---- */

void instance_check(const struct instance *instance)
{
    check_running(instance);
    check_waiting(instance);
    check_blocks(instance);
    check_sum_of_times(instance);
    if (instance->residency) {
        check_timer(instance, check_residents(instance));
    }
    if (instance->node) {
        check_tiers(instance->node);
        check_bytes(instance->node);
    }
}
