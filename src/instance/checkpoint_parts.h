/* The parts of a saved instance, each in a file of its own.
 *
 *   checkpoint.c                  an instance is loaded
 *   checkpoint_sound.c            whether a turn can be as it was saved
 *   checkpoint_save.c             an instance is saved
 *   residency/residency_store.c   policies, the programs between turns, what is known of turns
 *   tiers/node_store.c            tiers and transfers of those that share them
 */
#ifndef ASIM_INSTANCE_CHECKPOINT_PARTS_H
#define ASIM_INSTANCE_CHECKPOINT_PARTS_H

#include "base/store.h"
#include "instance/engine.h"
#include "kv/pool_internal.h"
#include "kv/pool_store.h"
#include "workload/extent.h"

/* Simulated time ends at SIMTIME_LIMIT, but for the steps of the last turns. */
#define SAVED_LATEST (SIMTIME_LIMIT + SIMTIME_LIMIT / 20)

static inline bool saved_time(simtime time)
{
    return time >= 0 && time <= SAVED_LATEST;
}

static inline bool saved_time_or_never(simtime time)
{
    return saved_time(time) || time == SIMTIME_NEVER;
}

/* Whether a turn can be as it was loaded, behind those of the list; NULL: in none, while its KV is copied elsewhere. */
bool checkpoint_is_sound(const struct instance *instance, const struct sequence_list *list,
                         const struct sequence *sequence);

/* The reader is told of what does not fit together in an instance that is loaded, and its tiers. */
void checkpoint_accept(const struct instance *instance, struct store_reader *reader);

/* Once the turns are there. */
void residency_save(const struct instance *instance, struct store_writer *writer);
void residency_load(struct instance *instance, struct store_reader *reader);

/* What residents hold is not to be released. */
struct residency;
void residency_forsake(struct residency *residency);

/* A content that somebody keeps; the list is empty before it is loaded. */
void saved_content_put(const struct extent_list *list, struct store_writer *writer);
void saved_content_get(struct extent_list *list, struct store_reader *reader);

#endif
