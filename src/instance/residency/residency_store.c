#include "base/mem.h"
#include "instance/checkpoint_parts.h"
#include "instance/tiers/transfers.h"

#include <inttypes.h>
#include <math.h>

/* The least bytes of an extent and of a resident. */
enum { EXTENT_BYTES = 16, RESIDENT_BYTES = 80 };

/* ---- contents ---- */

void saved_content_put(const struct extent_list *list, struct store_writer *writer)
{
    store_put_u64(writer, list->n);
    for (size_t i = 0; i < list->n; i++) {
        store_put_u64(writer, list->items[i].stream);
        store_put_u32(writer, list->items[i].first);
        store_put_u32(writer, list->items[i].count);
    }
}

void saved_content_get(struct extent_list *list, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, EXTENT_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct extent extent;
        extent.stream = store_get_u64(reader);
        extent.first = store_get_u32(reader);
        extent.count = store_get_u32(reader);
        if (!extent.count || extent.count > UINT32_MAX - extent.first || extent.count > UINT32_MAX - list->n_tokens) {
            store_refuse(reader, "%" PRIu32 " tokens of a stream from %" PRIu32 " on", extent.count, extent.first);
            return;
        }
        extent_list_append(list, extent);
    }
}

/* ---- policies ---- */

static void put_seats(const struct residency *residency, struct store_writer *writer)
{
    store_put_u32(writer, residency->n_seats);
    for (uint32_t i = 0; i < residency->n_seats; i++) {
        const struct seat *seat = &residency->seats[i];
        store_put_u64(writer, seat->use->policy->state_size);
        store_put_bytes(writer, seat->state, seat->use->policy->state_size);
        store_put_i64(writer, seat->tick_at);
    }
}

static void get_seats(struct residency *residency, struct store_reader *reader)
{
    const uint32_t n = store_get_u32(reader);
    if (n != residency->n_seats) {
        store_refuse(reader, "%" PRIu32 " policies; expected %" PRIu32, n, residency->n_seats);
    }
    for (uint32_t i = 0; i < n && !store_failed(reader); i++) {
        struct seat *seat = &residency->seats[i];
        const uint64_t size = store_get_u64(reader);
        if (size != seat->use->policy->state_size) {
            store_refuse(reader, "%" PRIu64 " bytes of policy state; policy %s has %zu", size, seat->use->policy->name,
                         seat->use->policy->state_size);
            return;
        }
        store_get_bytes(reader, seat->state, (size_t)size);
        seat->tick_at = store_get_i64(reader);
        if (!saved_time_or_never(seat->tick_at) ||
            (seat->tick_at != SIMTIME_NEVER && seat->tick_period == SIMTIME_NEVER)) {
            store_refuse(reader, "policy %s cannot tick at %" PRId64 " ps", seat->use->policy->name, seat->tick_at);
        }
    }
}

/* ---- counters ---- */

static void put_counters(struct residency_counters counters, struct store_writer *writer)
{
    uint64_t *counts[RESIDENCY_COUNTS];
    unsigned __int128 *sums[RESIDENCY_SUMS];
    residency_counters_list(&counters, counts, sums);
    for (size_t i = 0; i < RESIDENCY_COUNTS; i++) {
        store_put_u64(writer, *counts[i]);
    }
    for (size_t i = 0; i < RESIDENCY_SUMS; i++) {
        store_put_u128(writer, *sums[i]);
    }
}

static void get_counters(struct residency_counters *counters, struct store_reader *reader)
{
    uint64_t *counts[RESIDENCY_COUNTS];
    unsigned __int128 *sums[RESIDENCY_SUMS];
    residency_counters_list(counters, counts, sums);
    for (size_t i = 0; i < RESIDENCY_COUNTS; i++) {
        *counts[i] = store_get_u64(reader);
    }
    for (size_t i = 0; i < RESIDENCY_SUMS; i++) {
        *sums[i] = store_get_u128(reader);
    }
}

/* ---- guests ---- */

static void put_guest(const struct guest *guest, struct store_writer *writer)
{
    const struct turn_facts *facts = &guest->facts;
    store_put_i64(writer, facts->program_arrival);
    store_put_i64(writer, facts->gap_before);
    store_put_i64(writer, facts->gap_after);
    store_put_i64(writer, facts->attained);
    store_put_i64(writer, facts->critical);
    store_put_i64(writer, facts->deadline);
    store_put_i64(writer, facts->hint_pin);
    store_put_i64(writer, facts->hint_resume);
    store_put_i64(writer, facts->remaining_toks);
    store_put_u64(writer, facts->tenant);
    store_put_u32(writer, facts->kept_toks);
    store_put_u32(writer, facts->kept_before);
    store_put_u32(writer, facts->tool_before);
    store_put_u32(writer, facts->tool_after);
    store_put_u8(writer, facts->is_last);
    store_put_i64(writer, guest->priority.level);
    store_put_i64(writer, guest->priority.order);
    store_put_i64(writer, guest->served);
    store_put_i64(writer, guest->running_since);
    store_put_u64(writer, guest->refused_in);
    store_put_u8(writer, guest->is_raising);
    store_put_i64(writer, guest->raise_until);
    store_put_u8(writer, guest->is_loading);
    store_put_u32(writer, guest->thrown_toks);
    store_put_u32(writer, guest->stored_blocks);
    store_put_u32(writer, guest->loaded_toks);
    store_put_u8(writer, guest->loaded_from);
}

static void put_guests(const struct residency *residency, const struct sequence_list *list, struct store_writer *writer)
{
    for (const struct sequence *sequence = list->head; sequence; sequence = sequence->next) {
        put_guest(residency_guest(residency, sequence), writer);
    }
}

static bool is_gap(simtime gap)
{
    return gap >= -1 && (gap <= SAVED_LATEST || gap == SIMTIME_NEVER);
}

static bool has_sound_facts(const struct turn_facts *facts)
{
    return saved_time(facts->program_arrival) && facts->gap_before >= -1 && facts->gap_before <= SAVED_LATEST &&
           is_gap(facts->gap_after) && saved_time(facts->attained) && saved_time(facts->critical) &&
           facts->deadline >= 0 && is_gap(facts->hint_pin) && is_gap(facts->hint_resume) && facts->remaining_toks >= 0;
}

static void get_guest(struct guest *guest, struct store_reader *reader)
{
    struct turn_facts *facts = &guest->facts;
    facts->program_arrival = store_get_i64(reader);
    facts->gap_before = store_get_i64(reader);
    facts->gap_after = store_get_i64(reader);
    facts->attained = store_get_i64(reader);
    facts->critical = store_get_i64(reader);
    facts->deadline = store_get_i64(reader);
    facts->hint_pin = store_get_i64(reader);
    facts->hint_resume = store_get_i64(reader);
    facts->remaining_toks = store_get_i64(reader);
    facts->tenant = store_get_u64(reader);
    facts->kept_toks = store_get_u32(reader);
    facts->kept_before = store_get_u32(reader);
    facts->tool_before = store_get_u32(reader);
    facts->tool_after = store_get_u32(reader);
    facts->is_last = store_get_u8(reader) != 0;
    guest->priority.level = (int32_t)store_get_i64(reader);
    guest->priority.order = store_get_i64(reader);
    guest->served = store_get_i64(reader);
    guest->running_since = store_get_i64(reader);
    guest->refused_in = store_get_u64(reader);
    guest->is_raising = store_get_u8(reader) != 0;
    guest->raise_until = store_get_i64(reader);
    guest->is_loading = store_get_u8(reader) != 0;
    guest->thrown_toks = store_get_u32(reader);
    guest->stored_blocks = store_get_u32(reader);
    guest->loaded_toks = store_get_u32(reader);
    guest->loaded_from = store_get_u8(reader);
}

static void get_guests(struct instance *instance, const struct sequence_list *list, struct store_reader *reader)
{
    struct residency *residency = instance->residency;
    const bool runs = list == &instance->running;
    for (const struct sequence *sequence = list->head; sequence && !store_failed(reader); sequence = sequence->next) {
        residency->guests = mem_grow(residency->guests, &residency->guest_capacity, (size_t)sequence->index + 1,
                                     sizeof *residency->guests);
        struct guest *guest = residency_guest(residency, sequence);
        *guest = (struct guest){0};
        get_guest(guest, reader);
        residency->n_loading += guest->is_loading;
        residency->n_raising += guest->is_raising;
        if (!has_sound_facts(&guest->facts) || !saved_time(guest->served) || guest->refused_in > residency->batch ||
            (runs ? !saved_time(guest->running_since) : guest->running_since != SIMTIME_NEVER) ||
            ((guest->is_loading || guest->is_raising) && (list != &instance->waiting || !instance->node)) ||
            guest->raise_until < 0 || guest->loaded_from >= MAX_TIERS ||
            (uint64_t)guest->stored_blocks * instance->config->block_size > sequence->content.n_tokens) {
            store_refuse(reader, "program %" PRIu64 ", turn %" PRIu32 ": policies cannot know that of it",
                         sequence->program, sequence->turn);
        }
    }
}

/* ---- residents ---- */

static void put_resident(const struct resident *resident, struct store_writer *writer)
{
    store_put_u64(writer, resident->program);
    store_put_u32(writer, resident->turn);
    store_put_u32(writer, resident->tool);
    store_put_u32(writer, resident->context_toks);
    store_put_u32(writer, resident->private_blocks);
    store_put_u8(writer, resident->is_pin);
    store_put_u8(writer, resident->has_returned);
    store_put_u8(writer, resident->is_offloading);
    store_put_u8(writer, resident->is_coming);
    store_put_i64(writer, resident->back_at);
    store_put_i64(writer, resident->program_arrival);
    store_put_i64(writer, resident->since);
    store_put_i64(writer, resident->until);
    store_put_i64(writer, resident->returns);
    store_put_double(writer, resident->score);
    kv_holder_save(&resident->holder, writer);
    saved_content_put(&resident->content, writer);
}

static bool is_sound(const struct instance *instance, const struct resident *resident, const struct resident *before)
{
    const uint64_t toks = (uint64_t)resident->blocks * instance->config->block_size;
    return (!before || before->program < resident->program) && resident->back_at >= 0 &&
           saved_time(resident->program_arrival) && saved_time(resident->since) && resident->until >= 0 &&
           resident->returns >= 0 && !isnan(resident->score) &&
           (instance->node ? resident->content.n_tokens >= toks
                           : !resident->content.n && !resident->is_offloading && !resident->is_coming);
}

static void get_resident(struct instance *instance, struct store_reader *reader)
{
    struct residency *residency = instance->residency;
    struct kv_holder none = {0};
    struct resident record;
    record.program = store_get_u64(reader);
    const struct resident *before = residency->n_residents ? residency->residents[residency->n_residents - 1] : NULL;
    if (before && before->program >= record.program) {
        store_refuse(reader, "programs between turns of instance %" PRIu32 " out of order", instance->id);
        return;
    }
    struct resident *resident = residency_add(instance, record.program, &none);
    resident->turn = store_get_u32(reader);
    resident->tool = store_get_u32(reader);
    resident->context_toks = store_get_u32(reader);
    resident->private_blocks = store_get_u32(reader);
    resident->is_pin = store_get_u8(reader) != 0;
    resident->has_returned = store_get_u8(reader) != 0;
    resident->is_offloading = store_get_u8(reader) != 0;
    resident->is_coming = store_get_u8(reader) != 0;
    resident->back_at = store_get_i64(reader);
    resident->program_arrival = store_get_i64(reader);
    resident->since = store_get_i64(reader);
    resident->until = store_get_i64(reader);
    resident->returns = store_get_i64(reader);
    resident->score = store_get_double(reader);
    kv_holder_load(&resident->holder, reader);
    saved_content_get(&resident->content, reader);
    resident->blocks = resident->holder.hashed_blocks;
    residency->retained_blocks += resident->private_blocks;
    if (!is_sound(instance, resident, before)) {
        store_refuse(reader, "program %" PRIu64 " cannot be between turns like that", resident->program);
    }
}

/* ---- all ---- */

void residency_save(const struct instance *instance, struct store_writer *writer)
{
    const struct residency *residency = instance->residency;
    put_seats(residency, writer);
    store_put_u64(writer, residency->batch);
    put_counters(residency->counters, writer);
    put_guests(residency, &instance->running, writer);
    put_guests(residency, &instance->waiting, writer);
    put_guests(residency, &instance->inbox, writer);
    store_put_u64(writer, residency->n_residents);
    for (size_t i = 0; i < residency->n_residents; i++) {
        put_resident(residency->residents[i], writer);
    }
    store_put_i64(writer, instance->timer_at);
}

/* The timer is as it was: among instances that share tiers it may lie behind what it would be set to. */
void residency_load(struct instance *instance, struct store_reader *reader)
{
    struct residency *residency = instance->residency;
    get_seats(residency, reader);
    residency->batch = store_get_u64(reader);
    get_counters(&residency->counters, reader);
    get_guests(instance, &instance->running, reader);
    get_guests(instance, &instance->waiting, reader);
    get_guests(instance, &instance->inbox, reader);
    const uint64_t n = store_get_count(reader, RESIDENT_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        get_resident(instance, reader);
    }
    const simtime timer = store_get_i64(reader);
    if (store_failed(reader)) {
        return;
    }
    residency_set_timer(instance);
    if (timer < 0 || timer > instance->timer_at) {
        store_refuse(reader, "the timer of instance %" PRIu32 " cannot be set to %" PRId64 " ps", instance->id, timer);
    }
    engine_set_timer(instance, timer);
    const simtime next = instance_next(instance).time;
    for (size_t i = 0; i < residency->n_residents && !store_failed(reader); i++) {
        if (residency->residents[i]->since > next) {
            store_refuse(reader, "program %" PRIu64 " is between turns from %" PRId64 " ps on",
                         residency->residents[i]->program, residency->residents[i]->since);
        }
    }
    for (const struct sequence *sequence = instance->running.head; sequence; sequence = sequence->next) {
        if (residency_guest(residency, sequence)->running_since > next) {
            store_refuse(reader, "program %" PRIu64 ", turn %" PRIu32 " was admitted after %" PRId64 " ps",
                         sequence->program, sequence->turn, next);
        }
    }
}

void residency_forsake(struct residency *residency)
{
    residency->spare = mem_grow(residency->spare, &residency->spare_capacity,
                                residency->n_spare + residency->n_residents, sizeof(struct resident *));
    while (residency->n_residents) {
        residency->spare[residency->n_spare++] = residency->residents[--residency->n_residents];
    }
}
