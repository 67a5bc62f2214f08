#include "instance/decision_log.h"
#include "instance/tiers/transfers.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static bool has_flag(const struct instance *instance, enum asim_policy_flags flag)
{
    return instance->residency->scheduling->use->policy->flags & flag;
}

static bool has_priority(const struct instance *instance)
{
    return instance->residency->scheduling->use->policy->priority != NULL;
}

static bool goes_before(struct asim_priority a, struct asim_priority b)
{
    return a.level < b.level || (a.level == b.level && a.order < b.order);
}

void engine_rank(struct instance *instance, const struct sequence *sequence, simtime now)
{
    instance->residency->queue.batch = 0;
    if (has_priority(instance)) {
        residency_guest(instance->residency, sequence)->priority = consult_priority(instance, sequence, now);
    }
}

static void rank_all(struct instance *instance, const struct sequence_list *list, simtime now)
{
    for (const struct sequence *sequence = list->head; sequence; sequence = sequence->next) {
        engine_rank(instance, sequence, now);
    }
}

bool engine_watches_waiting(const struct instance *instance)
{
    const struct residency *residency = instance->residency;
    const struct asim_policy *scheduling = residency->scheduling->use->policy;
    return (scheduling->flags & (ASIM_POLICY_DYNAMIC_PRIORITY | ASIM_POLICY_PREEMPTIVE)) || scheduling->admit ||
           residency->retention->use->policy->on_pressure;
}

bool engine_may_admit(const struct instance *instance)
{
    if (instance->waiting.n == instance->residency->n_loading + engine_awaiting_raises(instance)) {
        return false;
    }
    const bool room = instance->running.n < instance->config->max_num_seqs;
    return (room && (engine_watches_waiting(instance) || !instance->head_blocked)) ||
           has_flag(instance, ASIM_POLICY_PREEMPTIVE);
}

/* ---- who is admitted ---- */

static bool may_start(const struct instance *instance, const struct sequence *sequence)
{
    const struct guest *guest = residency_guest(instance->residency, sequence);
    return !sequence->last_in_flight && !guest->is_loading && guest->refused_in != instance->residency->batch &&
           !engine_awaits_raise(instance, sequence);
}

static struct sequence *first_waiting(const struct instance *instance)
{
    const struct residency *residency = instance->residency;
    struct sequence *first = NULL;
    for (struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        if (!may_start(instance, sequence)) {
            continue;
        }
        if (!first ||
            goes_before(residency_guest(residency, sequence)->priority, residency_guest(residency, first)->priority)) {
            first = sequence;
        }
        if (!has_priority(instance)) {
            break;
        }
    }
    return first;
}

static int by_priority(const void *left, const void *right)
{
    const struct queued *a = left;
    const struct queued *b = right;
    if (goes_before(a->priority, b->priority) || goes_before(b->priority, a->priority)) {
        return goes_before(a->priority, b->priority) ? -1 : 1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

/* Puts those that may start in a row. */
static void line_up(struct instance *instance)
{
    struct residency *residency = instance->residency;
    struct admission_queue *queue = &residency->queue;
    queue->n = queue->next = 0;
    queue->batch = residency->batch;
    for (struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        if (may_start(instance, sequence)) {
            queue->items = mem_grow(queue->items, &queue->capacity, queue->n + 1, sizeof *queue->items);
            queue->items[queue->n] = (struct queued){
                .sequence = sequence, .priority = residency_guest(residency, sequence)->priority, .place = queue->n};
            queue->n++;
        }
    }
    if (queue->n > 1 && has_priority(instance)) {
        qsort(queue->items, queue->n, sizeof *queue->items, by_priority);
    }
}

struct sequence *engine_next_waiting(struct instance *instance)
{
    enum { FEW = 4 };
    const struct residency *residency = instance->residency;
    struct admission_queue *queue = &instance->residency->queue;
    if (queue->refused_in != residency->batch || queue->n_refused < FEW) {
        return first_waiting(instance); /* the first few are found in a walk each, */
    }
    if (queue->batch != residency->batch) {
        line_up(instance); /* many not */
    }
    while (queue->next < queue->n) {
        struct sequence *sequence = queue->items[queue->next].sequence;
        if (sequence->state == SEQUENCE_WAITING && may_start(instance, sequence)) {
            return sequence;
        }
        queue->next++;
    }
    return NULL;
}

/* So long a policy may leave an idle instance idle while turns wait. */
#define LONGEST_REFUSAL (3600 * SIMTIME_S)

bool engine_is_refused(struct instance *instance, const struct sequence *sequence, simtime now)
{
    /* Where nothing runs, only a tick brings a policy to think again, and not for ever. */
    const simtime idle_since = instance->device_free > sequence->arrived ? instance->device_free : sequence->arrived;
    const bool must_admit = !instance->running.n && (instance->residency->scheduling->tick_at == SIMTIME_NEVER ||
                                                     now - idle_since >= LONGEST_REFUSAL);
    if (must_admit || consult_admit(instance, sequence, now)) {
        return false;
    }
    struct residency *residency = instance->residency;
    struct admission_queue *queue = &residency->queue;
    queue->n_refused = queue->refused_in == residency->batch ? queue->n_refused + 1 : 1;
    queue->refused_in = residency->batch;
    residency_guest(residency, sequence)->refused_in = residency->batch;
    residency->counters.refused++;
    engine_log_turn(instance, DECISION_REFUSE, sequence, now);
    return true;
}

/* ---- who goes ---- */

/* A turn that was preempted so often gives its next token before policies may send it back again: such as do so in turn
 * before their prompts are computed would do so for ever. */
enum { MOST_RESTARTS = 8 };

static bool may_be_sent_back(const struct sequence *sequence)
{
    return sequence->state == SEQUENCE_DECODING || sequence->preemptions < MOST_RESTARTS;
}

/* The running turn that comes last by priority; of equals the one admitted last. */
static struct sequence *last_running(const struct instance *instance, bool to_displace)
{
    const struct residency *residency = instance->residency;
    struct sequence *last = NULL;
    for (struct sequence *sequence = instance->running.head; sequence; sequence = sequence->next) {
        if (sequence->state != SEQUENCE_DRAINING && (!to_displace || may_be_sent_back(sequence)) &&
            (!last || !goes_before(residency_guest(residency, sequence)->priority,
                                   residency_guest(residency, last)->priority))) {
            last = sequence;
        }
    }
    return last;
}

/* NULL: the one admitted last, which leaves the first to go on. */
static struct sequence *choose_victim(struct instance *instance, simtime now)
{
    struct sequence *victim = consult_victim(instance, now);
    if (!victim && has_priority(instance)) {
        victim = last_running(instance, false);
    }
    return victim && may_be_sent_back(victim) ? victim : NULL;
}

/* Blocks that the running turns need in the next batch. */
static uint32_t blocks_of_running(const struct instance *instance)
{
    const struct decode_set *decode = &instance->decode;
    uint32_t blocks = decode_set_crossings(decode, 0);
    uint32_t budget = instance->config->max_num_batched_tokens;
    const struct sequence *sequence = instance->n_prefilling ? instance->running.head : NULL;
    for (; sequence; sequence = sequence->next) {
        if (sequence->state == SEQUENCE_DECODING) {
            budget--;
        } else if (sequence->state == SEQUENCE_PREFILLING) {
            const uint32_t computed = (uint32_t)sequence->base;
            const uint32_t tokens = engine_chunk_tokens(instance, sequence->n_tokens - computed, budget);
            blocks += engine_blocks_of(instance, computed + tokens) -
                      (sequence->holder.hashed_blocks + sequence->holder.anonymous_blocks);
            budget -= tokens;
        }
    }
    return blocks;
}

/* Running turns of a higher level go until the first waiting one fits. */
static void displace(struct instance *instance, simtime now)
{
    struct sequence *first;
    while ((first = engine_next_waiting(instance))) {
        const uint32_t blocks = blocks_of_running(instance) + engine_blocks_to_admit(instance, first);
        if (instance->running.n < instance->config->max_num_seqs &&
            engine_find_blocks(instance, blocks, false, first->program, now)) {
            return;
        }
        struct sequence *last = last_running(instance, true);
        if (!last || residency_guest(instance->residency, last)->priority.level <=
                         residency_guest(instance->residency, first)->priority.level) {
            return;
        }
        engine_log_turn(instance, DECISION_DISPLACE, last, now);
        engine_preempt(instance, last, now);
        instance->residency->counters.displaced++;
    }
}

bool engine_make_room(struct instance *instance, simtime now)
{
    bool preempted = false;
    uint32_t blocks;
    instance->residency->batch++;
    if (has_priority(instance) && has_flag(instance, ASIM_POLICY_DYNAMIC_PRIORITY)) {
        rank_all(instance, &instance->waiting, now);
        rank_all(instance, &instance->running, now);
    }
    while ((blocks = blocks_of_running(instance)) > kv_free(instance->pool) &&
           !engine_find_blocks(instance, blocks, true, ASIM_NO_PROGRAM, now)) {
        if (engine_take_back(instance, NULL, true)) {
            continue;
        }
        struct sequence *victim = choose_victim(instance, now);
        if (!victim) {
            break; /* the plain path preempts from the end of the list */
        }
        engine_log_turn(instance, DECISION_PREEMPT, victim, now);
        engine_preempt(instance, victim, now);
        preempted = true;
    }
    if (!preempted && instance->waiting.n && has_flag(instance, ASIM_POLICY_PREEMPTIVE)) {
        displace(instance, now);
    }
    return preempted;
}
