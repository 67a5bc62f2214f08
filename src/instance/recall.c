#include "instance/evictions.h"
#include "instance/residency/hooks.h"

#include "base/mem.h"

#include <assert.h>

/* ---- what comes from the router ---- */

static simtime first_recall(const struct instance *instance)
{
    return instance->n_recalls ? instance->recalls[0].time : SIMTIME_NEVER;
}

static simtime first_leave(const struct instance *instance)
{
    return instance->n_leavers ? instance->leavers[0].time : SIMTIME_NEVER;
}

simtime engine_inbox_time(const struct instance *instance)
{
    const simtime arrival = instance->inbox.n ? instance->inbox.head->arrived : SIMTIME_NEVER;
    return engine_has_orders(instance)
               ? simtime_least(arrival, simtime_least(first_recall(instance), first_leave(instance)))
               : arrival;
}

void instance_recall(struct instance *instance, const struct turn_recall *recall)
{
    assert(!instance->n_recalls || instance->recalls[instance->n_recalls - 1].time <= recall->time);
    instance->recalls = mem_grow(instance->recalls, &instance->recalls_capacity, (size_t)instance->n_recalls + 1,
                                 sizeof *instance->recalls);
    instance->recalls[instance->n_recalls++] = *recall;
    if (instance->n_recalls == 1) {
        engine_set_inbox(instance, engine_inbox_time(instance));
    }
}

/* The turn, if it waits and nothing was done for it. */
static struct sequence *find_untouched(const struct instance *instance, const struct turn_recall *recall)
{
    for (struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        if (sequence->program == recall->program && sequence->turn == recall->turn) {
            const struct guest *guest = instance->residency ? residency_guest(instance->residency, sequence) : NULL;
            const bool is_brought_kv = guest && (guest->is_loading || guest->is_raising);
            return sequence->was_admitted || is_brought_kv || sequence->holder.hashed_blocks ? NULL : sequence;
        }
    }
    return NULL;
}

/* ---- a turn leaves ---- */

static void leave(struct instance *instance, struct sequence *sequence, uint32_t kv_to, simtime now)
{
    *engine_new_end(instance) = (struct turn_end){
        .record = {.program = sequence->program, .turn = sequence->turn, .instance = instance->id, .last_token = now},
        .slot = sequence->slot,
        .unserved = true,
        .kv_blocks = sequence->holder.hashed_blocks,
        .kv_to = kv_to};
    kv_release(instance->pool, &sequence->holder);
    sequence_pool_give(&instance->sequences, sequence);
}

void engine_add_leaver(struct instance *instance, const struct leaver *leaver)
{
    instance->leavers = mem_grow(instance->leavers, &instance->leavers_capacity, (size_t)instance->n_leavers + 1,
                                 sizeof *instance->leavers);
    instance->leavers[instance->n_leavers++] = *leaver;
}

/* When a copy of so many blocks is over that begins behind those under way. */
static simtime copied_at(const struct instance *instance, uint32_t blocks, simtime now)
{
    const struct kv_link *peers = &instance->config->peers;
    const struct leaver *last = instance->n_leavers ? &instance->leavers[instance->n_leavers - 1] : NULL;
    const simtime begin = last && last->time - peers->latency > now ? last->time - peers->latency : now;
    const unsigned __int128 bytes = (unsigned __int128)blocks * peers->block_bytes;
    return begin + (simtime)(bytes * SIMTIME_S / peers->bandwidth) + peers->latency;
}

/* The turn's KV sets off; the turn leaves when it is there. */
static void pack(struct instance *instance, struct sequence *sequence, struct kv_hit hit,
                 const struct turn_recall *recall)
{
    kv_touch(instance->pool, &sequence->holder, sequence->content, hit);
    const struct leaver leaver = {.sequence = sequence,
                                  .time = copied_at(instance, hit.blocks, recall->time),
                                  .lead = recall->lead,
                                  .to = recall->kv_to};
    engine_add_leaver(instance, &leaver);
    instance->counters.kv_blocks_sent += hit.blocks;
    engine_set_inbox(instance, engine_inbox_time(instance));
}

static void take_recall(struct instance *instance)
{
    const struct turn_recall recall = instance->recalls[0];
    instance->n_recalls--;
    for (uint32_t i = 0; i < instance->n_recalls; i++) {
        instance->recalls[i] = instance->recalls[i + 1];
    }
    engine_set_inbox(instance, engine_inbox_time(instance));
    struct sequence *sequence = find_untouched(instance, &recall);
    if (!sequence) {
        return;
    }
    engine_effect_leave(instance, sequence);
    sequence_list_remove(&instance->waiting, sequence);
    instance->n_quick -= sequence->is_quick;
    instance->head_blocked = false;
    if (instance->residency) {
        engine_go_unserved(instance, sequence, recall.time);
    }
    const struct kv_hit hit = recall.kv_to == ASIM_NONE
                                  ? (struct kv_hit){0}
                                  : kv_lookup(instance->pool, sequence->content, sequence->n_tokens);
    if (hit.blocks) {
        pack(instance, sequence, hit, &recall);
    } else {
        leave(instance, sequence, ASIM_NONE, recall.time);
    }
    engine_wake(instance, recall.time);
}

static void let_leave(struct instance *instance)
{
    const struct leaver leaver = instance->leavers[0];
    const uint64_t program = leaver.sequence->program;
    instance->n_leavers--;
    for (uint32_t i = 0; i < instance->n_leavers; i++) {
        instance->leavers[i] = instance->leavers[i + 1];
    }
    engine_set_inbox(instance, engine_inbox_time(instance));
    leave(instance, leaver.sequence, leaver.to, leaver.time);
    if (instance->residency) {
        engine_give_up(instance, program, leaver.time);
    }
    instance->head_blocked = false;
    engine_wake(instance, leaver.time);
}

bool engine_answer_router(struct instance *instance)
{
    const simtime recall = first_recall(instance);
    const simtime leaves = first_leave(instance);
    if (instance->inbox.n && instance->inbox.head->arrived <= simtime_least(recall, leaves)) {
        return false;
    }
    if (leaves <= recall) {
        let_leave(instance);
    } else {
        take_recall(instance);
    }
    return true;
}

/* ---- a turn arrives ---- */

void engine_unpack(struct instance *instance, struct sequence *sequence)
{
    struct kv_pool *pool = instance->pool;
    const struct kv_hit hit = kv_find(pool, sequence->content, sequence->kv_blocks);
    const uint32_t missing = sequence->kv_blocks - hit.blocks;
    if (!missing) {
        return;
    }
    if (missing + hit.free_blocks > kv_free(pool)) {
        instance->counters.kv_blocks_refused += missing;
        return;
    }
    kv_touch(pool, &sequence->holder, sequence->content, hit);
    kv_alloc(pool, &sequence->holder, missing);
    evictions_note_arrival(instance, &sequence->holder, sequence->content, sequence->kv_blocks);
    kv_hash(pool, &sequence->holder, sequence->content, sequence->kv_blocks);
    kv_release(pool, &sequence->holder);
    instance->counters.kv_blocks_taken += missing;
    instance->head_blocked = false;
}
