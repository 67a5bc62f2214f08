/* One round of the ring, for the engines of the simulation: what happens when a program starts, a turn is dispatched
 * and a turn ends. The engines differ in the order in which they come to these, and in who keeps the ready turns.
 */
#ifndef ASIM_SIM_RING_H
#define ASIM_SIM_RING_H

#include "router/gateway.h"
#include "sim/cluster.h"

/* Called now and then, while nothing else touches the cluster; returning true ends the run early. NULL: never. */
typedef bool (*run_pulse)(void *user, const struct cluster *cluster);

/* Chooses the instance of a ready turn; the router's views are up to date. ASIM_HELD when the turn stays at the
 * gateway, ASIM_NONE when the policy's answer is nonsense, which ends the run (router_fault). */
uint32_t ring_route(struct cluster *cluster, const struct ready_turn *turn);

/* A turn of `slot` as instances get it; with `bounded` they are asked for their earliest effects. */
struct turn_arrival ring_arrival(const struct cluster *cluster, uint32_t slot, uint32_t turn, bool bounded);

/* Puts a turn of `slot`, which arrives at `time` with KV of `kv_blocks` blocks of its prompt, in the inbox of an
 * instance; with `bounded` the instance is asked for its earliest effect. */
void ring_deliver(const struct cluster *cluster, uint32_t instance, uint32_t slot, uint32_t turn, uint32_t kv_blocks,
                  simtime time, bool bounded);

/* ---- where the router's policy hears of ends, or ticks (router/gateway.h) ---- */

/* What it is to hear after ring_end of a turn: one or two ends. */
enum { RING_ENDS = 2 };
size_t ring_tell_end(const struct turn_end *end, enum turn_outcome outcome, const struct ready_turn *next,
                     struct gateway_end out[RING_ENDS]);

/* A turn that left its instance unserved, on its way back. */
struct gateway_turn ring_unserved(const struct cluster *cluster, const struct turn_end *end);

/* What of the KV of a turn that was at the gateway is where it is sent now. */
static inline uint32_t ring_kv_blocks(const struct gateway_turn *turn, uint32_t instance)
{
    return turn->kv_at == instance ? turn->kv_blocks : 0;
}

/* A turn that is back at the gateway is routed at `now`: its instance, as ring_route. */
uint32_t ring_route_again(struct cluster *cluster, const struct gateway_turn *turn, simtime now);

/* The tick that is due; the views are up to date, and the policy has heard of ends. `send` is called for held turns
 * that are sent to turn->to; `recall` when an instance was asked for a turn, of which the cluster hears at `effect`.
 * False when the policy's answer was nonsense (router_fault). */
struct ring_orders {
    void (*send)(void *user, const struct gateway_turn *turn, simtime now);
    void (*recall)(void *user, uint32_t instance, simtime arrival, simtime effect);
    void *user;
};
bool ring_tick(struct cluster *cluster, bool more_come, const struct ring_orders *orders);

/* Instances whose hosts' tiers are shared go on together: those of one group, from a multiple of this number; 1: each
 * by itself. */
static inline uint32_t ring_together(const struct cluster *cluster)
{
    return cluster->plan.tiers.n_tiers ? cluster->plan.tiers.node_instances : 1;
}

/* Advances an instance, and those that it shares tiers with. Returns the one whose ended turns are to be taken before
 * it is called again, ASIM_NONE when none has any. */
uint32_t ring_advance_node(const struct cluster *cluster, uint32_t index, struct event_key limit);

static inline uint32_t ring_advance(const struct cluster *cluster, uint32_t index, struct event_key limit)
{
    if (ring_together(cluster) > 1) {
        return ring_advance_node(cluster, index, limit);
    }
    return instance_advance(cluster->instances[index], limit) ? index : ASIM_NONE;
}

/* Records a turn that ended, and its program when it was the last; says what comes next. After TURN_WAS_LAST,
 * next->time is the end of the program. */
enum turn_outcome ring_end(const struct cluster *cluster, const struct turn_end *end, struct recorder *recorder,
                           struct ready_turn *next);

/* Reports the first nonsense answer that a policy gave inside an instance; false when there is none. */
bool ring_report_fault(const struct cluster *cluster, struct diag *diag);

/* After a whole run: what programs hold between turns is given up. Nothing may be left anywhere then: each turn that
 * started has ended, and every KV block is free; aborts otherwise (debug builds). False, with an error, when programs
 * are left. */
bool ring_finish(const struct cluster *cluster, struct diag *diag);

#endif
