/* Where the KV of every program is, at instants that the settings name: the records of asim_result_residency.
 *
 * Both engines stop at each of these instants as they do at the end of a run (everything before it has happened,
 * nothing else), so the records are the same for any number of threads. What they say is looked up then, in the
 * orchestrator, the instances and the pools: a run without such instants keeps nothing for it. A look-up is made of
 * every context at every instance.
 *
 *   residency_table.c   instants and records
 *   residency_survey.c  what there is at an instant: turns, holders, transfers, and what is found where
 */
#ifndef ASIM_SIM_RESIDENCY_TABLE_H
#define ASIM_SIM_RESIDENCY_TABLE_H

#include "asim/asim.h"
#include "base/mem.h"
#include "base/simtime.h"
#include "options/instants.h"
#include "options/settings.h"

struct cluster;

struct residency_table {
    struct instants at;
    size_t next_at;
    simtime every, next_every; /* SIMTIME_NEVER: not */
    simtime next;              /* instant; SIMTIME_NEVER: none */
    asim_residency *records;
    size_t n_records, record_capacity;
    struct arena arena; /* what they point to */
};

/* NULL: the settings ask for none. */
struct residency_table *residency_table_create(const struct settings *settings);
void residency_table_destroy(struct residency_table *table);

/* Adds the records of the next instant, to which all instances have been brought; where no program is in progress and
 * none is to come, there are none, and no instant comes any more. */
void residency_table_take(struct residency_table *table, struct cluster *cluster, bool more_come);

#endif
