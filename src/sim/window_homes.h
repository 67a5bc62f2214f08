/* What window_homes.c and window_sure.c share: the ready turns of a home are entries of 24 bytes. Their payload is the
 * slot, and the service in units of a microsecond or so, rounded down: it is a bound.
 */
#ifndef ASIM_SIM_WINDOW_HOMES_H
#define ASIM_SIM_WINDOW_HOMES_H

#include "sim/windows.h"

enum { HOME_SERVICE_SHIFT = 20 };

static inline struct heap_entry home_entry(const struct ready_turn *turn)
{
    const uint64_t service = (uint64_t)turn->service >> HOME_SERVICE_SHIFT;
    return (struct heap_entry){.key = turn->time,
                               .tie = turn->key,
                               .payload = (service < UINT32_MAX ? service : UINT32_MAX) << 32 | turn->slot};
}

static inline simtime home_service(const struct heap_entry *entry)
{
    return (simtime)(entry->payload >> 32 << HOME_SERVICE_SHIFT);
}

static inline bool home_is_before(const struct heap_entry *entry, simtime time, uint64_t key)
{
    return entry->key < time || (entry->key == time && entry->tie < key);
}

/* The first due turn from the one numbered `from` on that is not before that time and key; n_due: there is none. */
static inline uint32_t home_first_from(const struct home *home, uint32_t from, simtime time, uint64_t key)
{
    while (from < home->n_due && home_is_before(&home->near[from], time, key)) {
        from++;
    }
    return from;
}

/* All turns that are due in the period surely go home. */
static inline bool home_is_sure(const struct windows *windows, uint32_t index, uint32_t most)
{
    const struct router *router = windows->cluster->router;
    const uint64_t coming = windows->coming_home[index];
    return !coming ||
           (router_home_is_open(router, index) && router_outstanding(router, index) + coming <= (uint64_t)most + 1);
}

static inline void unsure_add(struct unsure_homes *list, uint32_t index)
{
    list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
    list->items[list->n++] = index;
}

#endif
