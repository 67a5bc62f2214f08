#include "instance/checkpoint.h"

#include "base/mem.h"
#include "instance/checkpoint_parts.h"
#include "instance/tiers/fills.h"
#include "instance/tiers/hooks.h"

#include <assert.h>
#include <inttypes.h>

/* The least bytes of a sequence, of a reference to one, of a recall and of a fill. */
enum { SEQUENCE_BYTES = 132, REFERENCE_BYTES = 4, RECALL_BYTES = 32, FILL_BYTES = 8 };

struct loader {
    struct instance *instance;
    struct store_reader *reader;
    instance_lender lend;
    void *user;
    struct sequence **named; /* running and waiting sequences, which batches name by position */
    uint32_t n_named;
    int64_t *ends_with; /* of those, the batch in flight with which they end; -1: none */
};

static struct load_snapshot get_snapshot(struct store_reader *reader)
{
    struct load_snapshot snapshot;
    snapshot.running = store_get_u32(reader);
    snapshot.waiting = store_get_u32(reader);
    snapshot.used_blocks = store_get_u32(reader);
    snapshot.received = store_get_u64(reader);
    return snapshot;
}

static struct instance_counters get_counters(struct store_reader *reader)
{
    struct instance_counters counters;
    counters.steps = store_get_u64(reader);
    counters.fast_forwarded = store_get_u64(reader);
    counters.jumps = store_get_u64(reader);
    counters.plain_steps = store_get_u64(reader);
    counters.preemptions = store_get_u64(reader);
    counters.scheduled_tokens = store_get_u64(reader);
    for (int i = 0; i < STEP_BOUNDS; i++) {
        counters.part[i] = store_get_i64(reader);
    }
    counters.peak_used_blocks = store_get_u32(reader);
    counters.kv_blocks_sent = store_get_u64(reader);
    counters.kv_blocks_taken = store_get_u64(reader);
    counters.kv_blocks_refused = store_get_u64(reader);
    return counters;
}

static void get_head(struct instance *instance, struct store_reader *reader)
{
    const uint32_t id = store_get_u32(reader);
    instance->compose_at = store_get_i64(reader);
    instance->device_free = store_get_i64(reader);
    const int64_t clock = store_get_i64(reader);
    instance->next_stamp = store_get_u64(reader);
    instance->received = store_get_u64(reader);
    instance->head_blocked = store_get_u8(reader) != 0;
    instance->state = get_snapshot(reader);
    instance->snapshot = get_snapshot(reader);
    instance->snapshot_index = store_get_i64(reader);
    instance->counters = get_counters(reader);
    if (id != instance->id) {
        store_refuse(reader, "instance %" PRIu32 ", expected instance %" PRIu32, id, instance->id);
    }
    if (instance->state.received > instance->received || instance->snapshot.received > instance->received) {
        store_refuse(reader, "instance %" PRIu32 " was seen with more turns than the %" PRIu64 " it had", instance->id,
                     instance->received);
    }
    /* A step takes least_step or longer, and moves the decode clock by one at most. */
    if (!saved_time_or_never(instance->compose_at) || !saved_time(instance->device_free) || clock < 0 ||
        clock > instance->device_free / instance->least_step || instance->snapshot_index < -1 ||
        instance->snapshot_index > SAVED_LATEST / instance->config->telemetry_period) {
        store_refuse(reader, "clocks of instance %" PRIu32 " out of range", instance->id);
        return;
    }
    decode_set_start_at(&instance->decode, clock);
}

static void get_fields(struct sequence *sequence, struct store_reader *reader)
{
    sequence->program = store_get_u64(reader);
    sequence->turn = store_get_u32(reader);
    sequence->slot = store_get_u32(reader);
    sequence->ready = store_get_i64(reader);
    sequence->arrived = store_get_i64(reader);
    sequence->lead = store_get_i64(reader);
    sequence->prompt_toks = store_get_u32(reader);
    sequence->limit = store_get_u32(reader);
    sequence->shared_output = store_get_u8(reader) != 0;
    sequence->length_limited = store_get_u8(reader) != 0;
    sequence->state = store_get_u8(reader);
    sequence->last_in_flight = store_get_u8(reader) != 0;
    sequence->was_admitted = store_get_u8(reader) != 0;
    sequence->base = store_get_i64(reader);
    sequence->stamp = store_get_u64(reader);
    sequence->n_tokens = store_get_u32(reader);
    sequence->computed_before = store_get_u32(reader);
    sequence->hit_toks = store_get_u32(reader);
    sequence->kv_blocks = store_get_u32(reader);
    sequence->preemptions = store_get_u32(reader);
    sequence->recomputed_toks = store_get_u32(reader);
    sequence->waiting_since = store_get_i64(reader);
    sequence->first_scheduled = store_get_i64(reader);
    sequence->first_token = store_get_i64(reader);
    sequence->requeue_wait = store_get_i64(reader);
    sequence->token_before = store_get_i64(reader);
}

/* Joins the aggregates that it was in. */
static void rejoin(struct instance *instance, const struct sequence_list *list, struct sequence *sequence)
{
    if (sequence->state == SEQUENCE_DECODING) {
        decode_set_enter(&instance->decode, sequence, decode_set_computed(&instance->decode, sequence));
        engine_effect_decoding(instance, sequence);
        if (instance->node) {
            engine_fills_enter(instance, sequence);
        }
    } else if (sequence->state == SEQUENCE_PREFILLING) {
        instance->n_prefilling++;
        engine_effect_queued(instance, sequence);
    } else if (list == &instance->waiting && !sequence->last_in_flight) {
        engine_effect_queued(instance, sequence);
    }
}

/* The sequence is of this turn. */
static bool is_of(const struct sequence *sequence, const struct turn_arrival *turn)
{
    return sequence->program == turn->program && sequence->turn == turn->turn && sequence->ready == turn->ready &&
           (turn->may_be_late ? sequence->arrived >= turn->time : sequence->arrived == turn->time) &&
           sequence->lead == turn->lead && sequence->prompt_toks == turn->prompt_toks &&
           sequence->limit <= turn->output_toks && sequence->shared_output == turn->shared_output;
}

/* A turn with what it borrows, in `list`; NULL: on its way out. NULL when that is refused. */
static struct sequence *get_sequence(struct loader *loader, const struct sequence_list *list, struct turn_arrival *turn)
{
    struct instance *instance = loader->instance;
    struct store_reader *reader = loader->reader;
    struct sequence *sequence = sequence_pool_take(&instance->sequences);
    get_fields(sequence, reader);
    if (!kv_holder_load(&sequence->holder, reader)) {
        return NULL;
    }
    if (!loader->lend(loader->user, sequence->slot, sequence->turn, turn) || !is_of(sequence, turn)) {
        store_refuse(reader, "instance %" PRIu32 " has a turn of slot %" PRIu32 ", which is in another one",
                     instance->id, sequence->slot);
        return NULL;
    }
    sequence->content = turn->content;
    sequence->owner = turn->owner;
    if (!checkpoint_is_sound(instance, list, sequence)) {
        store_refuse(reader, "program %" PRIu64 ", turn %" PRIu32 ": no state that a turn can be in", sequence->program,
                     sequence->turn);
        return NULL;
    }
    return sequence;
}

static void get_list(struct loader *loader, struct sequence_list *list)
{
    struct instance *instance = loader->instance;
    struct store_reader *reader = loader->reader;
    const uint64_t n = store_get_count(reader, SEQUENCE_BYTES);
    if (n > UINT32_MAX || (list == &instance->running && n > instance->config->max_num_seqs)) {
        store_refuse(reader, "%" PRIu64 " turns in a list of instance %" PRIu32, n, instance->id);
    }
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct turn_arrival turn;
        struct sequence *sequence = get_sequence(loader, list, &turn);
        if (!sequence) {
            return;
        }
        engine_note_quick(instance, sequence, &turn);
        sequence_list_push_back(list, sequence);
        rejoin(instance, list, sequence);
    }
}

static void get_recalls(struct instance *instance, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, RECALL_BYTES);
    simtime before = 0;
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct turn_recall recall = {.program = store_get_u64(reader), .turn = store_get_u32(reader)};
        recall.kv_to = store_get_u32(reader);
        recall.time = store_get_i64(reader);
        recall.lead = store_get_i64(reader);
        if (!saved_time(recall.time) || recall.time < before || !saved_time(recall.lead)) {
            store_refuse(reader, "instance %" PRIu32 " is asked for a turn at %" PRId64 " ps", instance->id,
                         recall.time);
            return;
        }
        before = recall.time;
        instance_recall(instance, &recall);
    }
}

static void get_leavers(struct loader *loader)
{
    struct instance *instance = loader->instance;
    struct store_reader *reader = loader->reader;
    const uint64_t n = store_get_count(reader, SEQUENCE_BYTES);
    simtime before = 0;
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct turn_arrival turn;
        struct leaver leaver = {.sequence = get_sequence(loader, NULL, &turn)};
        leaver.time = store_get_i64(reader);
        leaver.lead = store_get_i64(reader);
        leaver.to = store_get_u32(reader);
        if (!store_failed(reader) && (!saved_time(leaver.time) || leaver.time < before || !saved_time(leaver.lead))) {
            store_refuse(reader, "a turn leaves instance %" PRIu32 " at %" PRId64 " ps", instance->id, leaver.time);
        }
        if (store_failed(reader)) {
            return;
        }
        before = leaver.time;
        engine_add_leaver(instance, &leaver);
    }
}

static void name_sequences(struct loader *loader)
{
    const struct instance *instance = loader->instance;
    const size_t n = (size_t)instance->running.n + instance->waiting.n;
    loader->named = mem_alloc(n * sizeof(struct sequence *));
    loader->ends_with = mem_alloc(n * sizeof *loader->ends_with);
    for (struct sequence *sequence = instance->running.head; sequence; sequence = sequence->next) {
        loader->named[loader->n_named++] = sequence;
    }
    for (struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        loader->named[loader->n_named++] = sequence;
    }
    for (size_t i = 0; i < n; i++) {
        loader->ends_with[i] = -1;
    }
}

/* Members of batch `batch` of those in flight; `ends`: those that end with it. */
static void get_references(struct loader *loader, struct sequence_array *array, uint32_t batch, bool ends)
{
    struct store_reader *reader = loader->reader;
    const uint64_t n = store_get_count(reader, REFERENCE_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        const uint32_t position = store_get_u32(reader);
        struct sequence *sequence = position < loader->n_named ? loader->named[position] : NULL;
        if (!sequence || !sequence->was_admitted || loader->ends_with[position] >= 0 ||
            (ends && sequence->state != SEQUENCE_DRAINING && !sequence->last_in_flight)) {
            store_refuse(reader, "a batch of instance %" PRIu32 " names turn %" PRIu32 " of %" PRIu32,
                         loader->instance->id, position, loader->n_named);
            return;
        }
        if (ends) {
            loader->ends_with[position] = batch;
        }
        sequence_array_push(array, sequence);
    }
}

/* What batch `batch` of those in flight fills up. */
static void get_fills(struct loader *loader, uint32_t batch)
{
    const struct instance *instance = loader->instance;
    struct store_reader *reader = loader->reader;
    const uint64_t n = store_get_count(reader, FILL_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        const uint32_t position = store_get_u32(reader);
        const uint32_t blocks = store_get_u32(reader);
        struct sequence *sequence = position < loader->n_named ? loader->named[position] : NULL;
        const bool waits = sequence && sequence->state == SEQUENCE_WAITING;
        const uint32_t computed = !sequence ? 0
                                  : waits   ? sequence->computed_before
                                            : engine_computed(instance, sequence);
        if (!blocks || (uint64_t)blocks * instance->config->block_size > computed) {
            store_refuse(reader,
                         "a batch of instance %" PRIu32 " fills %" PRIu32 " blocks of turn %" PRIu32
                         ", which it cannot have",
                         instance->id, blocks, position);
            return;
        }
        fill_list_add(&instance->fills->batches[batch], sequence, blocks);
    }
}

static void get_batches(struct loader *loader)
{
    struct instance *instance = loader->instance;
    struct store_reader *reader = loader->reader;
    name_sequences(loader);
    const uint32_t n = store_get_u32(reader);
    if (n > instance->config->queue_depth) {
        store_refuse(reader, "%" PRIu32 " batches in flight in instance %" PRIu32 "; at most %" PRIu32, n, instance->id,
                     instance->config->queue_depth);
    }
    simtime before = 0;
    for (uint32_t i = 0; i < n && !store_failed(reader); i++) {
        struct batch *batch = &instance->batches[i];
        batch->end = store_get_i64(reader);
        get_references(loader, &batch->completions, i, false);
        get_references(loader, &batch->finishers, i, true);
        if (instance->fills) {
            get_fills(loader, i);
        }
        if (batch->end < before || batch->end > instance->device_free) {
            store_refuse(reader, "batches in flight of instance %" PRIu32 " out of order", instance->id);
        }
        before = batch->end;
        instance->n_batches++;
    }
    for (uint32_t i = 0; i < loader->n_named && !store_failed(reader); i++) {
        const struct sequence *sequence = loader->named[i];
        if ((sequence->state == SEQUENCE_DRAINING || sequence->last_in_flight) && loader->ends_with[i] < 0) {
            store_refuse(reader, "program %" PRIu64 ", turn %" PRIu32 " ends with no batch", sequence->program,
                         sequence->turn);
        }
    }
}

/* Nothing has happened to the turns after the next event. */
static void check_past(struct loader *loader)
{
    const simtime next = instance_next(loader->instance).time;
    for (uint32_t i = 0; i < loader->n_named; i++) {
        const struct sequence *sequence = loader->named[i];
        if (sequence->first_scheduled > next || sequence->waiting_since > next ||
            (sequence->first_token != SIMTIME_NEVER && sequence->first_token > next)) {
            store_refuse(loader->reader, "program %" PRIu64 ", turn %" PRIu32 " was served after %" PRId64 " ps",
                         sequence->program, sequence->turn, next);
            return;
        }
    }
}

/* The device is busy to the end of the last batch; without one, no longer than to the next event. */
static void check_device(struct loader *loader)
{
    const struct instance *instance = loader->instance;
    const uint32_t last = (instance->first_batch + instance->n_batches - 1) % ENGINE_MAX_DEPTH;
    if (instance->n_batches ? instance->batches[last].end != instance->device_free
                            : instance->device_free > instance_next(instance).time) {
        store_refuse(loader->reader, "the device of instance %" PRIu32 " cannot be busy to %" PRId64 " ps",
                     instance->id, instance->device_free);
    }
}

/* What the paths through a step rely on. */
static void check_whole(struct loader *loader)
{
    const struct instance *instance = loader->instance;
    const struct engine_config *config = instance->config;
    const bool partial_is_last = !instance->n_prefilling || config->long_prefill_token_threshold ||
                                 (instance->n_prefilling == 1 && instance->running.tail->state == SEQUENCE_PREFILLING);
    const bool stands_still = !instance->n_batches && instance->compose_at == SIMTIME_NEVER;
    const bool may_wait = engine_may_stand_by(instance);
    if ((stands_still && (instance->running.n || (instance->waiting.n && !may_wait))) || !partial_is_last ||
        (uint64_t)instance->decode.n + instance->n_prefilling > config->max_num_batched_tokens) {
        store_refuse(loader->reader, "instance %" PRIu32 ": its turns and batches do not go together", instance->id);
    }
}

void checkpoint_accept(const struct instance *instance, struct store_reader *reader)
{
    struct kv_fault fault;
    if (!store_failed(reader) && !engine_is_healthy(instance, &fault)) {
        store_refuse(reader, "instance %" PRIu32 " does not fit together: %s", instance->id, fault.text);
    }
}

void instance_forsake(struct instance *instance)
{
    instance->running = instance->waiting = (struct sequence_list){0};
    instance->n_leavers = 0;
    if (instance->residency) {
        residency_forsake(instance->residency);
    }
}

/* How far it has come, and what policies keep. */
static void get_reached(struct instance *instance, struct store_reader *reader)
{
    const simtime reached = store_get_i64(reader);
    const bool has_residency = store_get_u8(reader) != 0;
    if (has_residency != (instance->residency != NULL)) {
        store_refuse(reader, "instance %" PRIu32 " %s programs between turns", instance->id,
                     has_residency ? "keeps" : "does not keep");
        return;
    }
    if (instance->residency) {
        residency_load(instance, reader);
    }
    if (!saved_time(reached) || reached > instance_next(instance).time) {
        store_refuse(reader, "instance %" PRIu32 " has left something behind before %" PRId64 " ps", instance->id,
                     reached);
    }
    engine_pass(instance, reached);
}

bool instance_load(struct instance *instance, struct store_reader *reader, instance_lender lend, void *user)
{
    assert(!instance_turns_inside(instance) && !instance->counters.steps);
    struct loader loader = {.instance = instance, .reader = reader, .lend = lend, .user = user};
    get_head(instance, reader);
    if (!store_failed(reader) && kv_pool_load(instance->pool, reader)) {
        get_list(&loader, &instance->running);
        get_list(&loader, &instance->waiting);
        get_list(&loader, &instance->inbox);
        get_recalls(instance, reader);
        get_leavers(&loader);
    }
    if (!store_failed(reader)) {
        get_batches(&loader);
    }
    if (!store_failed(reader)) {
        engine_set_inbox(instance, engine_inbox_time(instance));
        get_reached(instance, reader);
        check_past(&loader);
        check_device(&loader);
        check_whole(&loader);
    }
    mem_free(loader.named);
    mem_free(loader.ends_with);
    if (!instance->node) { /* else all that share it are looked at together */
        checkpoint_accept(instance, reader);
    }
    if (store_failed(reader)) {
        instance_forsake(instance);
        return false;
    }
    return true;
}

simtime instance_kept_instant(const struct instance *instance)
{
    return instance->snapshot_index * instance->config->telemetry_period;
}
