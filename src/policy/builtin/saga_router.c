/* SAGA across instances: a turn goes home while its KV is there, and work is stolen. An instance that has had nothing
 * to do for a while takes the oldest turn that waits at another one, drawn among those with clearly more to do; with
 * the turn its program moves there, and so does its KV.
 */
#include "policy/builtin/builtin.h"
#include "policy/builtin/memory_table.h"
#include "policy/builtin/routing_draw.h"

#include "base/mem.h"

enum { LOAD_LIMIT, IDLE, IMBALANCE };

static const struct asim_parameter parameters[] = {
    [LOAD_LIMIT] = {.name = "load_limit",
                    .help = "KV use from which a program leaves its instance; fraction",
                    .kind = ASIM_NUMBER,
                    .value = 0.8,
                    .min = 0.0,
                    .max = 1.0},
    [IDLE] = {.name = "idle",
              .help = "after which an instance without turns takes one of another",
              .kind = ASIM_DURATION,
              .value = 100.0 * ASIM_MILLISECOND,
              .min = 0,
              .max = 1e6 * ASIM_SECOND},
    [IMBALANCE] = {.name = "imbalance",
                   .help = "turns there over own ones, above which it does; factor",
                   .kind = ASIM_NUMBER,
                   .value = 2.0,
                   .min = 1.0,
                   .max = 1e9},
};

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    const uint32_t home = request->home;
    if (home != ASIM_NONE && routing->overlap[home] > 0) {
        const struct asim_instance_view *view = &routing->instances[home];
        if (view->used_blocks < routing->parameters[LOAD_LIMIT] * view->usable_blocks) {
            return home;
        }
    }
    return routing->least_loaded;
}

/* ---- work stealing ---- */

/* An instance that has nothing to do. */
struct idler {
    struct memory_key key;
    asim_time since;
};

enum { IDLER_SETS = 1024 };

struct state {
    struct idler idlers[IDLER_SETS * MEMORY_WAYS];
};

/* Whether the instance has been idle for long. */
static bool is_thief(const struct asim_routing *routing, uint32_t instance)
{
    struct state *state = routing->state;
    struct idler *idler = memory_find(state->idlers, IDLER_SETS, sizeof *idler, instance);
    if (routing->instances[instance].outstanding) {
        if (idler) {
            memory_forget(idler, sizeof *idler);
        }
        return false;
    }
    if (!idler) {
        idler = memory_take(state->idlers, IDLER_SETS, sizeof *idler, instance, routing->now);
        idler->since = routing->now;
    }
    return (double)(routing->now - idler->since) >= routing->parameters[IDLE];
}

/* Turns that wait there; `stolen` of them have been taken already. */
static bool is_victim(const struct asim_routing *routing, uint32_t instance, uint32_t thief, uint32_t stolen)
{
    const struct asim_instance_view *view = &routing->instances[instance];
    return view->waiting > stolen &&
           view->outstanding > routing->parameters[IMBALANCE] * routing->instances[thief].outstanding;
}

/* Takes the oldest turn that waits at a victim: those that run were sent before it. */
static void steal(const struct asim_routing *routing, const struct asim_gateway *gateway, uint32_t thief,
                  uint64_t *random, uint32_t *stolen)
{
    struct best_draw drawn = {.random = *random};
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        if (is_victim(routing, i, thief, stolen[i])) {
            best_offer(&drawn, i, 0.0);
        }
    }
    *random = drawn.random;
    if (!drawn.n_equal) {
        return;
    }
    const uint32_t victim = drawn.index;
    const uint32_t oldest = routing->instances[victim].running + stolen[victim]++;
    if (oldest < gateway->n_sent(gateway->handle, victim)) {
        gateway->move_with_kv(gateway->handle, victim, oldest, thief);
    }
}

static void route_tick(const struct asim_routing *routing, const struct asim_gateway *gateway)
{
    uint64_t random = routing->random;
    uint32_t *stolen = NULL; /* by instance */
    for (uint32_t i = 0; i < routing->n_instances; i++) {
        if (is_thief(routing, i)) {
            stolen = stolen ? stolen : mem_zalloc(routing->n_instances * sizeof *stolen);
            steal(routing, gateway, i, &random, stolen);
        }
    }
    mem_free(stolen);
}

const struct asim_policy policy_saga_router = {
    POLICY_HEAD,
    .name = "saga-router",
    .summary = "home while its KV is there and the instance is not loaded, else the least loaded; idle instances steal",
    .source = "SAGA (arXiv 2605.00528), session affinity and work stealing",
    .assumed =
        "load is KV use in the last snapshot for affinity, turns for stealing; KV is there if the router's "
        "record has it; of a stolen turn's KV what HBM has comes along, over one NIC a GPU; instances are looked "
        "at when telemetry comes",
    POLICY_PARAMETERS(parameters),
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_OVERLAP | ASIM_POLICY_READS_RANDOM,
    .state_size = sizeof(struct state),
    .route = route,
    .route_tick = route_tick,
};
