/* The inside of an instance, shared by the files of this folder and its two rooms; see instance.h for what it does.
 *
 *   residency/       what policies see and decide, and programs between turns; residency/hooks.h is what is called here
 *   tiers/           what lies below HBM, and what moves there and back; tiers/hooks.h is what is called here
 *   instance.c       the event loop: inbox, batches that end, batches that start
 *   prefetch.c       what the next visit will touch, fetched ahead
 *   checkpoint.c     all of that out of a file, and checkpoint_save.c into one
 *   check.c          whether all of that goes together
 *   decision_log.c   what policies decide, one by one, where that is asked for
 *   evictions.h      what is looked up and entered in the pool, where it is asked how good evictions are
 *   kv_view.c        what there is of KV, for who reports on it
 *   recall.c         turns that the router asks back, and KV that goes along with them
 *   lookahead.c      bounds of what can leave the instance, and when
 *   fast_forward.c   stretches of steady steps in closed form
 *   compose.c        one batch: running sequences, then waiting ones, then its price
 *   plain.c          running sequences one by one: the oracle, and the path for everything that is not steady
 *   steady.c         running sequences as an aggregate
 *   batch.c          what a batch is made of
 *   sequence_heap.c  sequences by when they schedule their last token, or by what others wait for
 *   distance_set.c   a lower bound of what others wait for
 *
 * Each uses only those below it, but for the rooms, which all ask.
 */
#ifndef ASIM_INSTANCE_ENGINE_H
#define ASIM_INSTANCE_ENGINE_H

#include "instance/decode_set.h"
#include "instance/distance_set.h"
#include "instance/instance.h"
#include "instance/sequence.h"
#include "instance/sequence_heap.h"
#include "metrics/series.h"

enum { ENGINE_MAX_DEPTH = 2 };

enum { FIRST_SEQUENCES = 6, FIRST_CHUNKS = 5, FIRST_ENDS = 2, FIRST_MEMBERS = 64 };

struct sequence_array {
    struct sequence **items;
    uint32_t n;
    uint32_t capacity;
    struct sequence *first[FIRST_SEQUENCES]; /* mostly enough */
};

/* A batch in flight. */
struct batch {
    simtime end;
    struct sequence_array completions; /* their prompt is complete: a token comes out, the first one of a new turn */
    struct sequence_array finishers;   /* their last token comes out */
};

static inline bool batch_is_silent(const struct batch *batch)
{
    return batch->completions.n == 0 && batch->finishers.n == 0;
}

/* What is known of a batch while it is composed. */
struct draft {
    struct batch *batch;
    struct prefill_chunk *chunks;
    size_t n_chunks, chunk_capacity;
    uint64_t decode_context;
    uint32_t n_decode;
    uint32_t chunk_tokens;
};

/* A turn that goes unserved when its KV has been copied, which it holds until then. It is in no list. */
struct leaver {
    struct sequence *sequence;
    simtime time, lead;
    uint32_t to;
};

/* A chunk that the plain path has taken blocks for. */
struct taken_chunk {
    struct sequence *sequence;
    uint32_t tokens;
};

/* Instances take turns in the caches: a visit finds nothing there. All that each visit reads or writes stands together,
 * at the beginning, where instance_prefetch asks for it. Small arrays begin inside: each that does not is a page of
 * memory more whose address must be translated. */
struct instance {
    /* the next events */
    simtime compose_at;  /* SIMTIME_NEVER, or when a batch is to be composed */
    simtime inbox_at;    /* SIMTIME_NEVER, or when the first turn or recall arrives, or a turn leaves with its KV */
    simtime timer_at;    /* SIMTIME_NEVER, or the next deadline or tick of policies, or event of transfers */
    simtime outside_at;  /* the earlier of the two */
    simtime device_free; /* end of the last batch composed */
    uint32_t first_batch;
    uint32_t n_batches;
    struct turn_end *ends;
    size_t n_ends;
    const struct engine_config *config;
    struct kv_pool *pool;

    struct batch batches[ENGINE_MAX_DEPTH]; /* ring */
    struct decode_set decode;
    uint32_t n_prefilling;
    uint32_t piece_n;
    const struct decode_piece *piece; /* of the last decode-only batch */
    struct sequence_list running;     /* in order of admission */
    struct sequence_list waiting;
    struct sequence_list inbox; /* delivered, not arrived yet; by time */
    bool keeps_changes;
    bool head_blocked;           /* the first waiting turn lacks blocks, and nothing has changed that */
    uint32_t usable_blocks;      /* of the pool */
    uint32_t held_blocks;        /* of programs that are held between turns and yield under pressure */
    struct residency *residency; /* NULL: policies leave everything to the engine */
    struct node *node;           /* NULL: nothing lies below HBM */
    uint32_t place;              /* in the node */
    uint32_t n_recalls;          /* on their way */
    uint64_t received;
    uint64_t next_stamp;
    uint32_t n_quick; /* turns here that are */
    uint32_t n_leavers;
    simtime least_step; /* no step is shorter */
    /* Turns with a lead. The time from the end of the last batch composed to their effect is at least the key... */
    struct distance_set queued;    /* of those waiting or prefilling */
    struct sequence_heap decoding; /* less decode clock times least_step, of those decoding */
    struct series *gaps;           /* hears of the times between two tokens of a turn, */
    simtime gaps_from;             /* of those that begin then or later; SIMTIME_NEVER: nobody does */
    struct instance_counters counters;
    struct load_snapshot state;    /* after the last step end */
    struct load_snapshot snapshot; /* after the last step end at or before instant snapshot_index */
    int64_t snapshot_index;
    struct sequence_pool sequences;
    struct step_time *step_time;

    struct draft draft;
    size_t ends_capacity;
    uint32_t id;
    struct decision_log *log;  /* NULL: not asked for */
    struct belady *belady;     /* NULL: not asked for */
    struct fills *fills;       /* NULL: nothing is stored as blocks fill up */
    struct taken_chunk *taken; /* scratch of the plain path */
    size_t n_taken, taken_capacity;
    struct state_change *changes; /* kept when asked for */
    size_t n_changes, changes_capacity;
    struct turn_recall *recalls; /* by time */
    size_t recalls_capacity;
    struct leaver *leavers; /* by time */
    size_t leavers_capacity;
    simtime passed; /* nothing arrives before; kept where turns may wait while nothing runs */
    struct prefill_chunk first_chunks[FIRST_CHUNKS]; /* of the draft */
    struct turn_end first_ends[FIRST_ENDS];
    _Alignas(64) struct sequence_heap_item first_finish[FIRST_MEMBERS]; /* of the heaps */
    struct sequence_heap_item first_decoding[FIRST_MEMBERS];
    uint32_t finish_places[FIRST_MEMBERS], decoding_places[FIRST_MEMBERS];
    _Alignas(64) uint32_t by_residue[]; /* of the decode set */
};

static inline uint32_t engine_blocks_of(const struct instance *instance, uint32_t tokens)
{
    return (tokens + instance->config->block_size - 1) / instance->config->block_size;
}

static inline uint32_t engine_computed(const struct instance *instance, const struct sequence *sequence)
{
    return sequence->state == SEQUENCE_DECODING ? decode_set_computed(&instance->decode, sequence)
                                                : (uint32_t)sequence->base;
}

/* Sets one of the times that are not of batches. */
static inline void engine_set_inbox(struct instance *instance, simtime time)
{
    instance->inbox_at = time;
    instance->outside_at = time < instance->timer_at ? time : instance->timer_at;
}

static inline void engine_set_timer(struct instance *instance, simtime time)
{
    instance->timer_at = time;
    instance->outside_at = time < instance->inbox_at ? time : instance->inbox_at;
}

static inline struct batch *engine_batch(struct instance *instance, uint32_t index)
{
    return &instance->batches[(instance->first_batch + index) % ENGINE_MAX_DEPTH];
}

/* check.c: whether everything goes together, here and in the tiers; what does not, if so. Safe for what a file may
 * hold. */
struct kv_fault;
bool engine_is_healthy(const struct instance *instance, struct kv_fault *fault);

/* check.c: blocks that are free when all programs give up what they hold between turns, but `except`; by a walk over
 * what everybody else holds. */
uint32_t engine_most_free(const struct instance *instance, uint64_t except);

/* check.c, for assertions: what programs hold between turns and what became of it, as one number. Abort when something
 * is held of a program whose last turn has ended, and when the holdings have changed. */
struct digest engine_holdings(const struct instance *instance);
void engine_check_ended(const struct instance *instance, uint64_t program);
void engine_check_untouched(const struct instance *instance, struct digest holdings);

/* batch.c */

void sequence_array_push(struct sequence_array *array, struct sequence *sequence);

/* The tokens of a chunk that the budget allows. */
uint32_t engine_chunk_tokens(const struct instance *instance, uint32_t wanted, uint32_t budget);

/* Adds a chunk of `tokens` to `draft` for a prefilling sequence whose blocks are there; the prompt may be complete
 * then. */
void engine_add_chunk(struct instance *instance, struct draft *draft, struct sequence *sequence, uint32_t tokens);

/* Members of the decode set that scheduled their last token drain from now on. */
void engine_drain_finished(struct instance *instance, struct batch *batch);

/* Claims the blocks that steady decode took for `sequence`. */
void engine_settle(struct instance *instance, struct sequence *sequence);

/* The decode piece for n sequences at `context`. */
const struct decode_piece *engine_piece(struct instance *instance, uint32_t n, uint64_t context);

/* Between two tokens of each of `turns` turns. */
static inline void engine_note_gap(const struct instance *instance, simtime before, simtime after, uint32_t turns)
{
    if (before >= instance->gaps_from) {
        series_add_times(instance->gaps, after - before, turns);
    }
}

/* Blocks that turns and pins hold. */
static inline uint32_t engine_used_blocks(const struct instance *instance)
{
    return instance->usable_blocks - kv_free(instance->pool) - instance->held_blocks;
}

/* Index of the last telemetry instant before `time` (-1: none). */
int64_t engine_instant_before(const struct instance *instance, simtime time);

/* The router has asked for turns that have not left yet. */
static inline bool engine_has_orders(const struct instance *instance)
{
    return (instance->n_recalls | instance->n_leavers) != 0;
}

/* Turns may wait while nothing runs: for a deadline, a transfer or a copy. */
static inline bool engine_may_stand_by(const struct instance *instance)
{
    return instance->residency || instance->n_leavers;
}

/* Nothing will arrive before `time`. */
static inline void engine_pass(struct instance *instance, simtime time)
{
    if (time != SIMTIME_NEVER && time > instance->passed) {
        instance->passed = time;
    }
}

/* recall.c: when the first turn or recall arrives, or a turn leaves with its KV; passes that, unless it is a turn that
 * arrives: then false. */
simtime engine_inbox_time(const struct instance *instance);
bool engine_answer_router(struct instance *instance);

/* recall.c: behind all others. */
void engine_add_leaver(struct instance *instance, const struct leaver *leaver);

/* recall.c: a turn has arrived, and KV with it, which is cached as far as there is room that nobody holds. */
void engine_unpack(struct instance *instance, struct sequence *sequence);

/* Adds a turn to the outbox. */
struct turn_end *engine_new_end(struct instance *instance);

/* lookahead.c: a turn waits, is decoding, or (before its state changes) is neither any more. */
void engine_note_quick(struct instance *instance, struct sequence *sequence, const struct turn_arrival *turn);
void engine_effect_queued(struct instance *instance, struct sequence *sequence);
void engine_effect_decoding(struct instance *instance, struct sequence *sequence);
void engine_effect_leave(struct instance *instance, struct sequence *sequence);
void engine_effect_prefetch(const struct instance *instance, const struct sequence *sequence); /* of one that waits */

/* instance.c: something may be admitted now. */
void engine_wake(struct instance *instance, simtime now);

#define ASIM_NO_PROGRAM UINT64_MAX

/* Nothing runs, or would after a running turn that cannot grow has gone: it is the only one, and would come back to the
 * same. */
static inline bool engine_stands_still(const struct instance *instance, bool by_running)
{
    return instance->running.n == 0 || (by_running && instance->running.n == 1);
}

/* compose.c: blocks that must be free to admit a waiting turn beside others; what the next step will be. */
uint32_t engine_blocks_to_admit(struct instance *instance, const struct sequence *sequence);
struct asim_step engine_next_step(const struct instance *instance);

/* plain.c: recompute preemption. */
void engine_preempt(struct instance *instance, struct sequence *sequence, simtime now);

/* plain.c: schedules the running sequences in order; true when one was preempted. */
bool engine_run_plain(struct instance *instance, struct draft *draft, simtime now, uint32_t *budget);

/* steady.c: schedules the running sequences as an aggregate; false, without any change, when the plain path must
 * decide. */
bool engine_run_steady(struct instance *instance, struct draft *draft, uint32_t *budget);

/* compose.c: composes one batch at time `now` and queues it; false when there is nothing to run. */
bool engine_compose(struct instance *instance, simtime now);

/* fast_forward.c: takes as many steady steps from `now` as are composed before `until`; returns their number (0: take a
 * single step).
 */
uint32_t engine_fast_forward(struct instance *instance, simtime now, simtime until);

#endif
