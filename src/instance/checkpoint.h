/* An instance in a store (base/store.h), as part of the caller's section: everything that decides its future, and its
 * counters. A loaded instance goes on exactly as the saved one.
 *
 * Kept are the turns in the order of their lists, the batches in flight and who ends with them, the pool, and the
 * clocks; where policies decide, their states and the programs between turns. Aggregates (the decode set, bounds of
 * effects) are built anew from the turns. What a turn borrows from its sender is not kept: the sender gives it back by
 * slot.
 */
#ifndef ASIM_INSTANCE_CHECKPOINT_H
#define ASIM_INSTANCE_CHECKPOINT_H

#include "base/store.h"
#include "instance/instance.h"

/* The outbox must be empty, and so must be what instance_keep_changes has kept. */
void instance_save(const struct instance *instance, struct store_writer *writer);

/* Turn `turn` of `slot` as it was delivered, with what it borrows; false when there is no such turn. */
typedef bool (*instance_lender)(void *user, uint32_t slot, uint32_t turn, struct turn_arrival *out);

/* Fills a fresh instance, created as the saved one was (only the stepping may differ). A file may hold anything: false
 * when something does not fit together; the reader has the reason then, and the instance may only be destroyed. One
 * that shares tiers is not known to be sound before its node is loaded. */
bool instance_load(struct instance *instance, struct store_reader *reader, instance_lender lend, void *user);

/* The tiers of a node and what is on its way between them: saved once, after its members, and loaded when they are.
 * When it is refused, node and members may only be destroyed; node_forsake makes that so when a member was refused. */
struct node;
void node_save(const struct node *node, struct store_writer *writer);
bool node_load(struct node *node, struct store_reader *reader);
void node_forsake(struct node *node);

/* What the turns inside hold is not to be released: the instance was not found sound. */
void instance_forsake(struct instance *instance);

/* The telemetry instant of the state that is kept for it: none before it can be asked for; negative when none is kept.
 */
simtime instance_kept_instant(const struct instance *instance);

#endif
