/* What the engine calls where policies decide; instance->residency is not NULL then, unless it is said. */
#ifndef ASIM_INSTANCE_RESIDENCY_HOOKS_H
#define ASIM_INSTANCE_RESIDENCY_HOOKS_H

#include "instance/engine.h"

/* ---- residency.c ---- */

/* What policies decide starts and ends with the instance; a turn's facts arrive with it. */
void engine_open_residency(struct instance *instance);
void engine_close_residency(struct instance *instance);
void engine_welcome(struct instance *instance, const struct sequence *sequence, const struct turn_facts *facts);

/* What of a turn's hits came from tiers, for its record. */
void engine_tell_source(const struct instance *instance, const struct sequence *sequence, struct turn_record *record);

/* The blocks that turns and transfers hold, what programs between turns hold alone left out; and adds to the time that
 * they are held: what a stretch of batches does, or the batch that was composed. A turn has blocks for a chunk of its
 * prompt that is about to be added to that: what it holds while it computes again what its program or itself had
 * computed before is counted apart, too. */
uint32_t engine_active_blocks(const struct instance *instance);
void engine_count_active(struct instance *instance, unsigned __int128 block_ps);
void engine_count_batch(struct instance *instance, simtime time);
void engine_note_chunk(struct instance *instance, const struct sequence *sequence);

/* Whether a policy plans transfers for the next step. */
bool engine_plans_transfers(const struct instance *instance);

/* ---- retention.c ---- */

/* A turn ends, arrives, is admitted, is preempted, has gone unserved; its program's KV is elsewhere; the timer. */
void engine_part(struct instance *instance, struct sequence *sequence, simtime now);
void engine_arrive(struct instance *instance, struct sequence *sequence, simtime now);
void engine_return(struct instance *instance, const struct sequence *sequence, simtime now);
void engine_leave(struct instance *instance, const struct sequence *sequence, simtime now);
void engine_go_unserved(struct instance *instance, const struct sequence *sequence, simtime now);
void engine_give_up(struct instance *instance, uint64_t program, simtime now);
void engine_pass_timer(struct instance *instance, simtime now);

/* A store of the program's KV is over. */
void engine_stored(struct instance *instance, uint64_t program, simtime now);

/* Makes `needed` blocks free by giving up what is held between turns, that of program `except` last; false, when that
 * cannot be, mostly without a change. */
bool engine_find_blocks(struct instance *instance, uint32_t needed, bool by_running, uint64_t except, simtime now);

/* ---- ordering.c ---- */

/* A turn's priority; who is admitted next (NULL: nobody); whether the policy sends that turn back; room for the running
 * turns before each batch, true when one was preempted. */
void engine_rank(struct instance *instance, const struct sequence *sequence, simtime now);
struct sequence *engine_next_waiting(struct instance *instance);
bool engine_is_refused(struct instance *instance, const struct sequence *sequence, simtime now);
bool engine_make_room(struct instance *instance, simtime now);

/* Whether a waiting turn may start in the next batch. */
bool engine_may_admit(const struct instance *instance);

/* Whether policies may change their minds about a waiting turn at any time. */
bool engine_watches_waiting(const struct instance *instance);

/* Whether no waiting turn can start before something is released or cached; also where no policy decides. */
static inline bool engine_none_to_admit(const struct instance *instance)
{
    if (instance->residency) {
        return !engine_may_admit(instance);
    }
    return !instance->waiting.n || instance->head_blocked || instance->running.n >= instance->config->max_num_seqs;
}

#endif
