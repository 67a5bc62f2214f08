/* A part of a checkpoint: programs that are to come, clients that are free, and changes that the router has not seen.
 */
#ifndef ASIM_SIM_CHECKPOINT_LINE_H
#define ASIM_SIM_CHECKPOINT_LINE_H

#include "base/simtime.h"
#include "base/store.h"

#include <stdbool.h>
#include <stdint.h>

struct windows;

/* Simulated time ends at SIMTIME_LIMIT, but for the steps of the last turns. */
static inline bool checkpoint_time(simtime time)
{
    return time >= 0 && time <= SIMTIME_LIMIT + SIMTIME_LIMIT / 20;
}

void checkpoint_save_line(const struct windows *windows, struct store_writer *writer);

/* `in_progress`: programs, which clients wait for. */
void checkpoint_load_line(struct windows *windows, struct store_reader *reader, uint64_t in_progress);

#endif
