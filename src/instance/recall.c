#include "instance/residency.h"

#include "base/mem.h"

#include <assert.h>

simtime engine_inbox_time(const struct instance *instance)
{
    const simtime arrival = instance->inbox.n ? instance->inbox.head->arrived : SIMTIME_NEVER;
    return instance->n_recalls ? simtime_least(arrival, instance->recalls[0].time) : arrival;
}

bool engine_recall_is_next(const struct instance *instance)
{
    return !instance->inbox.n || instance->inbox.head->arrived > instance->recalls[0].time;
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

void engine_recall(struct instance *instance)
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
    instance->head_blocked = false;
    if (instance->residency) {
        engine_go_unserved(instance, sequence, recall.time);
    }
    *engine_new_end(instance) = (struct turn_end){.record = {.program = sequence->program,
                                                             .turn = sequence->turn,
                                                             .instance = instance->id,
                                                             .last_token = recall.time},
                                                  .slot = sequence->slot,
                                                  .unserved = true};
    instance->n_quick -= sequence->is_quick;
    sequence_pool_give(&instance->sequences, sequence);
    engine_wake(instance, recall.time);
}
