/* The instances of one host, or of several that share a tier: the KV tiers below HBM, and the links between.
 *
 * A tier is a pool of blocks like that of HBM (kv/pool.h): content-addressed, LRU or ARC, blocks in use held by whoever
 * moves them. What is stored in a tier is copied on to the next one below, so a lower tier holds what an upper one has
 * and what that had to give up; a load takes the first tier that has the most.
 *
 * The instances of a node meet in its network and its tiers at exact times: node_advance carries them on together. A
 * node of one instance is nothing but that instance.
 */
#ifndef ASIM_INSTANCE_NODE_H
#define ASIM_INSTANCE_NODE_H

#include "instance/instance.h"
#include "instance/tiers/tier_plan.h"

struct node;
struct network;

/* `plan` is borrowed. */
struct node *node_create(const struct tier_plan *plan, uint32_t block_size);
void node_destroy(struct node *node);

/* Carries all members on, as instance_advance; returns the first one with an outbox to take, NULL when there is none
 * before `limit`. */
struct instance *node_advance(struct node *node, struct event_key limit);

/* Gives up what is on its way: before the members are destroyed. */
void node_end(struct node *node);

/* The next instant at which a transfer begins or ends; and takes what ends up to an instant. */
simtime node_next(const struct node *node);
void node_pass(struct node *node, simtime now);

/* What the links of the node have carried, by kind, added to *sums: every GPU's copies out and in, then each tier,
 * written and read, which are one link where it is not duplex (the first of the two then). */
enum { NODE_LINK_OUT, NODE_LINK_IN, NODE_LINK_TIERS, NODE_LINKS = NODE_LINK_TIERS + 2 * MAX_TIERS };
struct node_links {
    uint64_t bytes[NODE_LINKS];
    unsigned __int128 busy_ps[NODE_LINKS]; /* time with at least one transfer under way */
};
void node_add_links(const struct node *node, struct node_links *sums);

/* The number of an instance's place in the node: instances join in order. */
uint32_t node_join(struct node *node, struct instance *instance);

#endif
