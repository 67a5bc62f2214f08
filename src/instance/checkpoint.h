/* An instance in a store (base/store.h), as part of the caller's section: everything that decides its future, and its
 * counters. A loaded instance goes on exactly as the saved one.
 *
 * Kept are the turns in the order of their lists, the batches in flight and who ends with them, the pool, and the
 * clocks. Aggregates (the decode set, bounds of effects) are built anew from the turns. What a turn borrows from its
 * sender is not kept: the sender gives it back by slot.
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
 * when something does not fit together; the reader has the reason then, and the instance may only be destroyed. */
bool instance_load(struct instance *instance, struct store_reader *reader, instance_lender lend, void *user);

/* The telemetry instant of the state that is kept for it: none before it can be asked for; negative when none is kept.
 */
simtime instance_kept_instant(const struct instance *instance);

#endif
