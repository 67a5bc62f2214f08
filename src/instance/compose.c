#include "instance/evictions.h"
#include "instance/tiers/transfers.h"

#include <assert.h>

/* A waiting turn starts or resumes with `tokens` on top of its cached prefix. */
static void admit(struct instance *instance, struct draft *draft, struct sequence *sequence, simtime now,
                  struct kv_hit hit, uint32_t tokens)
{
    assert(!sequence->last_in_flight);
    const uint32_t hit_toks = hit.blocks * instance->config->block_size;
    sequence_list_remove(&instance->waiting, sequence);
    sequence_list_push_back(&instance->running, sequence);
    sequence->stamp = instance->next_stamp++;
    sequence->state = SEQUENCE_PREFILLING;
    instance->n_prefilling++;
    if (!sequence->was_admitted) {
        sequence->was_admitted = true;
        sequence->first_scheduled = now;
        sequence->hit_toks = hit_toks;
        evictions_note_prompt(instance, sequence, hit.blocks);
    } else {
        sequence->requeue_wait += now - sequence->waiting_since;
        if (sequence->computed_before > hit_toks) {
            sequence->recomputed_toks += sequence->computed_before - hit_toks;
        }
    }
    if (!sequence->holder.hashed_blocks) { /* it was not loaded from a tier */
        kv_touch(instance->pool, &sequence->holder, sequence->content, hit);
    }
    kv_alloc(instance->pool, &sequence->holder, engine_blocks_of(instance, hit_toks + tokens) - hit.blocks);
    sequence->base = hit_toks;
    if (instance->residency) {
        engine_return(instance, sequence, now);
    }
    engine_add_chunk(instance, draft, sequence, tokens);
}

/* What a waiting turn would start with in a batch that has `budget` tokens left. */
struct start {
    struct kv_hit hit;
    uint32_t tokens; /* 0: not in this batch */
    uint32_t blocks; /* that must be free */
};

/* With `hit` in HBM, and what else there is of `present` blocks brought from a tier first. */
static struct start plan_after(const struct instance *instance, const struct sequence *sequence, struct kv_hit hit,
                               uint32_t present, uint32_t budget, bool beside_others)
{
    const struct engine_config *config = instance->config;
    struct start start = {.hit = hit};
    const uint32_t present_toks = present * config->block_size;
    const uint32_t wanted = sequence->n_tokens - present_toks;
    start.tokens = engine_chunk_tokens(instance, wanted, budget);
    if (!config->chunked_prefill && start.tokens < engine_chunk_tokens(instance, wanted, UINT32_MAX)) {
        start.tokens = 0;
    }
    const uint32_t reach = config->reserve_full_prompt ? sequence->n_tokens : present_toks + start.tokens;
    start.blocks = engine_blocks_of(instance, reach) - hit.blocks + hit.free_blocks +
                   (beside_others ? config->watermark_blocks : 0);
    return start;
}

static struct start plan_start(struct instance *instance, const struct sequence *sequence, uint32_t budget,
                               bool beside_others)
{
    struct kv_hit hit = {.blocks = sequence->holder.hashed_blocks};
    if (!hit.blocks) {
        hit = kv_lookup(instance->pool, sequence->content, sequence->n_tokens);
    }
    return plan_after(instance, sequence, hit, hit.blocks, budget, beside_others);
}

uint32_t engine_blocks_to_admit(struct instance *instance, const struct sequence *sequence)
{
    return plan_start(instance, sequence, instance->config->max_num_batched_tokens, instance->running.n > 0).blocks;
}

enum loading { NOTHING_TO_LOAD, LOADS, CANNOT_LOAD };

/* Brings the waiting turn what lies in tiers below, once there is room to start it then: so a turn that lacks blocks
 * goes on lacking them when it is to be loaded after all, because running turns have taken what it hit in HBM. */
static enum loading load_from_below(struct instance *instance, struct sequence *sequence, simtime now, uint32_t budget,
                                    bool beside_others)
{
    const struct tier_plan *plan = instance->node->plan;
    if (sequence->holder.hashed_blocks || instance->residency->n_loading >= instance->config->max_num_seqs) {
        return NOTHING_TO_LOAD;
    }
    for (;;) { /* what makes room may push out what was found */
        const struct tier_hit found = engine_find_below(instance, sequence->content, sequence->n_tokens, plan->storage);
        const struct kv_hit hit = kv_lookup(instance->pool, sequence->content, sequence->n_tokens);
        const uint32_t blocks_to_load = found.blocks > hit.blocks ? found.blocks - hit.blocks : 0;
        const uint32_t toks = blocks_to_load * instance->config->block_size;
        if (!toks || toks < plan->least_load_toks || toks > plan->most_load_toks) {
            return NOTHING_TO_LOAD;
        }
        const uint32_t blocks = plan_after(instance, sequence, hit, found.blocks, budget, beside_others).blocks;
        if (blocks <= kv_free(instance->pool)) {
            engine_load(instance, sequence, hit, found, now);
            return LOADS;
        }
        if (!engine_find_blocks(instance, blocks, false, sequence->program, now)) {
            return plan->loads_into_room ? NOTHING_TO_LOAD : CANNOT_LOAD;
        }
    }
}

/* Whether nothing but blocks decides when `sequence`, which lacks them, starts. In search of them another turn may have
 * lost what was held for it, and with it its place. */
static bool stays_first(struct instance *instance, const struct sequence *sequence)
{
    return !instance->residency || (!engine_watches_waiting(instance) && engine_next_waiting(instance) == sequence);
}

/* The next waiting turn lacks blocks: it is not looked at again before something changes. Running turns that grow
 * change it where they can push a load over the quota, by what it hits in HBM, and while blocks that would do are on
 * their way out of HBM: then more must go. */
static void block_head(struct instance *instance, const struct sequence *sequence, bool is_load)
{
    const bool has_quota = is_load && instance->node->plan->most_load_toks != UINT32_MAX;
    const bool leaves = instance->residency && engine_blocks_leaving(instance) > 0;
    instance->head_blocked =
        instance->config->stepping != ENGINE_PLAIN && !has_quota && !leaves && stays_first(instance, sequence);
}

/* Waiting turns in order, until one does not fit: nobody behind it is tried. */
static void admit_waiting(struct instance *instance, struct draft *draft, simtime now, uint32_t budget)
{
    const struct engine_config *config = instance->config;
    if (!draft->n_decode && !draft->n_chunks) {
        instance->head_blocked = false; /* it may have lacked the watermark's blocks only, which count beside others */
    }
    while (instance->waiting.n && budget && instance->running.n < config->max_num_seqs && !instance->head_blocked) {
        struct sequence *sequence = instance->residency ? engine_next_waiting(instance) : instance->waiting.head;
        if (!sequence) {
            return;
        }
        if (instance->residency && engine_is_refused(instance, sequence, now)) {
            continue;
        }
        if (instance->node && residency_guest(instance->residency, sequence)->is_raising) {
            engine_stop_raise(instance, sequence, now);
        }
        const bool beside_others = draft->n_decode || draft->n_chunks;
        const enum loading loading =
            instance->node ? load_from_below(instance, sequence, now, budget, beside_others) : NOTHING_TO_LOAD;
        if (loading == LOADS) {
            continue;
        }
        if (loading == CANNOT_LOAD) {
            if (engine_take_back(instance, sequence, false)) {
                continue;
            }
            block_head(instance, sequence, true);
            return;
        }
        struct start start = plan_start(instance, sequence, budget, beside_others);
        if (!start.tokens) {
            return;
        }
        if (instance->residency) {
            while (start.blocks > kv_free(instance->pool) &&
                   engine_find_blocks(instance, start.blocks, false, sequence->program, now)) {
                start = plan_start(instance, sequence, budget, beside_others);
            }
        }
        if (start.blocks > kv_free(instance->pool)) {
            if (engine_take_back(instance, sequence, false)) {
                continue;
            }
            block_head(instance, sequence, false);
            return;
        }
        admit(instance, draft, sequence, now, start.hit, start.tokens);
        budget -= start.tokens;
    }
}

/* Queues a batch of device time `cost` and exposed host time behind those in flight. */
static void enqueue(struct instance *instance, struct batch *batch, simtime now, const struct step_cost *cost,
                    simtime exposed)
{
    const simtime idle_until = instance->device_free > now ? instance->device_free : now;
    const simtime prepared = now + instance->config->host.hideable;
    simtime start = instance->device_free > prepared ? instance->device_free : prepared;
    if (instance->node && instance->node->plan->between_steps) {
        const simtime copied = engine_copies_end(instance, now);
        start = copied > start ? copied : start;
    }
    struct instance_counters *counters = &instance->counters;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        counters->part[i] += cost->part[i];
    }
    counters->part[STEP_HOST] += exposed + (start - idle_until);
    batch->end = start + cost->total + exposed;
    if (instance->draft.n_decode) { /* their tokens before came with the last batch */
        engine_note_gap(instance, instance->device_free, batch->end, instance->draft.n_decode);
    }
    if (instance->residency) {
        engine_count_batch(instance, batch->end - idle_until);
    }
    instance->device_free = batch->end;
    instance->n_batches++;
}

static struct step_cost price(struct instance *instance, const struct draft *draft)
{
    if (draft->n_chunks) {
        return step_time_batch(instance->step_time, &(struct batch_shape){.n_decode = draft->n_decode,
                                                                          .decode_context = draft->decode_context,
                                                                          .n_chunks = (uint32_t)draft->n_chunks,
                                                                          .chunks = draft->chunks});
    }
    const struct decode_piece *piece = engine_piece(instance, draft->n_decode, draft->decode_context);
    const simtime grown = piece->slope * (simtime)(draft->decode_context - piece->from);
    struct step_cost cost = {.total = piece->base + grown};
    for (int i = 0; i < STEP_BOUNDS; i++) {
        cost.part[i] = piece->part[i];
    }
    cost.part[piece->slope_bound] += grown;
    return cost;
}

/* Blocks that a link of so many bytes per second moves in a time. */
static uint64_t blocks_moved(const struct instance *instance, uint64_t bandwidth, simtime time)
{
    const unsigned __int128 bytes = (unsigned __int128)bandwidth * (unsigned __int128)time / SIMTIME_S;
    return (uint64_t)(bytes / instance->node->plan->block_bytes);
}

struct asim_step engine_next_step(const struct instance *instance)
{
    const struct decode_set *decode = &instance->decode;
    uint32_t budget = instance->config->max_num_batched_tokens - decode->n;
    struct asim_step step = {.decodes = decode->n};
    const struct sequence *sequence = instance->n_prefilling ? instance->running.head : NULL;
    for (; sequence && budget; sequence = sequence->next) {
        if (sequence->state == SEQUENCE_PREFILLING) {
            const uint32_t tokens =
                engine_chunk_tokens(instance, sequence->n_tokens - (uint32_t)sequence->base, budget);
            step.prefill_toks += tokens;
            budget -= tokens;
        }
    }
    const struct prefill_chunk chunk = {.tokens = step.prefill_toks, .sampled = true};
    const struct batch_shape shape = {.n_decode = decode->n,
                                      .decode_context = decode->context + decode->n,
                                      .n_chunks = step.prefill_toks != 0,
                                      .chunks = &chunk};
    step.time = step_time_batch(instance->step_time, &shape).total +
                host_time_exposed(&instance->config->host, decode->n + step.prefill_toks);
    step.store_blocks = blocks_moved(instance, instance->node->plan->out_bandwidth, step.time);
    step.load_blocks = blocks_moved(instance, instance->node->plan->in_bandwidth, step.time);
    return step;
}

bool engine_compose(struct instance *instance, simtime now)
{
    if (instance->residency && engine_plans_transfers(instance)) {
        consult_plan(instance, now);
    }

    struct batch *batch = engine_batch(instance, instance->n_batches);
    batch->completions.n = batch->finishers.n = 0;
    struct draft *draft = &instance->draft;
    draft->batch = batch;
    draft->n_chunks = 0;
    draft->chunk_tokens = draft->n_decode = 0;
    draft->decode_context = 0;
    uint32_t budget = instance->config->max_num_batched_tokens;
    bool preempted = instance->residency && engine_make_room(instance, now);
    if (instance->running.n && !engine_run_steady(instance, draft, &budget)) {
        preempted |= engine_run_plain(instance, draft, now, &budget);
        instance->counters.plain_steps++;
    }
    /* When the last turn had to go, nothing would ever happen again, unless a transfer ends. */
    if (!preempted || (!instance->running.n && !instance->n_batches && !engine_awaits_blocks(instance))) {
        admit_waiting(instance, draft, now, budget);
    }
    if (!draft->n_decode && !draft->n_chunks) {
        return false;
    }
    const uint32_t tokens = draft->n_decode + draft->chunk_tokens;
    const struct step_cost cost = price(instance, draft);
    enqueue(instance, batch, now, &cost, host_time_exposed(&instance->config->host, tokens));
    instance->counters.steps++;
    instance->counters.scheduled_tokens += tokens;
    const uint32_t used = engine_used_blocks(instance);
    if (used > instance->counters.peak_used_blocks) {
        instance->counters.peak_used_blocks = used;
    }
    return true;
}
