/* KV on its way between the tiers of a node.
 *
 *   node.c        tiers, links, and the instances that share them
 *   transfers.c   how a transfer is opened, begins and ends, and what is on its way
 *   stores.c      KV goes down: from HBM to the first tier, and from tier to tier
 *   loads.c       KV comes back to HBM, for a turn that waits or before it is there
 *   raises.c      KV goes up from storage, while a turn waits
 *   fills.c       which turns fill up blocks that the engine stores at once
 *   node_store.c  tiers, links and transfers in a file
 */
#ifndef ASIM_INSTANCE_TRANSFERS_H
#define ASIM_INSTANCE_TRANSFERS_H

#include "hw/link/network.h"
#include "instance/residency/residency.h"
#include "instance/tiers/hooks.h"
#include "instance/tiers/node.h"
#include "kv/pool.h"

/* Blocks are held at both ends until it is over, and can be found at the far end only then.
 *
 * What is on its way to a tier is not sent there again: a store of more of the same content holds its source and waits
 * until that is over, then moves what is missing. */
struct transfer {
    enum transfer_kind kind;
    bool is_live;
    bool waits;        /* for transfer `after` to be over; nothing moves, and it has no target yet */
    uint32_t tag;      /* among those of the node */
    uint32_t member;   /* of the node */
    uint32_t from, to; /* tiers; ASIM_NONE: HBM */
    uint32_t after;
    struct kv_holder source, target;
    struct extent_list content;
    uint32_t blocks;  /* of the content, at the far end afterwards */
    uint32_t lasting; /* of those, that may go on to storage */
    uint32_t moving;  /* of those, not there before */
    uint32_t flow;
    simtime begun; /* when they set off */
    uint64_t program;
    struct sequence *sequence; /* that waits; of a TRANSFER_LOAD, holds the target itself */
};

struct node {
    const struct tier_plan *plan;
    uint32_t block_size;
    struct kv_pool **pools; /* by number (tier_pool); NULL: that is not there */
    struct network *network;
    struct instance **members;
    size_t n_members, member_capacity;
    struct transfer **transfers; /* by tag */
    size_t n_transfers, transfer_capacity;
    uint32_t *free_tags;
    size_t n_free_tags, free_tag_capacity;
    struct kv_holder scratch; /* empty */
};

/* A transfer that nobody uses. */
struct transfer *node_take_transfer(struct node *node);

/* Opens one of the first `blocks` blocks of a content; `from` and `to` as its kind allows. */
struct transfer *node_open_transfer(struct node *node, enum transfer_kind kind, uint32_t member, uint32_t from,
                                    uint32_t to, uint64_t program, struct content content, uint32_t blocks);

/* It is no more; it holds nothing. */
void node_close_transfer(struct node *node, struct transfer *transfer);

/* `moving` blocks set off, and are counted. */
void node_begin_transfer(struct node *node, struct transfer *transfer, uint32_t moving, simtime now);

/* Of its blocks the target has some already; the others are given to it. */
void node_take_target(struct node *node, struct transfer *transfer, struct kv_hit there);

/* What the network is told of a transfer; `path` is memory for it. */
struct network_transfer node_flow(const struct node *node, const struct transfer *transfer, uint32_t path[2]);

static inline bool transfer_moves(const struct transfer *transfer)
{
    return transfer->is_live && !transfer->waits;
}

/* Of one that moves. */
static inline uint64_t transfer_bytes_left(const struct node *node, const struct transfer *transfer)
{
    return transfer->moving * node->plan->block_bytes - network_flow_moved(node->network, transfer->flow);
}

/* stores.c, loads.c, raises.c: what their end does. */
void node_end_store(struct node *node, struct transfer *transfer, simtime now);
void node_end_load(struct node *node, struct transfer *transfer, simtime now);
void node_end_prefetch(struct node *node, struct transfer *transfer, simtime now);
void node_end_raise(struct node *node, struct transfer *transfer);

/* Tiers have other content than before: turns that wait may find more or less there. */
void node_note_tiers(struct node *node);

/* Of the first `blocks` blocks of the content, those that a transfer brings to its target or holds there. */
uint32_t node_blocks_in_common(const struct node *node, const struct transfer *transfer, struct content content,
                               uint32_t blocks);

/* stores.c: `over` is; those that waited for it go on. */
void node_resume_stores(struct node *node, const struct transfer *over, simtime now);

/* The pool of a tier that the member uses; of ASIM_NONE, its HBM. */
static inline struct kv_pool *node_pool(const struct node *node, uint32_t member, uint32_t tier)
{
    return tier == ASIM_NONE ? node->members[member]->pool : node->pools[tier_pool(node->plan, tier, member)];
}

/* Copies the first `blocks` blocks of a content that HBM has to the first tier; false when that has them, or has no
 * room. The blocks stay held in HBM until the end, unless the source is not kept. What is on its way there already is
 * waited for, unless the source is not kept. Of the blocks the first `lasting` may go on to storage. */
bool engine_store(struct instance *instance, uint64_t program, struct content content, uint32_t blocks,
                  uint32_t lasting, bool keeps_source, simtime now);

/* The first `blocks` blocks of the content go to storage, if there is one, as far as the tier above has them. */
void engine_store_lasting(struct instance *instance, uint64_t program, struct content content, uint32_t blocks,
                          simtime now);

/* The same for blocks that a turn has just filled up: not where the tier has lost the ones before, without which they
 * cannot be found. */
void engine_store_more(struct instance *instance, const struct sequence *sequence, uint32_t blocks, simtime now);

/* Stores of a program's KV are under way. */
bool engine_is_storing(const struct instance *instance, uint64_t program);

/* Blocks of the resident that nobody holds but itself, and stores. */
uint32_t engine_private_blocks(const struct instance *instance, const struct kv_holder *holder);

/* Leading blocks of the content that some tier has, and which: of at most n_tokens - 1 tokens, in whole chunks. */
struct tier_hit {
    uint32_t tier;
    uint32_t blocks;
};
struct tier_hit engine_find_below(struct instance *instance, struct content content, uint32_t n_tokens,
                                  uint32_t n_tiers); /* of the first n_tiers */

/* A turn is admitted: tiers that tell what is used often hear of what they have of its prompt. */
void engine_use_tiers(struct instance *instance, const struct sequence *sequence);

/* Starts to bring a waiting turn what `found` says beyond what `hit` has in HBM; blocks for it are free. */
void engine_load(struct instance *instance, struct sequence *sequence, struct kv_hit hit, struct tier_hit found,
                 simtime now);

/* raises.c: a turn has arrived; its raise is cut short, and what has come by then is there; the next time limit of
 * raises, and those up to an instant. */
void engine_raise(struct instance *instance, struct sequence *sequence, simtime now);
void engine_stop_raise(struct instance *instance, const struct sequence *sequence, simtime now);
simtime engine_next_raise_stop(const struct instance *instance);
void engine_stop_late_raises(struct instance *instance, simtime now);

/* Whether the end of a transfer, or of a copy to another instance, may set blocks of HBM free, or give some to a turn
 * that waits. */
bool engine_awaits_blocks(const struct instance *instance);

/* Where everything stands still and no transfer changes that: the last waiting turn other than `sequence` that
 * holds what was loaded for it gives that up, so that turns which hold and wait do not wait for each other. False when
 * there is none. */
bool engine_take_back(struct instance *instance, const struct sequence *sequence, bool by_running);

/* A resident's KV goes to the first tier; it is away from now on, and its blocks are free when the store is over. */
void engine_send_away(struct instance *instance, struct resident *resident, simtime now);

/* Brings a program that is away back to HBM, as far as free blocks allow. */
void engine_prefetch_program(struct instance *instance, struct resident *resident, simtime now);

/* Blocks that stores which make room in HBM will set free. */
uint32_t engine_blocks_leaving(const struct instance *instance);

/* When what is on its way from and to this instance would be over on an idle link. */
simtime engine_copies_end(const struct instance *instance, simtime now);

#endif
