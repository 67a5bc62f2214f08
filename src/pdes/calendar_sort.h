/* Sorts calendar entries by (time, tie).
 *
 * Few entries are inserted in place. More are cast into about half as many buckets by equal steps of time (of tie
 * where all times are equal), and the buckets sorted: linear for times that are spread out, which those of one slot of
 * the calendar are. Each round divides the range of keys by at least sixteen, so no input needs more than 32 rounds.
 */
#ifndef ASIM_PDES_CALENDAR_SORT_H
#define ASIM_PDES_CALENDAR_SORT_H

#include "pdes/calendar.h"

/* `scratch` has room for n entries. */
void calendar_sort(struct calendar_entry *entries, size_t n, struct calendar_entry *scratch);

/* As many as this are inserted in place, and `scratch` is not looked at. */
enum { CALENDAR_SORT_FEW = 24 };

#endif
