/* One round of the ring, for the engines of the simulation: what happens when a program starts, a turn is dispatched
 * and a turn ends. The engines differ in the order in which they come to these, and in who keeps the ready turns.
 */
#ifndef ASIM_SIM_RING_H
#define ASIM_SIM_RING_H

#include "sim/cluster.h"

/* Called now and then, while nothing else touches the cluster; returning true ends the run early. NULL: never. */
typedef bool (*run_pulse)(void *user, const struct cluster *cluster);

/* Chooses the instance of a ready turn; the router's views are up to date. ASIM_NONE when the policy's answer is
 * nonsense, which ends the run (router_fault). */
uint32_t ring_route(struct cluster *cluster, const struct ready_turn *turn);

/* The present turn of `slot` as instances get it; with `bounded` they are asked for their earliest effects. */
struct turn_arrival ring_arrival(const struct cluster *cluster, uint32_t slot, bool bounded);

/* Puts the present turn of `slot` in the inbox of an instance; with `bounded` the instance is asked for its
 * earliest effect. */
void ring_deliver(const struct cluster *cluster, uint32_t instance, uint32_t slot, bool bounded);

/* Records a turn that ended, and its program when it was the last; says what comes next. */
enum turn_outcome ring_end(const struct cluster *cluster, const struct turn_end *end, struct recorder *recorder,
                           struct ready_turn *next);

/* After a whole run: what programs hold between turns is given up. Nothing may be left anywhere then: each turn that
 * started has ended, and every KV block is free; aborts otherwise (debug builds). */
void ring_finish(const struct cluster *cluster);

#endif
