/* The session-aware router: sends each ready turn to an instance.
 *
 * What it may see is part of the model: with the telemetry view one snapshot of every instance per period and its own
 * record of what it sent since; with the exact view the state of every instance after its last step end. The caller
 * refreshes the snapshots (router_observe) before it routes; the policy decides.
 */
#ifndef ASIM_ROUTER_ROUTER_H
#define ASIM_ROUTER_ROUTER_H

#include "base/simtime.h"
#include "base/store.h"
#include "instance/instance.h"
#include "policy/policy_fault.h"
#include "policy/policy_set.h"

struct router;

enum router_view { ROUTER_VIEW_TELEMETRY, ROUTER_VIEW_EXACT };

struct router_options {
    uint32_t n_instances;
    uint32_t usable_blocks; /* KV blocks per instance */
    uint32_t block_size;    /* tokens */
    enum router_view view;
    simtime telemetry_period;
    const struct policy_use *policy; /* the caller's, as long as the router */
    uint64_t seed;                   /* of what policies draw at random */
    simtime round_trip;              /* from here to an instance and back */
};

/* How programs with a KV home fared. A turn is cold when its program has none yet. */
struct router_counters {
    uint64_t affinity_hits;   /* went home */
    uint64_t affinity_breaks; /* had a home and went elsewhere */
    uint64_t cold;
    uint64_t held;  /* turns that waited at the gateway, not counted above until they were sent */
    uint64_t moved; /* turns that were sent once more */
};

struct router *router_create(const struct router_options *options);
void router_destroy(struct router *router);

/* The instant whose snapshots a decision at `now` sees, or -1 when they are there already or the policy looks at none:
 * the last multiple of the telemetry period, or, with the exact view, `now` itself. */
simtime router_wants_snapshot(const struct router *router, simtime now);

/* The first instant at which a decision wants new snapshots; SIMTIME_NEVER when the policy looks at none. */
simtime router_next_snapshot(const struct router *router);

/* Hands over the snapshot of one instance at the wanted instant; call for those that may have changed, then
 * router_snapshots_done. */
void router_observe(struct router *router, uint32_t instance, const struct load_snapshot *snapshot);
void router_snapshots_done(struct router *router, simtime instant);

/* What a block of instances has outstanding. */
struct block_load {
    uint64_t outstanding;
    uint32_t most; /* at one of them */
    bool full;     /* one of them is not open (below) */
};

/* The same in blocks of `size` instances, side by side: those from `first`, a multiple of it, of which there are n.
 * Blocks where nothing has changed may be left out. router_blocks_observed ends it, with the sum of what is
 * outstanding.
 */
struct block_load router_observe_block(struct router *router, uint32_t first, uint32_t n, uint32_t size,
                                       const struct load_snapshot *snapshots);
void router_blocks_observed(struct router *router, uint32_t size, uint64_t outstanding, simtime instant);

/* The state of one instance changed, for the exact view. */
void router_update(struct router *router, uint32_t instance, const struct load_snapshot *snapshot);

/* Whether the policy looks at prompts: then each request has its prompt_toks, and the prompt is shown (a content that
 * begins with it) before it is routed. */
bool router_wants_prompt(const struct router *router);
void router_show_prompt(struct router *router, struct content prompt);

/* Chooses the instance of a turn that is ready at `now`; ASIM_HELD when it is to wait at the gateway, ASIM_NONE when
 * the policy names none that there is, see router_fault. */
uint32_t router_route(struct router *router, const struct asim_request *request, simtime now);

/* Sends a turn to an instance that is known; its prompt was shown if the policy looks at prompts. */
enum sent_as { SENT_ROUTED, SENT_RELEASED, SENT_MOVED };
void router_send(struct router *router, const struct asim_request *request, uint32_t chosen, enum sent_as as,
                 simtime now);

/* router/gateway.h; NULL: the policy hears of no ends and never ticks. */
struct gateway *router_gateway(const struct router *router);

const struct policy_fault *router_fault(const struct router *router);

/* ---- turns that surely go home ----
 *
 * Where the policy says when a turn surely goes home (policy/homing.h), such turns need not be routed one by one: they
 * are counted, at the latest before the instance is looked at by a decision after them. */

/* Whether the policy says so, of the telemetry view. */
bool router_knows_homes(const struct router *router);

/* A turn surely goes home to an open instance with at most so many turns outstanding before it, once `more` turns than
 * counted are outstanding over all, or later; until new snapshots. */
bool router_home_is_open(const struct router *router, uint32_t instance);
uint32_t router_home_most(const struct router *router, uint64_t more);

uint32_t router_outstanding(const struct router *router, uint32_t instance);

/* Turns went home: n of one instance, side by side for different instances, and of all together. */
void router_sent_home_apart(struct router *router, uint32_t instance, uint32_t n);
void router_sent_home(struct router *router, uint64_t n);

/* The instance that a decision would take as the least loaded. *current: all turns that were counted there were known
 * when it was found; otherwise they are now: ask again. */
uint32_t router_least_loaded(struct router *router, bool *current);

/* Who is likely to be asked about next, fetched. */
uint32_t router_prefetch_least(const struct router *router);

const struct router_counters *router_counters(const struct router *router);

/* Turns sent to an instance, ever. */
uint64_t router_sent(const struct router *router, uint32_t instance);

/* All that it has seen and done, as a section (base/store.h). router_load fills a fresh router made with the same
 * options; false when that is refused, and the reader knows why. */
void router_save(const struct router *router, struct store_writer *writer);
bool router_load(struct router *router, struct store_reader *reader);

#endif
