/* The KV of an instance as it is between two events, for who reports on it: turns and what they hold, what is kept
 * between turns and until when, what is on its way. It changes nothing.
 */
#ifndef ASIM_INSTANCE_KV_VIEW_H
#define ASIM_INSTANCE_KV_VIEW_H

#include "instance/residency/residency_counters.h"
#include "kv/pool.h"
#include "workload/extent.h"

struct instance;

enum view_phase {
    VIEW_SENT,    /* on its way to the instance */
    VIEW_WAITING, /* in the queue */
    VIEW_LOADING, /* the same, and KV is on its way for it */
    VIEW_LEAVING, /* its KV is being copied to another instance, where it will go */
    VIEW_RUNNING,
};

struct view_turn {
    uint64_t program;
    uint32_t turn;
    enum view_phase phase;
    struct content content; /* prompt, then output; borrowed */
    uint32_t context_toks;  /* the prompt, and what has been generated of the output */
    uint32_t computed_toks; /* whose KV is in HBM, that of the batches that run included; 0 unless it runs */
    const struct kv_holder *holder;
    uint32_t unclaimed; /* blocks that were reserved for it beside those of the holder */
};

enum view_until {
    VIEW_UNTIL_TIME,
    VIEW_UNTIL_NEEDED,   /* it yields when blocks are wanted */
    VIEW_UNTIL_ADMITTED, /* the program's next turn has come and waits: until it starts */
};

/* A program between two turns. */
struct view_resident {
    uint64_t program;
    uint32_t turn; /* that has ended */
    const struct kv_holder *holder;
    uint32_t blocks; /* 0: its KV is in a tier below */
    bool is_pin;     /* else a hold */
    enum view_until until;
    simtime deadline; /* VIEW_UNTIL_TIME */
    simtime back_at;  /* of KV in a tier below, when it is to be brought back; SIMTIME_NEVER: that is not planned */
    const char *policy;
};

struct view_transfer {
    uint64_t program;
    enum transfer_kind kind;
    bool waits;        /* for another one to the same tier */
    uint32_t from, to; /* tiers; ASIM_NONE: HBM */
    uint32_t blocks;   /* that move */
    uint64_t moved_bytes;
    const struct kv_holder *source, *target; /* in the pools of `from` and `to`; empty or NULL: nothing is held there */
    uint32_t sequence;                       /* order among those of the node */
};

struct kv_viewer {
    void *user;
    void (*turn)(void *user, const struct view_turn *turn);
    void (*resident)(void *user, const struct view_resident *resident);
    void (*transfer)(void *user, const struct view_transfer *transfer);
};

/* Shows all there is, as of `now`: everything before it has happened, and nothing else. */
void instance_view_kv(const struct instance *instance, simtime now, const struct kv_viewer *viewer);

/* The pool of a tier that the instance uses; of ASIM_NONE, its HBM. And the leading `blocks` blocks of a content
 * there. */
const struct kv_pool *instance_view_pool(const struct instance *instance, uint32_t tier);
struct kv_hit instance_view_find(const struct instance *instance, uint32_t tier, struct content content,
                                 uint32_t blocks);

#endif
