#include "policy/builtin/builtin.h"
#include "policy/builtin/memory_table.h"

enum { VIRTUAL_NODES };

static const struct asim_parameter parameters[] = {
    [VIRTUAL_NODES] = {.name = "virtual_nodes",
                       .help = "points of each instance on the ring",
                       .kind = ASIM_NUMBER,
                       .value = 64,
                       .min = 1,
                       .max = 65536},
};

/* The instance whose point comes first at or after the program's, round the ring. Instances neither come nor go, so a
 * program's home is that instance: the ring is walked once for each program. */
static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    if (request->home != ASIM_NONE) {
        return request->home;
    }
    const uint32_t points = (uint32_t)routing->parameters[VIRTUAL_NODES];
    const uint64_t place = memory_hash(request->program ^ UINT64_C(0x5851f42d4c957f2d));
    uint32_t nearest = 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        for (uint32_t k = 0; k < points; k++) {
            const uint64_t ahead = memory_hash((uint64_t)(i + 1) << 32 | k) - place;
            if (ahead < least) {
                nearest = i;
                least = ahead;
            }
        }
    }
    return nearest;
}

const struct asim_policy policy_consistent_hash = {
    POLICY_HEAD,
    .name = "consistent-hash",
    .summary = "a program stays where its hash lies on a ring of virtual nodes; sees nothing",
    .source = "Karger et al., Consistent hashing and random trees (1997)",
    POLICY_PARAMETERS(parameters),
    .route = route,
};
