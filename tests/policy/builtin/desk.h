/* One policy on a table: an instance that is only what the test says it is, on which functions of the policy are called
 * one by one. */
#ifndef ASIM_TESTS_POLICY_BUILTIN_DESK_H
#define ASIM_TESTS_POLICY_BUILTIN_DESK_H

#include "asim/policy.h"

enum { DESK_MOST = 8 };

enum desk_wish_kind { DESK_PIN, DESK_RELEASE, DESK_OFFLOAD, DESK_PREFETCH };

struct desk_wish {
    enum desk_wish_kind kind;
    uint64_t program;
    asim_time until;
};

struct desk {
    const struct asim_policy *policy;
    struct asim_context context; /* 1000 blocks of 16 tokens, all free; no tier */
    struct asim_host host;
    double parameters[16];    /* the policy's defaults */
    asim_time prefill, load;  /* of a token: 1 ms and 0.1 ms */
    asim_time prefill_at_all; /* of any prefill, besides: 0 */
    struct asim_resident residents[DESK_MOST];
    struct asim_turn waiting[DESK_MOST];
    struct asim_turn running[DESK_MOST];
    struct desk_wish wishes[DESK_MOST];
    uint32_t n_wishes;
};

void desk_open(struct desk *desk, const struct asim_policy *policy);
void desk_close(struct desk *desk);

/* A turn of a program without hints, deadline or tenant, of `prompt` tokens and one of output, followed by `tool`. */
struct asim_turn desk_turn(uint64_t program, uint32_t turn, uint32_t tool, uint32_t prompt);

void desk_gap(struct desk *desk, uint32_t tool, asim_time gap);
struct asim_retention desk_complete(struct desk *desk, const struct asim_turn *turn);

/* The length of the pin after `turn`, in ps; -1: none. */
asim_time desk_pin(struct desk *desk, const struct asim_turn *turn);

#define MS ASIM_MILLISECOND
#define S  ASIM_SECOND

#endif
