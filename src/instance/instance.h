/* One serving engine replica: continuous batching with vLLM V1 semantics over a KV pool and a step-time model.
 *
 * An instance is a simulation of its own: turns are delivered to its inbox with a time stamp, instance_advance carries
 * it up to (not including) a given event, and what ends on the way is left in its outbox. It reads nothing else, so the
 * order in which instances are advanced cannot change results.
 *
 * Asynchronous scheduling is a queue of batches (engine_config.queue_depth). The engine composes a batch whenever the
 * oldest batch in the queue ends (or it was idle), until the queue is full; computed tokens advance when a batch is
 * composed, while tokens, finishes and freed blocks appear when it ends.
 */
#ifndef ASIM_INSTANCE_INSTANCE_H
#define ASIM_INSTANCE_INSTANCE_H

#include "base/event_key.h"
#include "hw/step_time.h"
#include "instance/engine_config.h"
#include "kv/belady.h"
#include "metrics/recorder.h"
#include "policy/policy_fault.h"
#include "policy/turn_facts.h"
#include "workload/extent.h"

#include <stddef.h>

/* A turn on its way to an instance. The content is borrowed until the turn's record has left the outbox. */
struct turn_arrival {
    uint64_t program;
    uint32_t turn;
    uint32_t slot;          /* the sender's handle, handed back with the record */
    simtime ready;          /* at the client */
    simtime time;           /* at the instance */
    struct content content; /* prompt, then output */
    uint32_t prompt_toks;
    uint32_t output_toks; /* as asked for; the length limit may cut it */
    bool shared_output;   /* other programs may hit the output's blocks while it is being generated */
    const void *owner;    /* NULL, or memory of the sender that it reads when the turn has ended: fetched ahead */
    const struct turn_facts *facts; /* for policies; NULL unless instance_wants_facts; read at once */
    bool may_be_late;               /* of a turn that was sent before: `time` is the earliest */
    uint32_t kv_blocks;             /* so many leading blocks of the prompt, full ones, come with it as KV */
    simtime lead;         /* least time from the turn's end to what the rest of the cluster sees of it (its program's
                             next turn is ready); SIMTIME_NEVER: nothing, or nobody asks for instance_earliest_effect */
    simtime next_service; /* least time from when the next turn is ready to that of the one after it */
};

/* A turn that leaves: it has ended, or, of a turn that was asked back, it goes unserved. */
struct turn_end {
    struct turn_record record; /* of a turn that goes unserved program, turn and instance; last_token: when it leaves */
    uint32_t slot;
    bool unserved;
    uint32_t kv_blocks; /* of one that goes unserved: leading blocks of its prompt whose KV goes along, */
    uint32_t kv_to;     /* to this instance */
};

/* What the router may see, as of the last step end at or before an instant. */
struct load_snapshot {
    uint32_t running;
    uint32_t waiting;
    uint32_t used_blocks;
    uint64_t received; /* turns that had arrived so far */
};

struct instance_counters {
    uint64_t steps;
    uint64_t fast_forwarded; /* of those, taken in closed form */
    uint64_t jumps;          /* closed-form stretches */
    uint64_t plain_steps;    /* composed sequence by sequence */
    uint64_t preemptions;
    uint64_t scheduled_tokens;
    simtime part[STEP_BOUNDS]; /* time of all steps by bound */
    uint32_t peak_used_blocks;
    uint64_t kv_blocks_sent, kv_blocks_taken, kv_blocks_refused; /* with turns that were moved; refused: no room */
};

struct instance;

struct node;

/* `config` and `step_time` are borrowed; instances may share them. The instance joins `node`; NULL: nothing lies below
 * HBM. */
struct instance *instance_create(uint32_t id, const struct engine_config *config, struct step_time *step_time,
                                 struct node *node);
void instance_destroy(struct instance *instance);

enum { INSTANCE_LINES = 14 }; /* cache lines that every visit touches, from the address of the instance */

/* Fetches what a visit of the instance touches first, ahead of the visit; half a microsecond is enough. */
static inline void instance_prefetch(const struct instance *instance)
{
    for (int i = 0; i < INSTANCE_LINES; i++) {
        __builtin_prefetch((const char *)instance + (ptrdiff_t)i * 64, 1);
    }
}

/* Fetches what those lines point to, then what that points to, and so on: each half a microsecond after the one before
 * it, and before the visit. They change nothing. */
void instance_prefetch_deep(const struct instance *instance);
void instance_prefetch_sequences(const struct instance *instance);
void instance_prefetch_contents(const struct instance *instance);
void instance_prefetch_nodes(const struct instance *instance);
void instance_prefetch_neighbours(const struct instance *instance);

/* From now on the times between two tokens of a turn, of which the first came out at `from` or later, are added to
 * `gaps`, a series in bins. At first to none. */
void instance_note_gaps(struct instance *instance, struct series *gaps, simtime from);

/* Queues a turn; it must not arrive before what was advanced to. Those that arrive at one time do in order of program
 * and turn. */
void instance_deliver(struct instance *instance, const struct turn_arrival *arrival);

/* The router asks for a turn that it sent here. If the turn waits when that arrives, and no KV is or was held for it,
 * or on its way, it leaves unserved; else it stays. Of both is the rest of the cluster to hear `lead` after `time`, or
 * later: with kv_to, what HBM has of the turn's prompt is copied to that instance first, over the NIC, one turn after
 * another. Times must not decrease from call to call, nor lie before what was advanced to. */
struct turn_recall {
    uint64_t program;
    uint32_t turn;
    uint32_t kv_to; /* ASIM_NONE: KV stays behind */
    simtime time;   /* at the instance */
    simtime lead;
};
void instance_recall(struct instance *instance, const struct turn_recall *recall);

/* The next internal event, EVENT_NEVER when idle. */
struct event_key instance_next(const struct instance *instance);

/* A lower bound of the next time a turn can end here, given what was delivered so far; EVENT_NEVER when idle. Among
 * instances that share tiers the lowest bound is that of all. */
struct event_key instance_earliest_output(const struct instance *instance);

/* A lower bound of the end of any turn here plus its lead, given what was delivered so far: nothing that happens here
 * can reach the rest of the cluster before. It never lies before what was advanced to. SIMTIME_NEVER when nothing has
 * a lead.
 */
simtime instance_earliest_effect(const struct instance *instance);

/* At least as many turns as there are here whose end plus lead is before `time`, by the same bounds. */
uint32_t instance_effects_before(const struct instance *instance, simtime time);

/* Turns here that may be followed by two others within a telemetry period. */
uint32_t instance_quick_turns(const struct instance *instance);

/* No step is shorter than this: a turn of n output tokens takes n steps, at least one. */
simtime instance_least_step(const struct engine_config *config, struct step_time *step_time);

/* Processes events strictly before `limit`, at most up to the first one that ends turns; among instances that share
 * tiers, up to what may wake others (node_advance goes on from there). Returns true when the outbox is not empty. */
bool instance_advance(struct instance *instance, struct event_key limit);

/* Finished turns since the last call, in the order they ended; the array is valid until the next advance. */
const struct turn_end *instance_take_ends(struct instance *instance, uint32_t *n);

/* State after the last step end at or before `instant` (a multiple of the telemetry period that no snapshot was asked
 * beyond); the instance must have been advanced to it. */
struct load_snapshot instance_snapshot(const struct instance *instance, simtime instant);

/* A change of what the router may see, at a step end. */
struct state_change {
    simtime time;
    uint32_t instance;
    struct load_snapshot state;
};

/* From now on keeps every change of state, in order, until it is taken; not with ENGINE_FAST_FORWARD, which skips step
 * ends. The array is valid until the next advance. */
void instance_keep_changes(struct instance *instance);
const struct state_change *instance_take_changes(struct instance *instance, size_t *n);

/* State after the last step end processed. */
struct load_snapshot instance_state(const struct instance *instance);

const struct instance_counters *instance_counters(const struct instance *instance);
struct kv_pool;
const struct kv_pool *instance_pool(const struct instance *instance);

/* Where the configuration asks for it, what was missed in HBM so far and what the best evictions would have missed;
 * else zeros. */
struct belady_counts instance_belady(const struct instance *instance);

/* Whether policies look at what happens inside. */
bool instance_wants_facts(const struct instance *instance);

/* The first answer of a policy that made no sense; NULL: none. */
const struct policy_fault *instance_fault(const struct instance *instance);

/* What policies decided; NULL: they leave everything to the engine. */
const struct residency_counters *instance_residency_counters(const struct instance *instance);

/* Where the configuration asks to log decisions: that the router sent the turn here, from `home`; and all of them,
 * which are added to *list in the order of this instance. */
void instance_log_route(struct instance *instance, const struct turn_arrival *arrival, uint32_t home);
struct decision_list;
void instance_append_decisions(const struct instance *instance, struct decision_list *list);

/* After a whole run, for the `n` instances that share tiers: everything that is still to come, which is deadlines of
 * programs that are elsewhere, and transfers. */
void instance_drain(struct instance *const *instances, uint32_t n);

uint32_t instance_id(const struct instance *instance);

/* Turns delivered so far. */
uint64_t instance_turns_delivered(const struct instance *instance);

/* Turns inside: waiting, running and in the inbox. */
uint64_t instance_turns_inside(const struct instance *instance);

/* Recomputes every aggregate, finds every block with its holders and every byte with its transfer, here and in the
 * tiers that it shares, and aborts on a difference (tests and debug builds). */
void instance_check(const struct instance *instance);

#endif
