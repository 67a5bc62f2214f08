#include "instance/instance.h"

#include "base/mem.h"
#include "instance/decision_log.h"
#include "instance/evictions.h"
#include "instance/tiers/transfers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

simtime instance_least_step(const struct engine_config *config, struct step_time *step_time)
{
    /* Half of the smallest decode step stays below every step, whatever the noise of measured tables. */
    return config->host.exposed + step_time_decode(step_time, 1, 1)->base / 2;
}

static size_t round_up(size_t bytes, size_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

static void lend_arrays(struct instance *instance)
{
    for (uint32_t i = 0; i < ENGINE_MAX_DEPTH; i++) {
        struct batch *batch = &instance->batches[i];
        batch->completions.items = batch->completions.first;
        batch->finishers.items = batch->finishers.first;
        batch->completions.capacity = batch->finishers.capacity = FIRST_SEQUENCES;
    }
    instance->draft.chunks = instance->first_chunks;
    instance->draft.chunk_capacity = FIRST_CHUNKS;
    instance->ends = instance->first_ends;
    instance->ends_capacity = FIRST_ENDS;
    sequence_heap_lend(&instance->decode.finish, instance->first_finish, instance->finish_places, FIRST_MEMBERS);
    sequence_heap_lend(&instance->decoding, instance->first_decoding, instance->decoding_places, FIRST_MEMBERS);
}

static void free_unless(const void *first, void *items)
{
    if (items != first) {
        mem_free(items);
    }
}

struct instance *instance_create(uint32_t id, const struct engine_config *config, struct step_time *step_time,
                                 struct node *node)
{
    assert(config->queue_depth >= 1 && config->queue_depth <= ENGINE_MAX_DEPTH);
    const size_t bytes = sizeof(struct instance) + config->block_size * sizeof(uint32_t);
    struct instance *instance = mem_aligned(_Alignof(struct instance), round_up(bytes, _Alignof(struct instance)));
    memset(instance, 0, bytes);
    instance->config = config;
    instance->id = id;
    instance->step_time = step_time;
    instance->pool = kv_pool_create(config->n_blocks, config->block_size, config->prefix_caching);
    instance->usable_blocks = kv_usable(instance->pool);
    instance->compose_at = SIMTIME_NEVER;
    instance->inbox_at = instance->timer_at = instance->outside_at = SIMTIME_NEVER;
    instance->snapshot_index = -1;
    instance->gaps_from = SIMTIME_NEVER;
    instance->least_step = instance_least_step(config, step_time);
    sequence_pool_init(&instance->sequences);
    decode_set_init(&instance->decode, config->block_size, instance->by_residue);
    distance_set_init(&instance->queued);
    sequence_heap_init(&instance->decoding);
    lend_arrays(instance);
    if (node) {
        instance->node = node;
        instance->place = node_join(node, instance);
    }
    engine_open_fills(instance);
    engine_open_log(instance);
    if (config->measures_evictions) {
        instance->belady = belady_create(config->block_size);
    }
    engine_open_residency(instance);
    return instance;
}

void instance_destroy(struct instance *instance)
{
    if (!instance) {
        return;
    }
    for (uint32_t i = 0; i < ENGINE_MAX_DEPTH; i++) {
        free_unless(instance->batches[i].completions.first, instance->batches[i].completions.items);
        free_unless(instance->batches[i].finishers.first, instance->batches[i].finishers.items);
    }
    for (struct sequence *sequence = instance->running.head; sequence; sequence = sequence->next) {
        kv_release(instance->pool, &sequence->holder); /* the run ended early */
    }
    for (struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        kv_release(instance->pool, &sequence->holder);
    }
    for (uint32_t i = 0; i < instance->n_leavers; i++) {
        kv_release(instance->pool, &instance->leavers[i].sequence->holder);
    }
    engine_close_residency(instance);
    engine_close_fills(instance);
    engine_close_log(instance);
    belady_destroy(instance->belady);
    free_unless(instance->first_chunks, instance->draft.chunks);
    mem_free(instance->taken);
    free_unless(instance->first_ends, instance->ends);
    mem_free(instance->changes);
    mem_free(instance->recalls);
    mem_free(instance->leavers);
    decode_set_fini(&instance->decode);
    distance_set_fini(&instance->queued);
    sequence_heap_fini(&instance->decoding);
    sequence_pool_fini(&instance->sequences);
    kv_pool_destroy(instance->pool);
    mem_free(instance);
}

static bool arrives_before(const struct sequence *a, const struct sequence *b)
{
    if (a->arrived != b->arrived) {
        return a->arrived < b->arrived;
    }
    return a->program != b->program ? a->program < b->program : a->turn < b->turn;
}

/* Turns arrive in the order of time, program and turn. Nearly always the last one delivered is the last to arrive. */
static void enter_inbox(struct instance *instance, struct sequence *sequence)
{
    struct sequence *before = instance->inbox.tail;
    while (before && arrives_before(sequence, before)) {
        before = before->previous;
    }
    sequence_list_insert_after(&instance->inbox, before, sequence);
    if (!before) {
        engine_set_inbox(instance, engine_inbox_time(instance));
    }
}

void instance_deliver(struct instance *instance, const struct turn_arrival *arrival)
{
    assert(arrival->prompt_toks >= 1 && arrival->prompt_toks <= instance->config->max_model_len);
    struct sequence *sequence = sequence_pool_take(&instance->sequences);
    const uint32_t room = instance->config->max_model_len - arrival->prompt_toks;
    sequence->content = arrival->content;
    sequence->base = 0;
    sequence->stamp = 0;
    sequence->lead = arrival->lead;
    sequence->owner = arrival->owner;
    sequence->prompt_toks = arrival->prompt_toks;
    sequence->limit = arrival->output_toks < room ? arrival->output_toks : room;
    sequence->n_tokens = arrival->prompt_toks;
    sequence->computed_before = sequence->hit_toks = 0;
    sequence->kv_blocks = arrival->kv_blocks;
    sequence->waiting_since = 0;
    sequence->state = SEQUENCE_WAITING;
    sequence->last_in_flight = sequence->was_admitted = false;
    sequence->shared_output = arrival->shared_output;
    sequence->length_limited = sequence->limit < arrival->output_toks;
    sequence->turn = arrival->turn;
    sequence->program = arrival->program;
    sequence->slot = arrival->slot;
    sequence->preemptions = sequence->recomputed_toks = 0;
    sequence->ready = arrival->ready;
    sequence->arrived = arrival->time;
    sequence->first_scheduled = 0;
    sequence->first_token = SIMTIME_NEVER;
    sequence->requeue_wait = 0;
    sequence->token_before = 0;
    if (instance->residency) {
        engine_welcome(instance, sequence, arrival->facts);
    }
    engine_note_quick(instance, sequence, arrival);
    enter_inbox(instance, sequence);
}

void instance_note_gaps(struct instance *instance, struct series *gaps, simtime from)
{
    instance->gaps = gaps;
    instance->gaps_from = from;
}

struct event_key instance_next(const struct instance *instance)
{
    struct event_key next = {.time = instance->compose_at, .phase = PHASE_STEP_START};
    if (instance->outside_at <= next.time && instance->outside_at != SIMTIME_NEVER) {
        next.time = instance->outside_at;
        next.phase = instance->timer_at == next.time ? PHASE_TRANSFER_END : PHASE_ARRIVAL;
    }
    if (instance->n_batches && instance->batches[instance->first_batch].end <= next.time) {
        next = (struct event_key){.time = instance->batches[instance->first_batch].end, .phase = PHASE_STEP_END};
    }
    return next;
}

/* Called at a step end before its effects: the state until now is what every instant before `time` sees. */
static void keep_snapshot(struct instance *instance, simtime time)
{
    /* Nearly no step end is the first after an instant: told by a product; modulo 2^64, as the difference is small. */
    const uint64_t period = (uint64_t)instance->config->telemetry_period;
    if ((uint64_t)time - (uint64_t)instance->snapshot_index * period <= period) {
        return;
    }
    instance->snapshot = instance->state;
    instance->snapshot_index = engine_instant_before(instance, time);
}

static void keep_change(struct instance *instance, simtime now)
{
    instance->changes =
        mem_grow(instance->changes, &instance->changes_capacity, instance->n_changes + 1, sizeof *instance->changes);
    instance->changes[instance->n_changes++] =
        (struct state_change){.time = now, .instance = instance->id, .state = instance->state};
}

static void note_state(struct instance *instance, simtime now)
{
    instance->state = (struct load_snapshot){.running = instance->running.n,
                                             .waiting = instance->waiting.n,
                                             .used_blocks = engine_used_blocks(instance),
                                             .received = instance->received};
    if (instance->keeps_changes) {
        keep_change(instance, now);
    }
}

struct load_snapshot instance_snapshot(const struct instance *instance, simtime instant)
{
    const int64_t index = instant / instance->config->telemetry_period;
    assert(index >= instance->snapshot_index);
    return index == instance->snapshot_index ? instance->snapshot : instance->state;
}

void instance_keep_changes(struct instance *instance)
{
    assert(instance->config->stepping != ENGINE_FAST_FORWARD);
    instance->keeps_changes = true;
}

const struct state_change *instance_take_changes(struct instance *instance, size_t *n)
{
    *n = instance->n_changes;
    instance->n_changes = 0;
    return instance->changes;
}

struct load_snapshot instance_state(const struct instance *instance)
{
    return instance->state;
}

void engine_wake(struct instance *instance, simtime now)
{
    if (instance->waiting.n && !instance->n_batches && instance->compose_at == SIMTIME_NEVER) {
        instance->compose_at = now;
    }
}

/* An arrival enters the waiting queue. */
static void receive(struct instance *instance)
{
    struct sequence *sequence = instance->inbox.head;
    sequence_list_remove(&instance->inbox, sequence);
    engine_set_inbox(instance, engine_inbox_time(instance));
    sequence_list_push_back(&instance->waiting, sequence);
    engine_effect_queued(instance, sequence);
    instance->received++;
    if (sequence->kv_blocks) {
        engine_unpack(instance, sequence);
    }
    if (instance->residency) {
        engine_arrive(instance, sequence, sequence->arrived);
        instance->head_blocked = false; /* it may go before the one that is */
    }
    engine_wake(instance, sequence->arrived);
}

static void fill_end(struct turn_end *end, const struct instance *instance, const struct sequence *sequence,
                     simtime now)
{
    *end = (struct turn_end){.record = {.program = sequence->program,
                                        .turn = sequence->turn,
                                        .instance = instance->id,
                                        .ready = sequence->ready,
                                        .arrived = sequence->arrived,
                                        .first_scheduled = sequence->first_scheduled,
                                        .first_token = sequence->first_token,
                                        .last_token = now,
                                        .requeue_wait = sequence->requeue_wait,
                                        .prompt_toks = sequence->prompt_toks,
                                        .output_toks = sequence->limit,
                                        .hit_toks = sequence->hit_toks,
                                        .preemptions = sequence->preemptions,
                                        .recomputed_toks = sequence->recomputed_toks,
                                        .length_limited = sequence->length_limited},
                             .slot = sequence->slot};
    if (instance->residency) {
        engine_tell_source(instance, sequence, &end->record);
    }
}

struct turn_end *engine_new_end(struct instance *instance)
{
    instance->ends = mem_grow_from(instance->first_ends, instance->ends, &instance->ends_capacity, instance->n_ends + 1,
                                   sizeof *instance->ends);
    return &instance->ends[instance->n_ends++];
}

/* The turn's last token is out: its blocks become free, and its record goes to the outbox. */
static void finish(struct instance *instance, struct sequence *sequence, simtime now)
{
    if (sequence->last_in_flight) {
        sequence_list_remove(&instance->waiting, sequence);
        sequence->requeue_wait += now - sequence->waiting_since;
    } else {
        engine_settle(instance, sequence);
        kv_hash(instance->pool, &sequence->holder, sequence->content,
                (uint32_t)sequence->base / instance->config->block_size);
        evictions_note_output(instance, sequence, (uint32_t)sequence->base);
        if (!instance->residency) {
            kv_release(instance->pool, &sequence->holder);
        }
        sequence_list_remove(&instance->running, sequence);
    }
    if (instance->residency) {
        engine_part(instance, sequence, now);
    }
    instance->head_blocked = false;
    instance->n_quick -= sequence->is_quick;
    fill_end(engine_new_end(instance), instance, sequence, now);
    sequence_pool_give(&instance->sequences, sequence);
}

static int by_stamp(const void *left, const void *right)
{
    const struct sequence *a = *(struct sequence *const *)left;
    const struct sequence *b = *(struct sequence *const *)right;
    return (a->stamp > b->stamp) - (a->stamp < b->stamp);
}

/* Tokens that come out one by one: a turn's first one, the first one after it was preempted, and its last one. */
static void give_tokens(struct instance *instance, struct batch *batch, simtime now)
{
    for (uint32_t i = 0; i < batch->completions.n; i++) {
        struct sequence *sequence = batch->completions.items[i];
        if (sequence->first_token == SIMTIME_NEVER) {
            sequence->first_token = now;
        } else if (sequence->state != SEQUENCE_WAITING) { /* not preempted again meanwhile */
            engine_note_gap(instance, sequence->token_before, now, 1);
            sequence->token_before = 0;
        }
    }
    if (batch->finishers.n > 1) { /* released in the order of the running list */
        qsort(batch->finishers.items, batch->finishers.n, sizeof *batch->finishers.items, by_stamp);
    }
    for (uint32_t i = 0; i < batch->finishers.n; i++) {
        finish(instance, batch->finishers.items[i], now);
    }
}

static void end_batch(struct instance *instance)
{
    struct batch *batch = engine_batch(instance, 0);
    const simtime now = batch->end;
    keep_snapshot(instance, now);
    if (instance->node) {
        engine_end_step(instance, batch, now);
    }
    if (!batch_is_silent(batch)) {
        give_tokens(instance, batch, now);
    }
    instance->first_batch = (instance->first_batch + 1) % ENGINE_MAX_DEPTH;
    instance->n_batches--;
    instance->compose_at = now;
    note_state(instance, now);
}

static void start_batches(struct instance *instance, simtime until)
{
    const simtime now = instance->compose_at;
    instance->compose_at = SIMTIME_NEVER;
    if (instance->outside_at < until) {
        until = instance->outside_at;
    }
    if (engine_fast_forward(instance, now, until)) {
        return;
    }
    while (instance->n_batches < instance->config->queue_depth && engine_compose(instance, now)) {
    }
}

/* Assertions on: everything is recomputed, at each event while a run is young. */
static void check_now_and_then(const struct instance *instance)
{
#ifndef NDEBUG
    if (instance->counters.steps < 512 || instance->counters.steps % 64 == 0) {
        instance_check(instance);
    }
#else
    (void)instance;
#endif
}

bool instance_advance(struct instance *instance, struct event_key limit)
{
    struct event_key next = instance_next(instance);
    simtime now = -1;
    while (!instance->n_ends && event_before(next, limit)) {
        now = next.time;
        if (next.phase == PHASE_STEP_END) {
            end_batch(instance);
        } else if (next.phase == PHASE_STEP_START) {
            start_batches(instance, limit.time);
        } else if (next.phase != PHASE_ARRIVAL) {
            engine_pass_timer(instance, instance->timer_at);
        } else if (!engine_has_orders(instance) || !engine_answer_router(instance)) {
            receive(instance);
        }
        check_now_and_then(instance);
        if (next.phase == PHASE_TRANSFER_END && instance->node && instance->node->n_members > 1) {
            return false; /* it may have woken others: node_advance says who goes on */
        }
        next = instance_next(instance);
    }
    if (engine_may_stand_by(instance)) {
        engine_pass(instance, instance->n_ends ? now : limit.time);
    }
    return instance->n_ends > 0;
}

const struct turn_end *instance_take_ends(struct instance *instance, uint32_t *n)
{
    *n = (uint32_t)instance->n_ends;
    instance->n_ends = 0;
    return instance->ends;
}

const struct instance_counters *instance_counters(const struct instance *instance)
{
    return &instance->counters;
}

bool instance_wants_facts(const struct instance *instance)
{
    return instance->residency != NULL;
}

uint32_t instance_quick_turns(const struct instance *instance)
{
    return instance->n_quick;
}

const struct kv_pool *instance_pool(const struct instance *instance)
{
    return instance->pool;
}

struct belady_counts instance_belady(const struct instance *instance)
{
    return instance->belady ? belady_count(instance->belady, instance->usable_blocks) : (struct belady_counts){0};
}

uint32_t instance_id(const struct instance *instance)
{
    return instance->id;
}

uint64_t instance_turns_delivered(const struct instance *instance)
{
    return instance->received + instance->inbox.n;
}

uint64_t instance_turns_inside(const struct instance *instance)
{
    return (uint64_t)instance->running.n + instance->waiting.n + instance->inbox.n + instance->n_leavers;
}
