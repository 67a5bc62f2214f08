/* The session-aware router: sends each ready turn to an instance and remembers where programs live.
 *
 * What it may see is part of the model: one telemetry snapshot of every instance per period, and its own record of what
 * it sent since. The caller refreshes the snapshots (router_observe) before it routes; the policy decides.
 */
#ifndef ASIM_ROUTER_ROUTER_H
#define ASIM_ROUTER_ROUTER_H

#include "base/simtime.h"
#include "instance/instance.h"
#include "policy/policy_table.h"

struct router;

struct router_options {
    uint32_t n_instances;
    uint32_t usable_blocks; /* KV blocks per instance */
    simtime telemetry_period;
    routing_fn policy;
    struct routing_parameters parameters;
};

/* How programs with a KV home fared. A turn is cold when its program has none yet. */
struct router_counters {
    uint64_t affinity_hits;   /* went home */
    uint64_t affinity_breaks; /* had a home and went elsewhere */
    uint64_t cold;
};

struct router *router_create(const struct router_options *options);
void router_destroy(struct router *router);

/* The telemetry instant that a decision at `now` sees, or -1 when its snapshots are there already. */
simtime router_wants_snapshot(const struct router *router, simtime now);

/* Hands over the snapshot of one instance at the wanted instant; call for each, then router_snapshots_done. */
void router_observe(struct router *router, uint32_t instance, const struct load_snapshot *snapshot);
void router_snapshots_done(struct router *router, simtime instant);

/* Chooses the instance of a turn; `slot` names the program among those in progress. */
uint32_t router_route(struct router *router, uint32_t slot, const struct routing_request *request);

/* The program in `slot` is over. */
void router_forget(struct router *router, uint32_t slot);

/* The instance the program's last turn went to, or NO_INSTANCE. */
uint32_t router_home(const struct router *router, uint32_t slot);

const struct router_counters *router_counters(const struct router *router);

#endif
