/* All built-in policies, by plane: the one door through which the simulator finds them by name. */
#ifndef ASIM_POLICY_POLICY_TABLE_H
#define ASIM_POLICY_POLICY_TABLE_H

#include "policy/routing.h"

#include <stddef.h>

enum policy_plane { POLICY_ROUTING, POLICY_SCHEDULING, POLICY_RETENTION };

struct policy_entry {
    enum policy_plane plane;
    const char *name;
    const char *summary;
    const char *source;
    routing_fn route; /* routing plane only; the other planes' entries are the engine's own rules */
    enum policy_reads reads;
    const struct routing_homing *homing; /* NULL: nothing is sure of turns with a home */
};

size_t policy_count(void);
const struct policy_entry *policy_at(size_t index);
const char *policy_plane_name(enum policy_plane plane);

/* NULL when the plane has no policy of that name. */
const struct policy_entry *policy_find(enum policy_plane plane, const char *name);

#endif
