#include "base/mem.h"
#include "instance/tiers/fills.h"
#include "instance/tiers/transfers.h"
#include "kv/pool_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* What holds between any two events. Every aggregate is summed up anew, every block of HBM and of the tiers is found
 * with exactly those who hold it, and every byte with a transfer. */

/* Leaves the calling check with what is wrong. */
#define REQUIRE(condition, what)                                                                                       \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return wrong(fault, what);                                                                                 \
        }                                                                                                              \
    } while (0)

static bool wrong(struct kv_fault *fault, const char *what)
{
    snprintf(fault->text, sizeof fault->text, "%s", what);
    return false;
}

/* ---- turns ---- */

static bool check_running(const struct instance *instance, struct kv_fault *fault)
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
        REQUIRE(owned <= blocks, "no turn holds more blocks than it has computed");
        unclaimed += blocks - owned;
        REQUIRE(sequence->state != SEQUENCE_WAITING, "a running sequence does not wait");
        REQUIRE(computed <= sequence_last_computed(sequence), "no sequence computes beyond its last token");
        REQUIRE(!sequence->next || sequence->stamp < sequence->next->stamp, "running is in order of admission");
    }
    REQUIRE(decoding == instance->decode.n && context == instance->decode.context, "decode aggregate");
    REQUIRE(prefilling == instance->n_prefilling, "prefilling count");
    REQUIRE(instance->running.n <= instance->config->max_num_seqs, "max_num_seqs");
    REQUIRE(unclaimed == kv_reserved(instance->pool), "what steady decode took is what turns have not claimed");
    return true;
}

static bool check_waiting(const struct instance *instance, struct kv_fault *fault)
{
    const struct residency *residency = instance->residency;
    uint32_t loading = 0;
    uint32_t raising = 0;
    for (const struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        const struct guest *guest = residency ? residency_guest(residency, sequence) : NULL;
        const uint32_t hashed = sequence->holder.hashed_blocks;
        const uint32_t anonymous = sequence->holder.anonymous_blocks;
        raising += guest && guest->is_raising;
        REQUIRE(sequence->state == SEQUENCE_WAITING, "a waiting sequence waits");
        if (guest && guest->is_loading) {
            REQUIRE(!sequence->last_in_flight && anonymous, "a load has blocks to fill");
            loading++;
        } else {
            REQUIRE(!anonymous && (!hashed || instance->node), "a waiting turn holds nothing but what was loaded");
        }
    }
    REQUIRE(!residency || (loading == residency->n_loading && raising == residency->n_raising), "loading count");
    for (const struct sequence *sequence = instance->inbox.head; sequence; sequence = sequence->next) {
        REQUIRE(!sequence->holder.hashed_blocks && !sequence->holder.anonymous_blocks, "on the way it holds nothing");
    }
    for (uint32_t i = 0; i < instance->n_leavers; i++) {
        const struct leaver *leaver = &instance->leavers[i];
        REQUIRE(leaver->sequence->holder.hashed_blocks && !leaver->sequence->holder.anonymous_blocks,
                "who leaves with KV holds it");
        REQUIRE(!i || instance->leavers[i - 1].time <= leaver->time, "they leave one after another");
    }
    return true;
}

/* Whoever decodes is on the heap with the step that fills its next chunk. */
static bool check_fills(const struct instance *instance, struct kv_fault *fault)
{
    const struct fills *fills = instance->fills;
    uint32_t decoding = 0;
    for (const struct sequence *sequence = instance->running.head; sequence && fills->has_outputs;
         sequence = sequence->next) {
        if (sequence->state == SEQUENCE_DECODING) {
            const struct sequence_heap_item *item = &fills->next.items[fills->next.places[sequence->index]];
            const int64_t ahead = item->key - instance->decode.clock;
            REQUIRE(item->sequence == sequence->index && ahead > 0 && ahead <= fills->chunk_toks,
                    "who decodes fills a chunk soon");
            REQUIRE((engine_computed(instance, sequence) + ahead) % fills->chunk_toks == 0, "a whole chunk is filled");
            decoding++;
        }
    }
    REQUIRE(fills->next.n == decoding, "those that decode fill chunks");
    return true;
}

/* ---- programs between turns ---- */

static bool check_residents(const struct instance *instance, simtime *first_deadline, struct kv_fault *fault)
{
    const struct residency *residency = instance->residency;
    uint64_t retained = 0;
    uint64_t held = 0;
    simtime first = SIMTIME_NEVER;
    for (size_t i = 0; i < residency->n_residents; i++) {
        const struct resident *resident = residency->residents[i];
        REQUIRE(i == 0 || residency->residents[i - 1]->program < resident->program,
                "residents are in order, once each");
        REQUIRE(resident->blocks == resident->holder.hashed_blocks && !resident->holder.anonymous_blocks,
                "a resident's blocks are those it holds, full ones");
        REQUIRE(resident->private_blocks <= resident->blocks, "private blocks are a part");
        REQUIRE(resident->blocks || (!resident->is_pin && instance->node), "who is away is in a tier, and not pinned");
        REQUIRE(!resident->is_coming || !resident->blocks, "what is here does not come");
        retained += resident->private_blocks;
        held += resident->is_pin ? 0 : resident->private_blocks;
        const simtime until = residency_lapses(instance, resident) ? resident->until : SIMTIME_NEVER;
        first = until < first ? until : first;
        first = resident->back_at < first && !resident->is_offloading ? resident->back_at : first;
    }
    REQUIRE(retained == residency->retained_blocks, "retained blocks");
    REQUIRE(held == instance->held_blocks, "held blocks");
    const simtime stop = engine_next_raise_stop(instance);
    *first_deadline = stop < first ? stop : first;
    return true;
}

/* Among several members each knows of the network what it knew when it last looked, and one of them all of it. */
static bool check_timer(const struct instance *instance, simtime first, struct kv_fault *fault)
{
    const struct residency *residency = instance->residency;
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        first = residency->seats[i].tick_at < first ? residency->seats[i].tick_at : first;
    }
    REQUIRE(instance->timer_at >= instance->passed, "no deadline has been missed");
    simtime earliest = instance->timer_at;
    if (instance->node) {
        const struct node *node = instance->node;
        const simtime transfers = node_next(node);
        for (size_t i = 0; i < node->n_members; i++) {
            earliest = node->members[i]->timer_at < earliest ? node->members[i]->timer_at : earliest;
        }
        REQUIRE(earliest <= transfers, "somebody hears of the next transfer");
        first = node->n_members == 1 && transfers < first ? transfers : first;
    }
    const bool exact = !instance->node || instance->node->n_members == 1;
    REQUIRE(exact ? instance->timer_at == first : instance->timer_at <= first, "the timer is set to what comes first");
    return true;
}

static bool check_sum_of_times(const struct instance *instance, struct kv_fault *fault)
{
    const simtime outside = instance->inbox_at < instance->timer_at ? instance->inbox_at : instance->timer_at;
    REQUIRE(instance->outside_at == outside, "the first of what comes from outside");
    REQUIRE(instance->inbox_at == engine_inbox_time(instance), "inbox");
    return true;
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

/* What transfers hold in the pool of `tier` that `member` uses; ASIM_NONE: in its HBM. */
static void add_transfers(struct holders *holders, const struct node *node, uint32_t tier, uint32_t member)
{
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        const bool is_elsewhere =
            tier == ASIM_NONE ? transfer->member != member
                              : tier_pool(node->plan, tier, transfer->member) != tier_pool(node->plan, tier, member);
        if (!transfer->is_live || is_elsewhere) {
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

/* Who holds blocks of HBM but programs between turns. */
static struct holders turns_and_transfers(const struct instance *instance)
{
    struct holders holders = {0};
    add_list(&holders, &instance->running);
    add_list(&holders, &instance->waiting);
    for (uint32_t i = 0; i < instance->n_leavers; i++) {
        add_holder(&holders, &instance->leavers[i].sequence->holder);
    }
    if (instance->node) {
        add_transfers(&holders, instance->node, ASIM_NONE, instance->place);
    }
    return holders;
}

static bool check_blocks(const struct instance *instance, struct kv_fault *fault)
{
    struct holders holders = turns_and_transfers(instance);
    for (size_t i = 0; instance->residency && i < instance->residency->n_residents; i++) {
        add_holder(&holders, &instance->residency->residents[i]->holder);
    }
    const bool healthy = kv_pool_is_healthy(instance->pool, holders.items, holders.n, fault);
    mem_free(holders.items);
    if (!healthy) {
        return false;
    }
    const uint64_t used = (uint64_t)kv_usable(instance->pool) - kv_free(instance->pool);
    REQUIRE(instance->held_blocks <= used, "held blocks are not free");
    return true;
}

static bool check_tiers(const struct node *node, struct kv_fault *fault)
{
    const struct tier_plan *plan = node->plan;
    for (uint32_t pool = 0; pool < tier_pools(plan); pool++) {
        if (!node->pools[pool]) {
            continue;
        }
        struct holders holders = {0};
        add_transfers(&holders, node, pool / tier_hosts(plan), pool % tier_hosts(plan) * plan->host_instances);
        const bool healthy = kv_pool_is_healthy(node->pools[pool], holders.items, holders.n, fault);
        mem_free(holders.items);
        if (!healthy) {
            return false;
        }
    }
    return true;
}

/* ---- transfers ---- */

static bool check_transfer(const struct node *node, const struct transfer *transfer, struct kv_fault *fault)
{
    const struct instance *instance = node->members[transfer->member];
    if (transfer->waits) {
        const struct transfer *awaited = node->transfers[transfer->after];
        REQUIRE(transfer_moves(awaited) &&
                    node_pool(node, awaited->member, awaited->to) == node_pool(node, transfer->member, transfer->to),
                "what is awaited is on its way");
        REQUIRE(transfer->source.hashed_blocks == transfer->blocks && !transfer->target.hashed_blocks &&
                    !transfer->target.anonymous_blocks && !transfer->moving,
                "who waits holds the source");
        return true;
    }
    REQUIRE(transfer->moving > 0 && transfer->moving <= transfer->blocks, "a transfer moves what was missing");
    REQUIRE(transfer->content.n_tokens == (uint64_t)transfer->blocks * node->block_size, "whole blocks of its content");
    REQUIRE(transfer->source.hashed_blocks == transfer->blocks || !transfer->source.hashed_blocks,
            "the source has what is copied");
    if (transfer->kind == TRANSFER_RAISE) {
        const struct guest *guest = residency_guest(instance->residency, transfer->sequence);
        REQUIRE(guest->is_raising && guest->raise == transfer->tag, "a raise is for a turn that waits");
    }
    if (transfer->kind == TRANSFER_LOAD) {
        const struct sequence *sequence = transfer->sequence;
        REQUIRE(residency_guest(instance->residency, sequence)->is_loading, "a load is for a turn that waits for it");
        REQUIRE(sequence->holder.anonymous_blocks == transfer->moving &&
                    sequence->holder.hashed_blocks + transfer->moving == transfer->blocks,
                "the turn has room for what is loaded");
    } else {
        REQUIRE(transfer->target.anonymous_blocks == transfer->moving &&
                    transfer->target.hashed_blocks + transfer->moving == transfer->blocks,
                "there is room for what moves");
    }
    return true;
}

static uint64_t bytes_left(const struct node *node, const struct transfer *transfer)
{
    return transfer->waits ? 0 : transfer_bytes_left(node, transfer);
}

/* Bytes that have passed a link. */
static uint64_t passed(const struct node *node, uint32_t link)
{
    return network_link_counters(node->network, link).bytes;
}

/* What was to move over the links of `member` in a direction, less what has not yet, has passed them. */
static bool check_link(const struct node *node, uint32_t member, bool in, struct kv_fault *fault)
{
    const struct residency_counters *counters = &node->members[member]->residency->counters;
    uint64_t blocks = counters->moved[TRANSFER_STORE].blocks;
    if (in) {
        blocks = counters->moved[TRANSFER_LOAD].blocks + counters->moved[TRANSFER_PREFETCH].blocks;
    }
    uint64_t bytes = blocks * node->plan->block_bytes;
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (transfer->is_live && transfer->member == member && (in ? transfer->to : transfer->from) == ASIM_NONE) {
            bytes -= bytes_left(node, transfer);
        }
    }
    REQUIRE(passed(node, 2 * member + in) == bytes, in ? "bytes into HBM" : "bytes out of HBM");
    return true;
}

/* What has been loaded into HBM from a tier. */
static uint64_t loaded_from(const struct node *node, uint32_t tier)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < node->n_members; i++) {
        bytes += node->members[i]->residency->counters.loaded_blocks[tier] * node->plan->block_bytes;
    }
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (transfer->is_live && transfer->from == tier && transfer->to == ASIM_NONE) {
            bytes -= bytes_left(node, transfer);
        }
    }
    return bytes;
}

/* What has moved from tiers to other tiers, in transfers of a kind. */
static uint64_t moved_between(const struct node *node, enum transfer_kind kind)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < node->n_members; i++) {
        const struct residency_counters *counters = &node->members[i]->residency->counters;
        bytes += counters->moved[kind].blocks * node->plan->block_bytes;
        bytes += kind == TRANSFER_RAISE ? counters->cut_bytes : 0;
    }
    for (size_t i = 0; i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (transfer->is_live && transfer->kind == kind) {
            bytes -= bytes_left(node, transfer);
        }
    }
    return bytes;
}

/* The same of a tier's links in a direction, of all hosts. */
static uint64_t passed_tier(const struct node *node, uint32_t tier, uint32_t direction)
{
    uint64_t bytes = 0;
    for (uint32_t host = 0; host < tier_hosts(node->plan); host++) {
        const uint32_t pool = tier * tier_hosts(node->plan) + host;
        bytes += passed(node, 2 * node->plan->node_instances + 2 * pool + direction);
    }
    return bytes;
}

/* From link to link: what came out of HBM, and up from storage, went into the first tier; what came out of a tier, and
 * neither into HBM nor up, into the next. A tier that is not duplex has one link for both ways. */
static bool check_tier_links(const struct node *node, struct kv_fault *fault)
{
    const uint64_t raised = moved_between(node, TRANSFER_RAISE);
    uint64_t written = raised;
    uint64_t down = 0;
    for (uint32_t i = 0; i < node->n_members; i++) {
        written += passed(node, 2 * i);
    }
    for (uint32_t tier = 0; tier < node->plan->n_tiers; tier++) {
        const uint64_t in = passed_tier(node, tier, 0);
        const uint64_t both = in + passed_tier(node, tier, 1);
        REQUIRE(node->plan->tiers[tier].is_duplex ? in == written : both >= written, "bytes into a tier");
        const uint64_t up = loaded_from(node, tier) + (tier == node->plan->storage ? raised : 0);
        REQUIRE(both - written >= up, "bytes out of a tier");
        written = both - written - up;
        down += written;
    }
    REQUIRE(written == 0, "bytes out of the last tier");
    REQUIRE(down == moved_between(node, TRANSFER_COPY), "bytes from tier to tier");
    return true;
}

static bool check_transfers(const struct node *node, struct kv_fault *fault)
{
    for (uint32_t i = 0; i < node->n_members; i++) {
        if (!check_link(node, i, false, fault) || !check_link(node, i, true, fault)) {
            return false;
        }
    }
    for (size_t i = 0; i < node->n_transfers; i++) {
        if (node->transfers[i]->is_live && !check_transfer(node, node->transfers[i], fault)) {
            return false;
        }
    }
    return check_tier_links(node, fault);
}

/* ---- all ---- */

bool engine_is_healthy(const struct instance *instance, struct kv_fault *fault)
{
    simtime first = SIMTIME_NEVER;
    if (!check_running(instance, fault) || !check_waiting(instance, fault) || !check_sum_of_times(instance, fault) ||
        !check_blocks(instance, fault) || (instance->fills && !check_fills(instance, fault))) {
        return false;
    }
    if (instance->residency && (!check_residents(instance, &first, fault) || !check_timer(instance, first, fault))) {
        return false;
    }
    return !instance->node || (check_tiers(instance->node, fault) && check_transfers(instance->node, fault));
}

static void abort_unless(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "instance check failed: %s\n", what);
        abort();
    }
}

void instance_check(const struct instance *instance)
{
    struct kv_fault fault;
    abort_unless(engine_is_healthy(instance, &fault), fault.text);
}

/* ---- at certain events ---- */

struct digest engine_holdings(const struct instance *instance)
{
    const struct residency *residency = instance->residency;
    const uint64_t sums[] = {kv_free(instance->pool), residency->n_residents, residency->counters.pins_forced,
                             residency->counters.holds_evicted};
    struct digest digest = {0};
    digest_add(&digest, sums, sizeof sums);
    for (size_t i = 0; i < residency->n_residents; i++) {
        const struct resident *resident = residency->residents[i];
        const uint64_t record[] = {resident->program,
                                   resident->turn,
                                   resident->holder.hashed_blocks,
                                   resident->is_pin,
                                   (uint64_t)resident->until,
                                   (uint64_t)resident->since,
                                   (uint64_t)resident->back_at,
                                   (uint64_t)resident->is_offloading << 1 | resident->is_coming};
        digest_add(&digest, record, sizeof record);
    }
    return digest;
}

uint32_t engine_most_free(const struct instance *instance, uint64_t except)
{
    struct holders holders = turns_and_transfers(instance);
    const struct resident *resident = residency_find(instance->residency, except);
    if (resident) {
        add_holder(&holders, &resident->holder);
    }
    const uint32_t held = kv_blocks_of_all(instance->pool, holders.items, holders.n) + kv_reserved(instance->pool);
    mem_free(holders.items);
    return kv_usable(instance->pool) - held;
}

void engine_check_ended(const struct instance *instance, uint64_t program)
{
    abort_unless(!instance->residency || instance->config->pins_until_needed ||
                     !residency_find(instance->residency, program),
                 "nothing is held of a program that has ended");
}

void engine_check_untouched(const struct instance *instance, struct digest holdings)
{
    const struct digest now = engine_holdings(instance);
    abort_unless(now.low == holdings.low && now.high == holdings.high,
                 "what cannot succeed leaves pins and holds alone");
}
