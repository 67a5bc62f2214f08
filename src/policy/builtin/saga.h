/* SAGA's two halves, which share what is known of tools, programs and tenants.
 *
 *   saga.c        retention: WA-LRU, times to live by tool
 *   saga_share.c  scheduling: the fair share of tenants (AFS)
 */
#ifndef ASIM_POLICY_BUILTIN_SAGA_H
#define ASIM_POLICY_BUILTIN_SAGA_H

#include "policy/builtin/gaps.h"

enum {
    SAGA_IDLE,
    SAGA_REUSE,
    SAGA_SIZE,
    SAGA_COLD,
    SAGA_QUANTILE,
    SAGA_WEIGHT,
    SAGA_LOW,
    SAGA_HIGH,
    SAGA_LONGEST,
    SAGA_DEFAULT_TTL,
    SAGA_SLACK,
    SAGA_LEAST_SLACK,
    SAGA_MEMORY,
};

enum { SAGA_TENANT_SETS = 8, SAGA_TENANTS = SAGA_TENANT_SETS * MEMORY_WAYS };

struct saga_tool {
    struct memory_key key;
    struct log_normal gaps;
    uint64_t went_on, ended; /* programs, with the turn that followed the tool */
};

struct saga_program {
    struct memory_key key;
    uint64_t tenant;
    asim_time attained, deadline;
    uint32_t tool; /* that its last turn followed */
};

struct saga_tenant {
    struct memory_key key;
    double served; /* ps, fading */
    asim_time at;  /* when that was so */
    double share;  /* scratch: of its programs, while priorities are compared */
};

struct saga_state {
    struct saga_tool tools[TOOL_ENTRIES];
    struct saga_program programs[MEMORY_ENTRIES];
    struct saga_tenant tenants[SAGA_TENANTS];
    struct running_mean service; /* of finished programs, ps */
    asim_time seen;              /* when the extremes below were those of the residents */
    uint32_t n_seen;
    asim_time longest_idle;
    uint32_t largest;
};

/* A turn has ended: its tenant has been served. */
void saga_share_ended(const struct asim_context *context, const struct asim_turn *turn);

struct asim_priority saga_share_priority(const struct asim_context *context, const struct asim_turn *turn);

#endif
