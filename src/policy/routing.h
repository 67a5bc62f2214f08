/* The routing plane: which instance gets a ready turn.
 *
 * A policy sees the router's view (telemetry snapshots and the router's own record of what it sent since) and the turn;
 * it keeps no state of its own beyond the words the router gives it.
 */
#ifndef ASIM_POLICY_ROUTING_H
#define ASIM_POLICY_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#define NO_INSTANCE UINT32_MAX

/* What is known of one instance when a turn is routed. */
struct instance_view {
    uint32_t outstanding; /* turns there: in the last snapshot, plus those sent that it had not received */
    uint32_t used_blocks; /* KV blocks held by turns in the last snapshot */
    uint32_t usable_blocks;
};

struct routing_view {
    const struct instance_view *instances;
    uint32_t n_instances;
    uint64_t outstanding;  /* sum over instances */
    uint32_t least_loaded; /* fewest outstanding turns; ties by KV use, then by number */
};

/* What a policy looks at besides the turn and its own past choices. */
enum policy_reads {
    READS_NOTHING,
    READS_VIEW, /* the instances */
};

struct routing_request {
    uint64_t program;
    uint32_t turn;
    uint32_t home; /* instance of the program's previous turn, or NO_INSTANCE */
};

struct routing_parameters {
    double pressure_limit; /* KV use above which a program leaves its instance, fraction */
    double load_limit;     /* outstanding turns, as a multiple of the mean, above which it leaves */
};

/* Chooses an instance; `state` is one word that the router keeps for the policy, 0 at first. */
typedef uint32_t (*routing_fn)(const struct routing_parameters *parameters, const struct routing_view *view,
                               const struct routing_request *request, uint64_t *state);

/* When a policy surely sends a turn to the home of its program, for engines that need not ask it then: while the home
 * holds no more than `most_blocks` in its last snapshot and has no more than `most_turns` outstanding. Both may only
 * depend on what they are given, and `most_turns` may not fall when more turns are outstanding over all. */
struct routing_homing {
    uint32_t (*most_blocks)(const struct routing_parameters *parameters, uint32_t usable_blocks);
    uint32_t (*most_turns)(const struct routing_parameters *parameters, uint64_t outstanding, uint32_t n_instances);
};

extern const struct routing_homing session_affinity_homing;

uint32_t route_round_robin(const struct routing_parameters *parameters, const struct routing_view *view,
                           const struct routing_request *request, uint64_t *state);
uint32_t route_least_loaded(const struct routing_parameters *parameters, const struct routing_view *view,
                            const struct routing_request *request, uint64_t *state);
uint32_t route_session_affinity(const struct routing_parameters *parameters, const struct routing_view *view,
                                const struct routing_request *request, uint64_t *state);

#endif
