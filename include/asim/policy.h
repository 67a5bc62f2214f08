/* The policy ABI: decisions at program granularity, from built-in policies and from yours.
 *
 * A policy is one table of functions. Built-in policies and shared objects come through the same door: a shared object
 * exports `const struct asim_policy *asim_policy(void)` and is used by path, `--policy ./mine.so`.
 *
 *  - Every function may be NULL: then the engine's own rule holds (vLLM: FCFS, LRU by release, last admitted
 * preempted).
 *  - Planes. Retention: what becomes of a program's KV between turns. Scheduling: who runs. Routing: where a turn goes.
 *    A policy may serve all; users may take each plane from another policy.
 *    What a policy of routing keeps is one for the cluster; it may hold turns back and move them (asim_gateway).
 *  - State belongs to the host: `state_size` zeroed bytes for each instance, and as many for the router, which is one
 *    for the cluster. Functions must keep nothing elsewhere and must be deterministic: instances run in parallel, in no
 *    fixed order. Use the state that the context gives and nothing else, not even the clock of the machine.
 *  - Functions see the past only. A policy with ASIM_POLICY_ORACLE also sees what programs will do; results say so.
 *  - Times are picoseconds since the start, sizes tokens or blocks of `block_size` tokens.
 *  - A nonsense answer (an index out of range, a time in the past, NaN) ends the run with an error that names the
 *    policy, the function and the answer.
 */
#ifndef ASIM_POLICY_H
#define ASIM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASIM_POLICY_ABI_MAJOR 1 /* another major number: other tables */
#define ASIM_POLICY_ABI_MINOR 2 /* a higher minor number: functions and fields added at the end */

typedef int64_t asim_time; /* ps */
#define ASIM_NEVER       INT64_MAX
#define ASIM_MICROSECOND INT64_C(1000000)
#define ASIM_MILLISECOND INT64_C(1000000000)
#define ASIM_SECOND      INT64_C(1000000000000)

#define ASIM_NONE UINT32_MAX /* no instance, no tool, no tier, nobody */

/* ---- parameters ---- */

enum asim_parameter_kind { ASIM_NUMBER, ASIM_DURATION /* given as "2s"; its value is in ps */ };

struct asim_parameter {
    const char *name;
    const char *help;
    enum asim_parameter_kind kind;
    double value; /* default */
    double min, max;
};

/* ---- what an instance shows ---- */

/* A turn inside an instance. */
struct asim_turn {
    uint64_t program;
    uint32_t turn; /* from 0 */
    uint32_t tool; /* on arrival: what ran before the turn; on completion: what runs after it. ASIM_NONE: none */
    uint32_t prompt_toks;
    uint32_t output_toks; /* generated so far */
    uint32_t cached_toks; /* of the context, present in HBM: hits and what was computed */
    uint32_t preemptions;
    bool is_last;      /* on completion: the program has ended (its client says so; not with `pins: until-needed`) */
    bool is_preempted; /* waits to be resumed */
    bool is_retained;  /* its program's KV is held here by a pin or a hold */
    bool is_pinned;    /* by a pin */
    asim_time program_arrival;
    asim_time ready;           /* at the client */
    asim_time arrived;         /* at the instance */
    asim_time first_scheduled; /* ASIM_NEVER: not yet */
    asim_time attained;        /* execution time of the program's completed turns */
    asim_time critical;        /* the same along the longest path of its ancestors; a chain: attained */
    asim_time served;          /* execution time of this turn so far */
    uint64_t tenant;           /* 0: none given */
    asim_time deadline;        /* of the program; ASIM_NEVER: none */
    asim_time hint_pin;    /* the application asks to keep KV this long after the turn; 0: to drop it; -1: no hint */
    asim_time hint_resume; /* the application's estimate of the gap after the turn; -1: no hint */
    /* oracles only, else -1 */
    asim_time true_gap;     /* after the turn; ASIM_NEVER: it is the last */
    int64_t remaining_toks; /* output tokens of the program from here on, what is left of this turn included */
};

/* A program whose KV is kept here between its turns. */
struct asim_resident {
    uint64_t program;
    uint32_t turn; /* that ended last */
    uint32_t tool; /* that runs */
    uint32_t context_toks;
    uint32_t blocks;         /* held in HBM */
    uint32_t private_blocks; /* of those, not shared when it was retained */
    bool has_returned;       /* its next turn waits here */
    bool is_offloading;      /* a store is under way; HBM is released when it ends */
    asim_time program_arrival;
    asim_time since;        /* end of that turn */
    asim_time pinned_until; /* in the past: not pinned */
    double score;           /* as the policy gave it on completion */
    asim_time true_return;  /* oracles only, else -1: when the next turn is ready */
};

/* What every function is given. Valid during the call only. */
struct asim_context {
    void *state;
    const double *parameters;     /* values, in order of declaration */
    const struct asim_host *host; /* NULL: the router */
    void *handle;                 /* for the host's functions */
    asim_time now;
    uint32_t instance; /* ASIM_NONE: the router */
    uint32_t block_size;
    uint32_t usable_blocks;
    uint32_t free_blocks;     /* idle ones that cache something included */
    uint32_t retained_blocks; /* private blocks of programs between turns */
    uint32_t n_running, n_waiting;
    uint32_t n_residents;
    uint64_t running_toks; /* computed tokens of running turns */
    uint32_t n_tiers;      /* below HBM */
};

/* What a function may ask and do; only during a call. Actions take effect when the function has returned; those of
 * functions that choose (evict_order, on_pressure, priority, victim) are ignored. */
struct asim_host {
    uint32_t struct_size;
    /* Time in which this engine prefills a context of which `cached` tokens are in HBM, with nothing beside it. */
    asim_time (*prefill_time)(void *handle, uint32_t context_toks, uint32_t cached_toks);
    /* Time to bring tokens from a tier to HBM over an idle link; ASIM_NEVER: no such tier. */
    asim_time (*load_time)(void *handle, uint32_t tier, uint32_t toks);
    /* Residents, waiting and running turns, by index below the counts of the context. */
    void (*resident)(void *handle, uint32_t index, struct asim_resident *out);
    void (*waiting)(void *handle, uint32_t index, struct asim_turn *out);
    void (*running)(void *handle, uint32_t index, struct asim_turn *out);
    /* Residents: pin (a time in the past: unpin), give up, copy to a tier and then give up, fetch back from a tier. */
    void (*pin)(void *handle, uint64_t program, asim_time until);
    void (*release)(void *handle, uint64_t program);
    void (*offload)(void *handle, uint64_t program, uint32_t tier);
    void (*prefetch)(void *handle, uint64_t program);
};

/* ---- answers ---- */

enum asim_retention_action {
    ASIM_KEEP,    /* the engine's own rule: blocks stay cached until their turn comes in the LRU order */
    ASIM_HOLD,    /* held; given up under pressure, least evict_order first */
    ASIM_PIN,     /* held until `until`, under pressure too (see on_pressure); then as KEEP */
    ASIM_OFFLOAD, /* copied to `tier`, then given up in HBM; fetched back at `until` if that is not ASIM_NEVER */
    ASIM_DROP,    /* given up at once: what nobody else shares is no longer cached */
};

struct asim_retention {
    enum asim_retention_action action;
    asim_time until;
    uint32_t tier;
    double score; /* kept with the resident */
};

/* Lower goes first; ties by arrival. */
struct asim_priority {
    int32_t level;
    int64_t order;
};

/* Blocks are wanted, and free ones and holds do not suffice. */
struct asim_pressure {
    uint32_t needed; /* blocks that are lacking */
    bool by_running; /* a running turn cannot grow; else the first waiting one does not fit */
    bool deadlock;   /* nothing runs: unless somebody yields, nothing ever will */
};

/* The step that is about to be composed, as far as it is known: turns that run, but not who is admitted with it. */
struct asim_step {
    uint32_t decodes;      /* running turns that get a token */
    uint32_t prefill_toks; /* of running turns whose prompt is not computed yet */
    asim_time time;        /* that such a step takes */
    uint64_t store_blocks; /* that the link to the host moves meanwhile, if nothing else does: out of HBM, */
    uint64_t load_blocks;  /* and into it */
};

/* ---- routing ---- */

struct asim_instance_view {
    uint32_t running; /* in the last snapshot */
    uint32_t waiting;
    uint32_t used_blocks; /* held by turns and pins in the last snapshot */
    uint32_t usable_blocks;
    uint32_t outstanding;  /* turns there: in the last snapshot, plus those sent that it had not received */
    uint32_t index_blocks; /* in the router's own record of what it sent there */
};

struct asim_routing {
    void *state;
    const double *parameters;
    asim_time now;
    const struct asim_instance_view *instances;
    uint32_t n_instances;
    uint32_t block_size;
    uint64_t outstanding;    /* sum over instances */
    uint32_t least_loaded;   /* fewest outstanding turns; ties by KV use, then by number */
    const uint32_t *overlap; /* by instance: leading blocks of the prompt that the router's record has there; NULL
                                unless the policy has ASIM_POLICY_READS_OVERLAP */
    const uint64_t *pending; /* by instance: prompt tokens beyond that overlap, of turns sent there that were not known
                                to have begun; the same */
    uint64_t random;         /* fixed by seed, program and turn; 0 unless the policy has ASIM_POLICY_READS_RANDOM */
};

struct asim_request {
    uint64_t program;
    uint32_t turn;
    uint32_t home;        /* instance of the program's previous turn, or ASIM_NONE */
    uint32_t prompt_toks; /* 0 unless the policy has ASIM_POLICY_READS_OVERLAP or ASIM_POLICY_READS_PROMPT */
};

/* An answer of `route`: the turn waits at the gateway until `route_tick` releases it. */
#define ASIM_HELD (UINT32_MAX - 1)

/* A turn was sent to an instance. */
struct asim_submission {
    uint64_t program;
    uint32_t turn;
    uint32_t instance;
    uint32_t home;        /* as in its request */
    uint32_t prompt_toks; /* the same */
    bool was_held;        /* `route_tick` released it, */
    bool was_moved;       /* or moved it */
};

/* A turn has ended. */
struct asim_completion {
    uint64_t program;
    uint32_t turn;
    uint32_t instance;
    uint32_t prompt_toks;
    uint32_t output_toks;
    uint32_t hit_toks; /* of the prompt, found cached */
    bool is_last;      /* the program has ended */
    asim_time ready;   /* at the client */
    asim_time arrived; /* at the instance */
    asim_time first_scheduled;
    asim_time first_token;
    asim_time ended;
};

/* A turn that waits at the gateway. */
struct asim_held {
    uint64_t program;
    uint32_t turn;
    uint32_t home; /* as in its request */
    uint32_t prompt_toks;
    asim_time since;
};

/* A turn that was sent to an instance, and of whose end the router has not heard. */
struct asim_sent {
    uint64_t program;
    uint32_t turn;
    asim_time sent;
};

/* What `route_tick` may ask and do. Actions take effect when it has returned, releases in the order in which turns were
 * held. */
struct asim_gateway {
    uint32_t struct_size;
    uint32_t n_held;
    void *handle; /* for the functions */
    /* Held turns by index below n_held, in the order in which they were held; and one of them is sent to an instance.
     */
    void (*held)(void *handle, uint32_t index, struct asim_held *out);
    void (*release)(void *handle, uint32_t index, uint32_t instance);
    /* Turns of an instance, in the order in which they were sent; and one of them is asked back, and sent to another if
     * nothing was done for it yet. That takes three dispatch latencies: to the instance, back, and there; its
     * program's KV stays behind. A turn is moved up to 8 times. */
    uint32_t (*n_sent)(void *handle, uint32_t instance);
    void (*sent)(void *handle, uint32_t instance, uint32_t index, struct asim_sent *out);
    void (*move)(void *handle, uint32_t instance, uint32_t index, uint32_t to);
    /* The same with the KV that HBM there has of the turn's prompt (ABI 1.2): it is copied over the instance's NIC, one
     * turn after another, before the turn comes back, and is cached where the turn is sent, if there is room that
     * nobody holds. */
    void (*move_with_kv)(void *handle, uint32_t instance, uint32_t index, uint32_t to);
};

/* ---- the table ---- */

enum asim_policy_flags {
    ASIM_POLICY_ORACLE = 1,           /* sees what programs will do */
    ASIM_POLICY_DYNAMIC_PRIORITY = 2, /* priorities are asked for anew at each batch, too */
    ASIM_POLICY_PREEMPTIVE = 4,       /* a waiting turn displaces running ones of a higher level */
    ASIM_POLICY_READS_VIEW = 8,       /* `route` looks at instances, outstanding or least_loaded */
    ASIM_POLICY_READS_OVERLAP = 16,   /* `route` looks at overlap and pending */
    ASIM_POLICY_READS_RANDOM = 32,    /* `route` draws at random */
    ASIM_POLICY_READS_PROMPT = 64,    /* `route` looks at the size of the prompt */
};

struct asim_policy {
    uint32_t struct_size; /* sizeof (struct asim_policy) */
    uint16_t abi_major;   /* ASIM_POLICY_ABI_MAJOR */
    uint16_t abi_minor;
    const char *name;
    const char *summary;
    const char *source;  /* where the rules come from */
    const char *assumed; /* what the source does not say, or NULL */
    const struct asim_parameter *parameters;
    uint32_t n_parameters;
    uint32_t flags;
    size_t state_size;
    asim_time (*tick_period)(const double *parameters); /* NULL or ASIM_NEVER: no ticks */

    /* Called once per state, before anything else. */
    void (*start)(const struct asim_context *context);

    /* Observation, for either plane. A gap lies between the end of a program's turn and the arrival of its next one. */
    void (*on_turn_arrival)(const struct asim_context *context, const struct asim_turn *turn);
    void (*observe_gap)(const struct asim_context *context, uint32_t tool, asim_time gap);
    void (*observe_admission)(const struct asim_context *context, const struct asim_turn *turn, asim_time waited);
    void (*tick)(const struct asim_context *context);

    /* Retention. */
    struct asim_retention (*on_turn_complete)(const struct asim_context *context, const struct asim_turn *turn);
    double (*evict_order)(const struct asim_context *context, const struct asim_resident *resident);
    /* The program whose pin yields, as an index of residents, or ASIM_NONE. Asked again until it suffices. Engine's
     * rule: pins yield in a deadlock only, the latest program arrival first. */
    uint32_t (*on_pressure)(const struct asim_context *context, const struct asim_pressure *pressure);

    /* Scheduling. Priorities are asked for when a turn arrives, is preempted, or loses what was held for it under
     * pressure. */
    struct asim_priority (*priority)(const struct asim_context *context, const struct asim_turn *turn);
    uint32_t (*victim)(const struct asim_context *context); /* index of a running turn */
    /* False: not now. Where nothing runs, that is heeded if the policy ticks, and asked again at each tick. */
    bool (*admit)(const struct asim_context *context, const struct asim_turn *turn);

    /* Routing. */
    uint32_t (*route)(const struct asim_routing *routing, const struct asim_request *request);

    /* ---- since 1.1 ---- */

    /* Routing, too; beside `route` only. Turns that were sent, in order, at once. */
    void (*on_submit)(const struct asim_context *context, const struct asim_submission *submission);
    /* Turns that ended, in the order of their ends: with telemetry, the instant at or after the end tells of them, as
     * of the state of instances; with exact views they are known at once. `now` is when it was known. */
    void (*on_complete)(const struct asim_context *context, const struct asim_completion *completion);
    /* Called at the telemetry instants that are multiples of this (rounded up to telemetry periods), after that of
     * completions and before turns that are ready then are routed, while programs are in progress or still to come.
     * Without overlap and pending. Needed to hold turns. It is an error to hold turns for an hour in which none is at
     * an instance. */
    asim_time (*route_tick_period)(const double *parameters);
    void (*route_tick)(const struct asim_routing *routing, const struct asim_gateway *gateway);

    /* Retention or scheduling: offloads and prefetches that go with a step. Called before each step of running turns
     * where there are tiers and residents; then no steps are skipped. */
    void (*plan_transfers)(const struct asim_context *context, const struct asim_step *step);
};

/* What a shared object exports. */
typedef const struct asim_policy *(*asim_policy_entry)(void);

#ifdef __cplusplus
}
#endif

#endif
