/* KV on its way between the tiers of a node.
 *
 *   node.c        tiers, links, and the instances that share them
 *   transfers.c   stores and loads: what they hold, when they start and what their end does
 *   node_store.c  all of that in a file
 */
#ifndef ASIM_INSTANCE_TRANSFERS_H
#define ASIM_INSTANCE_TRANSFERS_H

#include "hw/link/network.h"
#include "instance/node.h"
#include "instance/residency.h"
#include "kv/pool.h"

enum transfer_kind {
    TRANSFER_STORE,   /* HBM to the first tier */
    TRANSFER_COPY,    /* a tier to the next one below */
    TRANSFER_LOAD,    /* a tier to HBM, for a turn that waits */
    TRANSFER_PREFETCH /* the same for a program between turns */
};

/* Blocks are held at both ends until it is over, and can be found at the far end only then. */
struct transfer {
    enum transfer_kind kind;
    bool is_live;
    uint32_t member;   /* of the node */
    uint32_t from, to; /* tiers; ASIM_NONE: HBM */
    struct kv_holder source, target;
    struct extent_list content;
    uint32_t blocks; /* of the content, at the far end afterwards */
    uint32_t moving; /* of those, not there before */
    uint32_t flow;
    uint64_t program;
    struct sequence *sequence; /* TRANSFER_LOAD: holds the target itself */
};

struct node {
    const struct tier_plan *plan;
    uint32_t block_size;
    struct kv_pool *pools[MAX_TIERS];
    struct network *network;
    struct instance **members;
    size_t n_members, member_capacity;
    struct transfer **transfers; /* by tag */
    size_t n_transfers, transfer_capacity;
    uint32_t *free_tags;
    size_t n_free_tags, free_tag_capacity;
};

/* The number of a transfer that nobody uses. */
uint32_t node_take_tag(struct node *node);

/* What the network is told of a transfer; `path` is memory for it. */
struct network_transfer node_flow(const struct node *node, uint32_t tag, uint32_t path[2]);

/* The pool of a tier; of ASIM_NONE, a member's HBM. */
static inline struct kv_pool *node_pool(const struct node *node, uint32_t member, uint32_t tier)
{
    return tier == ASIM_NONE ? node->members[member]->pool : node->pools[tier];
}

/* Copies the first `blocks` blocks of a content that HBM has to the first tier; false when that has them, or has no
 * room. The blocks stay held in HBM until the end, unless the source is not kept. */
bool engine_store(struct instance *instance, uint64_t program, struct content content, uint32_t blocks,
                  bool keeps_source, simtime now);

/* Leading blocks of the content that some tier has, and which: of at most n_tokens - 1 tokens, in whole chunks. */
struct tier_hit {
    uint32_t tier;
    uint32_t blocks;
};
struct tier_hit engine_find_below(struct instance *instance, struct content content, uint32_t n_tokens);

/* Starts to bring a waiting turn what `found` says beyond what `hit` has in HBM; blocks for it are free. */
void engine_load(struct instance *instance, struct sequence *sequence, struct kv_hit hit, struct tier_hit found,
                 simtime now);

/* Whether the end of a transfer may set blocks of HBM free, or give some to a turn that waits. */
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
