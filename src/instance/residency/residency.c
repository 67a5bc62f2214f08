#include "instance/tiers/transfers.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

static struct seat *take_seat(struct residency *residency, const struct policy_use *use)
{
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        if (residency->seats[i].use->policy == use->policy) {
            return &residency->seats[i];
        }
    }
    struct seat *seat = &residency->seats[residency->n_seats++];
    const struct asim_policy *policy = use->policy;
    *seat = (struct seat){.use = use,
                          .state = policy->state_size ? mem_zalloc(policy->state_size) : NULL,
                          .tick_period = policy->tick && policy->tick_period ? policy->tick_period(use->parameters)
                                                                             : SIMTIME_NEVER,
                          .tick_at = SIMTIME_NEVER};
    return seat;
}

void engine_open_residency(struct instance *instance)
{
    const struct policy_set *policies = instance->config->policies;
    if (!instance->node && (!policies || (policy_is_passive(policies->retention.policy) &&
                                          policy_is_passive(policies->scheduling.policy)))) {
        return;
    }
    struct residency *residency = mem_zalloc(sizeof *residency);
    instance->residency = residency;
    residency->next_deadline = SIMTIME_NEVER;
    residency->retention = take_seat(residency, &policies->retention);
    residency->scheduling = take_seat(residency, &policies->scheduling);
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        consult_start(instance, &residency->seats[i]);
    }
}

static void free_record(struct resident *resident)
{
    kv_holder_fini(&resident->holder);
    extent_list_fini(&resident->content);
    mem_free(resident);
}

void engine_close_residency(struct instance *instance)
{
    struct residency *residency = instance->residency;
    if (!residency) {
        return;
    }
    for (size_t i = 0; i < residency->n_residents; i++) {
        kv_release(instance->pool, &residency->residents[i]->holder); /* the run ended early */
        free_record(residency->residents[i]);
    }
    for (size_t i = 0; i < residency->n_spare; i++) {
        free_record(residency->spare[i]);
    }
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        mem_free(residency->seats[i].state);
    }
    mem_free(residency->residents);
    mem_free(residency->spare);
    mem_free(residency->guests);
    mem_free(residency->wishes);
    mem_free(residency->queue.items);
    mem_free(residency->shown);
    mem_free(residency);
}

/* ---- guests ---- */

struct guest *residency_guest(const struct residency *residency, const struct sequence *sequence)
{
    return &residency->guests[sequence->index];
}

void engine_welcome(struct instance *instance, const struct sequence *sequence, const struct turn_facts *facts)
{
    struct residency *residency = instance->residency;
    assert(facts);
    residency->guests =
        mem_grow(residency->guests, &residency->guest_capacity, (size_t)sequence->index + 1, sizeof *residency->guests);
    *residency_guest(residency, sequence) = (struct guest){.facts = *facts, .running_since = SIMTIME_NEVER};
}

/* ---- residents ---- */

/* The place of the first resident whose program is not before `program`. */
static size_t place_of(const struct residency *residency, uint64_t program)
{
    size_t low = 0;
    size_t high = residency->n_residents;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (residency->residents[middle]->program < program) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct resident *residency_find(const struct residency *residency, uint64_t program)
{
    const size_t place = place_of(residency, program);
    return place < residency->n_residents && residency->residents[place]->program == program
               ? residency->residents[place]
               : NULL;
}

size_t residency_index(const struct residency *residency, const struct resident *resident)
{
    const size_t place = place_of(residency, resident->program);
    assert(residency->residents[place] == resident);
    return place;
}

static struct resident *take_record(struct residency *residency)
{
    if (residency->n_spare) {
        return residency->spare[--residency->n_spare];
    }
    struct resident *resident = mem_zalloc(sizeof *resident);
    extent_list_init(&resident->content);
    return resident;
}

struct resident *residency_add(struct instance *instance, uint64_t program, struct kv_holder *holder)
{
    struct residency *residency = instance->residency;
    const size_t place = place_of(residency, program);
    assert(place == residency->n_residents || residency->residents[place]->program != program);
    residency->residents = mem_grow(residency->residents, &residency->resident_capacity, residency->n_residents + 1,
                                    sizeof(struct resident *));
    memmove(&residency->residents[place + 1], &residency->residents[place],
            (residency->n_residents - place) * sizeof(struct resident *));
    residency->n_residents++;
    struct resident *resident = take_record(residency);
    const struct kv_holder empty = resident->holder; /* with memory for its next blocks */
    struct extent_list content = resident->content;
    content.n = 0;
    content.n_tokens = 0;
    *resident = (struct resident){.holder = *holder,
                                  .content = content,
                                  .back_at = SIMTIME_NEVER,
                                  .program = program,
                                  .blocks = holder->hashed_blocks,
                                  .private_blocks = engine_private_blocks(instance, holder)};
    *holder = empty;
    residency->residents[place] = resident;
    residency->retained_blocks += resident->private_blocks;
    return resident;
}

bool engine_plans_transfers(const struct instance *instance)
{
    const struct residency *residency = instance->residency;
    if (!instance->node || !residency->n_residents || !(instance->decode.n || instance->n_prefilling)) {
        return false;
    }
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        if (residency->seats[i].use->policy->plan_transfers) {
            return true;
        }
    }
    return false;
}

static void sum_up(struct instance *instance)
{
    struct residency *residency = instance->residency;
    residency->next_deadline = SIMTIME_NEVER;
    instance->held_blocks = 0;
    for (size_t i = 0; i < residency->n_residents; i++) {
        const struct resident *resident = residency->residents[i];
        instance->held_blocks += resident->is_pin ? 0 : resident->private_blocks;
        if (residency_lapses(instance, resident) && resident->until < residency->next_deadline) {
            residency->next_deadline = resident->until;
        }
        if (!resident->is_offloading && resident->back_at < residency->next_deadline) { /* first it is to be away */
            residency->next_deadline = resident->back_at;
        }
    }
    const simtime stop = engine_next_raise_stop(instance);
    residency->next_deadline = stop < residency->next_deadline ? stop : residency->next_deadline;
}

/* So many of its private blocks are not retained any more. */
static void count_off(struct instance *instance, struct resident *resident, uint32_t blocks, simtime now)
{
    struct residency *residency = instance->residency;
    const unsigned __int128 cost = (unsigned __int128)blocks * (unsigned __int128)(now - resident->since);
    residency->counters.retained_block_ps += cost;
    if (!resident->has_returned) {
        residency->counters.wasted_block_ps += cost;
    }
    residency->retained_blocks -= blocks;
    resident->private_blocks -= blocks;
    instance->head_blocked = false;
}

/* Its blocks go to the free queue. */
static void give_up(struct instance *instance, struct resident *resident, simtime now)
{
    count_off(instance, resident, resident->private_blocks, now);
    kv_release(instance->pool, &resident->holder);
    resident->blocks = 0;
}

void residency_shorten(struct instance *instance, struct resident *resident, uint32_t blocks, simtime now)
{
    assert(blocks < resident->blocks);
    const uint32_t free = kv_free(instance->pool);
    kv_shorten(instance->pool, &resident->holder, resident->blocks - blocks);
    const uint32_t freed = kv_free(instance->pool) - free;
    resident->blocks -= blocks;
    const uint32_t before = resident->private_blocks;
    const uint32_t left = freed < before ? before - freed : 0;
    count_off(instance, resident, before - (left < resident->blocks ? left : resident->blocks), now);
    residency_set_timer(instance);
}

void residency_vacate(struct instance *instance, struct resident *resident, simtime now)
{
    give_up(instance, resident, now);
    resident->is_pin = false;
    residency_set_timer(instance);
}

void residency_give(struct instance *instance, struct resident *resident, struct kv_holder *holder, simtime now)
{
    const struct kv_holder empty = resident->holder;
    assert(!empty.n_ranges);
    resident->holder = *holder;
    *holder = empty;
    resident->is_coming = false;
    resident->is_pin = false;
    resident->since = now;
    resident->blocks = resident->holder.hashed_blocks;
    resident->private_blocks = engine_private_blocks(instance, &resident->holder);
    instance->residency->retained_blocks += resident->private_blocks;
    residency_set_timer(instance);
}

void residency_remove(struct instance *instance, size_t index, simtime now)
{
    struct residency *residency = instance->residency;
    struct resident *resident = residency->residents[index];
    give_up(instance, resident, now);
    residency->n_residents--;
    memmove(&residency->residents[index], &residency->residents[index + 1],
            (residency->n_residents - index) * sizeof(struct resident *));
    residency->spare =
        mem_grow(residency->spare, &residency->spare_capacity, residency->n_spare + 1, sizeof(struct resident *));
    residency->spare[residency->n_spare++] = resident;
    residency_set_timer(instance);
}

void residency_set_deadline(struct instance *instance, struct resident *resident, simtime until, simtime now)
{
    resident->is_pin = until > now;
    resident->until = until;
    instance->head_blocked = false;
    residency_set_timer(instance);
}

void engine_tell_source(const struct instance *instance, const struct sequence *sequence, struct turn_record *record)
{
    const struct guest *guest = residency_guest(instance->residency, sequence);
    record->loaded_toks = guest->loaded_toks < record->hit_toks ? guest->loaded_toks : record->hit_toks;
    record->loaded_from = guest->loaded_from;
}

uint32_t engine_active_blocks(const struct instance *instance)
{
    return instance->usable_blocks - kv_free(instance->pool) - instance->residency->retained_blocks;
}

void engine_count_active(struct instance *instance, unsigned __int128 block_ps)
{
    instance->residency->counters.active_block_ps += block_ps;
}

void engine_note_chunk(struct instance *instance, const struct sequence *sequence)
{
    const struct guest *guest = residency_guest(instance->residency, sequence);
    const uint32_t block_size = instance->config->block_size;
    const uint32_t most = sequence->prompt_toks - 1;
    const uint32_t kept = guest->facts.kept_toks < most ? guest->facts.kept_toks : most;
    const uint32_t eligible = kept - kept % block_size;
    const uint32_t before = eligible > guest->thrown_toks ? eligible : guest->thrown_toks;
    if ((uint32_t)sequence->base < before) {
        instance->residency->recomputing_blocks +=
            (uint64_t)sequence->holder.hashed_blocks + sequence->holder.anonymous_blocks;
    }
}

void engine_count_batch(struct instance *instance, simtime time)
{
    struct residency *residency = instance->residency;
    const unsigned __int128 lasts = (unsigned __int128)time;
    residency->counters.active_block_ps += engine_active_blocks(instance) * lasts;
    residency->counters.recompute_block_ps += residency->recomputing_blocks * lasts;
    residency->recomputing_blocks = 0;
}

const struct residency_counters *instance_residency_counters(const struct instance *instance)
{
    return instance->residency ? &instance->residency->counters : NULL;
}

/* ---- timer ---- */

void residency_set_timer(struct instance *instance)
{
    sum_up(instance);
    residency_renew_timer(instance);
}

void residency_renew_timer(struct instance *instance)
{
    const struct residency *residency = instance->residency;
    simtime first = residency->next_deadline;
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        first = residency->seats[i].tick_at < first ? residency->seats[i].tick_at : first;
    }
    const simtime transfers = instance->node ? node_next(instance->node) : SIMTIME_NEVER;
    engine_set_timer(instance, transfers < first ? transfers : first);
}
