/* What the engine calls where something lies below HBM; instance->node is not NULL then. */
#ifndef ASIM_INSTANCE_TIERS_HOOKS_H
#define ASIM_INSTANCE_TIERS_HOOKS_H

#include "instance/engine.h"

/* ---- fills.c ---- */

/* What is stored as blocks fill up; a turn that decodes from now on, or does so until now; what the step just scheduled
 * for `batch` fills, by turns that decode and by a chunk of a prompt; its end. */
void engine_open_fills(struct instance *instance);
void engine_close_fills(struct instance *instance);
void engine_fills_enter(struct instance *instance, const struct sequence *sequence);
void engine_fills_leave(struct instance *instance, const struct sequence *sequence);
void engine_fill_decoded(struct instance *instance, const struct batch *batch);
void engine_fill_computed(struct instance *instance, const struct batch *batch, struct sequence *sequence);
bool engine_batch_fills(const struct instance *instance, const struct batch *batch);
void engine_end_step(struct instance *instance, const struct batch *batch, simtime now);

/* The decode clock of the next step in which a turn that decodes fills something; INT64_MAX: none does. */
int64_t engine_next_fill(const struct instance *instance);

/* ---- raises.c ---- */

/* Where policies decide, a waiting turn may not be admitted before what comes up from storage is there; and how many
 * such there are. */
bool engine_awaits_raise(const struct instance *instance, const struct sequence *sequence);
uint32_t engine_awaiting_raises(const struct instance *instance);

#endif
