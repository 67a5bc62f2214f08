#include "sim/residency_table.h"

#include "sim/residency_survey.h"
#include "sim/ring.h"

#include <assert.h>
#include <string.h>

/* ---- instants ---- */

static void find_next(struct residency_table *table)
{
    const simtime at = table->next_at < table->at.n ? table->at.items[table->next_at] : SIMTIME_NEVER;
    table->next = simtime_least(at, table->next_every);
}

struct residency_table *residency_table_create(const struct settings *settings)
{
    const bool periodic = settings->residency_every != SETTING_UNSET_TIME;
    if (!settings->residency_at && !periodic) {
        return NULL;
    }
    struct residency_table *table = mem_zalloc(sizeof *table);
    char message[512];
    const bool parsed =
        !settings->residency_at || instants_parse(settings->residency_at, &table->at, message, sizeof message);
    assert(parsed); /* when the options were resolved */
    (void)parsed;
    arena_init(&table->arena);
    table->every = table->next_every = periodic ? settings->residency_every : SIMTIME_NEVER;
    find_next(table);
    return table;
}

void residency_table_destroy(struct residency_table *table)
{
    if (table) {
        instants_fini(&table->at);
        arena_fini(&table->arena);
        mem_free(table->records);
        mem_free(table);
    }
}

/* The one that was next is over. */
static void pass(struct residency_table *table)
{
    while (table->next_at < table->at.n && table->at.items[table->next_at] <= table->next) {
        table->next_at++;
    }
    if (table->next_every == table->next) {
        table->next_every = table->every < SIMTIME_NEVER - table->next ? table->next + table->every : SIMTIME_NEVER;
    }
    find_next(table);
}

/* ---- records ---- */

/* A record is being made. */
struct draft {
    struct residency_table *table;
    const struct survey *survey;
    size_t next_pin, next_transfer; /* of the survey, not in a record yet */
};

static asim_residency *add_record(struct draft *draft, uint32_t instance)
{
    struct residency_table *table = draft->table;
    table->records = mem_grow(table->records, &table->record_capacity, table->n_records + 1, sizeof *table->records);
    asim_residency *record = &table->records[table->n_records++];
    *record = (asim_residency){.struct_size = sizeof *record, .time_ps = draft->survey->now, .instance = instance};
    return record;
}

static char *keep_text(struct draft *draft, const char *text)
{
    return text ? arena_strndup(&draft->table->arena, text, strlen(text)) : NULL;
}

static uint32_t n_tiers(const struct draft *draft)
{
    return draft->survey->cluster->plan.tiers.n_tiers;
}

static void tell_instance(struct draft *draft, uint32_t instance)
{
    const struct survey *survey = draft->survey;
    asim_residency *record = add_record(draft, instance);
    record->is_instance = true;
    record->tiers_told = 1u << ASIM_TIER_HBM;
    record->tiers[ASIM_TIER_HBM] = survey->pools[instance];
    for (uint32_t i = 0; i < n_tiers(draft); i++) {
        if (instance != survey_first_sharer(survey->cluster, instance, i)) {
            continue;
        }
        const uint32_t tier = survey_tier(survey->cluster, i);
        record->tiers_told |= 1u << tier;
        record->tiers[tier] = survey->pools[survey_pool(survey->cluster, instance, i)];
    }
}

/* Whether an earlier record of the instant is of the program and of an instance that shares the tier. */
static bool is_told_of(const struct survey *survey, const struct survey_row *row, uint32_t tier)
{
    const uint32_t first = survey_first_sharer(survey->cluster, row->instance, tier);
    for (uint32_t instance = first; instance < row->instance; instance++) {
        const struct survey_row earlier = {.instance = instance, .program = row->program};
        if (survey_has_row(survey, &earlier)) {
            return true;
        }
    }
    return false;
}

static void tell_share(const struct draft *draft, asim_residency *record, uint32_t tier, uint32_t pool)
{
    const struct survey *survey = draft->survey;
    const struct kv_share share = survey_share_of(survey, pool, record->program);
    record->tiers_told |= 1u << tier;
    record->tiers[tier] = (asim_kv_share){.bytes = share.blocks * survey->cluster->plan.tiers.block_bytes,
                                          .blocks = share.blocks,
                                          .held_blocks = share.held,
                                          .shared_blocks = share.shared};
}

static void tell_shares(const struct draft *draft, asim_residency *record, const struct survey_row *row)
{
    const struct survey *survey = draft->survey;
    if (row->instance == ASIM_NONE) {
        return;
    }
    tell_share(draft, record, ASIM_TIER_HBM, row->instance);
    for (uint32_t i = 0; i < n_tiers(draft); i++) {
        if (!is_told_of(survey, row, i)) {
            tell_share(draft, record, survey_tier(survey->cluster, i), survey_pool(survey->cluster, row->instance, i));
        }
    }
}

/* Adds the tokens from *at to `end`. */
static void add_extent(asim_kv_extent *extents, size_t *n, uint32_t *at, uint32_t end, uint32_t tier)
{
    if (end > *at) {
        extents[(*n)++] = (asim_kv_extent){.first = *at, .tokens = end - *at, .tier = tier};
        *at = end;
    }
}

/* Where the context is, as far as the instance has it; false when that is nowhere, and the turn elsewhere. */
static bool make_turn(struct draft *draft, uint32_t index, uint32_t instance, asim_kv_turn *out)
{
    const struct survey *survey = draft->survey;
    const struct survey_context *context = &survey->contexts[index];
    asim_kv_extent extents[ASIM_TIERS + 1];
    size_t n = 0;
    uint32_t at = 0;
    if (instance != ASIM_NONE) {
        const uint32_t found = survey_found(survey, index, instance);
        const uint32_t computed = context->at == instance ? context->computed : 0;
        add_extent(extents, &n, &at, computed > found ? computed : found, ASIM_TIER_HBM);
        for (uint32_t i = 0; i < n_tiers(draft); i++) {
            const uint32_t pool = survey_pool(survey->cluster, instance, i);
            add_extent(extents, &n, &at, survey_found(survey, index, pool), survey_tier(survey->cluster, i));
        }
    }
    if (!n && context->at != instance) {
        return false;
    }
    add_extent(extents, &n, &at, context->toks, ASIM_TIERS);
    asim_kv_extent *kept = arena_alloc(&draft->table->arena, n * sizeof *kept + 1);
    memcpy(kept, extents, n * sizeof *kept);
    *out = (asim_kv_turn){.turn = context->turn,
                          .at = context->at,
                          .phase = context->phase,
                          .ready_ps = context->ready == SIMTIME_NEVER ? -1 : context->ready,
                          .context_tokens = context->toks,
                          .extents = kept,
                          .n_extents = n};
    return true;
}

/* The first context of the program, or of those after it. */
static uint32_t first_context(const struct survey *survey, uint64_t program)
{
    uint32_t low = 0;
    uint32_t high = (uint32_t)survey->n_contexts;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (survey->contexts[middle].program < program) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void tell_turns(struct draft *draft, asim_residency *record)
{
    const struct survey *survey = draft->survey;
    const uint32_t first = first_context(survey, record->program);
    uint32_t end = first;
    while (end < survey->n_contexts && survey->contexts[end].program == record->program) {
        end++;
    }
    if (first == end) {
        return; /* it has ended */
    }
    record->name = keep_text(draft, survey->contexts[first].name);
    asim_kv_turn *turns = arena_alloc(&draft->table->arena, (end - first) * sizeof *turns);
    for (uint32_t i = first; i < end; i++) {
        record->n_turns += make_turn(draft, i, record->instance, &turns[record->n_turns]);
    }
    record->turns = turns;
}

static void tell_pins(struct draft *draft, asim_residency *record, const struct survey_row *row)
{
    const struct survey *survey = draft->survey;
    const size_t first = draft->next_pin;
    while (draft->next_pin < survey->n_pins && survey_compare_rows(&survey->pins[draft->next_pin].row, row) == 0) {
        draft->next_pin++;
    }
    record->n_pins = draft->next_pin - first;
    asim_kv_pin *pins = arena_alloc(&draft->table->arena, record->n_pins * sizeof *pins + 1);
    for (size_t i = 0; i < record->n_pins; i++) {
        pins[i] = survey->pins[first + i].pin;
        pins[i].policy = keep_text(draft, pins[i].policy);
    }
    record->pins = pins;
}

static void tell_transfers(struct draft *draft, asim_residency *record, const struct survey_row *row)
{
    const struct survey *survey = draft->survey;
    const size_t first = draft->next_transfer;
    while (draft->next_transfer < survey->n_transfers &&
           survey_compare_rows(&survey->transfers[draft->next_transfer].row, row) == 0) {
        draft->next_transfer++;
    }
    record->n_transfers = draft->next_transfer - first;
    asim_kv_transfer *transfers = arena_alloc(&draft->table->arena, record->n_transfers * sizeof *transfers + 1);
    for (size_t i = 0; i < record->n_transfers; i++) {
        transfers[i] = survey->transfers[first + i].transfer;
    }
    record->transfers = transfers;
}

static void tell_program(struct draft *draft, const struct survey_row *row)
{
    asim_residency *record = add_record(draft, row->instance);
    record->program = row->program;
    tell_shares(draft, record, row);
    tell_turns(draft, record);
    tell_pins(draft, record, row);
    tell_transfers(draft, record, row);
}

void residency_table_take(struct residency_table *table, struct cluster *cluster, bool more_come)
{
    if (!more_come && !cluster_in_progress(cluster)) {
        table->next = SIMTIME_NEVER;
        return;
    }
    struct survey survey;
    survey_make(&survey, cluster, table->next);
    struct draft draft = {.table = table, .survey = &survey};
    size_t row = 0;
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        tell_instance(&draft, i);
        for (; row < survey.n_rows && survey.rows[row].instance == i; row++) {
            tell_program(&draft, &survey.rows[row]);
        }
    }
    for (; row < survey.n_rows; row++) {
        tell_program(&draft, &survey.rows[row]);
    }
    survey_fini(&survey);
    pass(table);
}
