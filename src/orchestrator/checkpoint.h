/* The orchestrator in a store (base/store.h), as a section: how far the programs have come, and those in progress.
 *
 * Slots keep their numbers, because instances name turns by them. Programs in line are not kept: they are prepared
 * again, in slots of their own. Nothing is kept of a program that its number in the workload says.
 */
#ifndef ASIM_ORCHESTRATOR_CHECKPOINT_H
#define ASIM_ORCHESTRATOR_CHECKPOINT_H

#include "base/store.h"
#include "orchestrator/orchestrator.h"

void orchestrator_save(const struct orchestrator *orchestrator, struct store_writer *writer);

/* Fills a fresh orchestrator, made with the same options as the saved one, for `n_instances` instances; false when that
 * is refused, and the reader knows why. Its programs go on with orchestrator_call (turns at an instance) or
 * orchestrator_ready (others). */
bool orchestrator_load(struct orchestrator *orchestrator, uint32_t n_instances, struct store_reader *reader);

/* Programs that orchestrator_next_program has given. */
uint64_t orchestrator_programs_taken(const struct orchestrator *orchestrator);

/* When the last of them arrives; in an open loop. */
simtime orchestrator_last_arrival(const struct orchestrator *orchestrator);

/* Slots are numbered from 0 to one less than this. */
uint32_t orchestrator_slots(const struct orchestrator *orchestrator);

/* A program that has started and not ended is in `slot`. */
bool orchestrator_in_progress(const struct orchestrator *orchestrator, uint32_t slot);

/* Turns of the program in `slot`, 0 when none is in progress there; and whether one of them is ready or at an instance.
 */
uint32_t orchestrator_turns(const struct orchestrator *orchestrator, uint32_t slot);
bool orchestrator_is_live(const struct orchestrator *orchestrator, uint32_t slot, uint32_t turn);

#endif
