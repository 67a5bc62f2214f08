#include "sim/residency_survey.h"

#include "orchestrator/checkpoint.h"
#include "sim/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* One more item of a list. */
#define APPEND(SURVEY, NAME, ...)                                                                                      \
    do {                                                                                                               \
        struct survey *const survey_ = (SURVEY);                                                                       \
        survey_->NAME =                                                                                                \
            mem_grow(survey_->NAME, &survey_->NAME##_capacity, survey_->n_##NAME + 1, sizeof *survey_->NAME);          \
        survey_->NAME[survey_->n_##NAME++] = (__VA_ARGS__);                                                            \
    } while (0)

_Static_assert(NO_HOME == ASIM_NONE, "a turn without a home is at no instance");

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* ---- numbers ---- */

static uint32_t n_tiers(const struct cluster *cluster)
{
    return cluster->plan.tiers.n_tiers;
}

uint32_t survey_pool(const struct cluster *cluster, uint32_t instance, uint32_t tier)
{
    if (tier == ASIM_NONE) {
        return instance;
    }
    const uint32_t host = survey_first_sharer(cluster, instance, tier) / cluster->plan.tiers.host_instances;
    return cluster->plan.n_instances + host * n_tiers(cluster) + tier;
}

uint32_t survey_first_sharer(const struct cluster *cluster, uint32_t instance, uint32_t tier)
{
    return instance - instance % tier_sharers(&cluster->plan.tiers, tier);
}

uint32_t survey_tier(const struct cluster *cluster, uint32_t tier)
{
    static const char *const names[] = {[ASIM_TIER_DRAM] = "dram", [ASIM_TIER_CXL] = "cxl", [ASIM_TIER_NVME] = "nvme"};
    uint32_t known = ASIM_TIER_HBM;
    for (uint32_t i = ASIM_TIER_DRAM; tier != ASIM_NONE && i < ASIM_TIERS; i++) {
        known = strcmp(cluster->plan.tiers.tiers[tier].name, names[i]) == 0 ? i : known;
    }
    return known;
}

int survey_compare_rows(const struct survey_row *a, const struct survey_row *b)
{
    return a->instance != b->instance ? compare(a->instance, b->instance) : compare(a->program, b->program);
}

/* ---- what the instances show ---- */

static struct survey_row row_of(const struct survey *survey, uint64_t program)
{
    return (struct survey_row){.instance = survey->visited, .program = program};
}

static void note_hold(struct survey *survey, uint32_t tier, uint64_t program, const struct kv_holder *holder,
                      uint32_t unclaimed)
{
    APPEND(survey, holds,
           (struct survey_hold){.pool = survey_pool(survey->cluster, survey->visited, tier),
                                .program = program,
                                .holder = holder,
                                .unclaimed = unclaimed});
}

static uint32_t blocks_of(const struct kv_holder *holder)
{
    return holder ? holder->hashed_blocks + holder->anonymous_blocks : 0;
}

static void note_pin(struct survey *survey, uint64_t program, asim_kv_pin pin)
{
    APPEND(survey, pins, (struct survey_pin){row_of(survey, program), survey->n_pins, pin});
}

static void note_turn(void *user, const struct view_turn *turn)
{
    struct survey *survey = user;
    APPEND(survey, places, (struct survey_place){.instance = survey->visited, .turn = *turn});
    APPEND(survey, rows, row_of(survey, turn->program));
    const uint32_t blocks = blocks_of(turn->holder) + turn->unclaimed;
    if (blocks) {
        note_hold(survey, ASIM_NONE, turn->program, turn->holder, turn->unclaimed);
        note_pin(survey, turn->program,
                 (asim_kv_pin){.by = ASIM_KV_BY_TURN,
                               .until = ASIM_KV_UNTIL_DONE,
                               .tier = ASIM_TIER_HBM,
                               .blocks = blocks,
                               .turn = turn->turn});
    }
}

/* A program whose KV was sent away, maybe to be brought back at some time. */
static void note_plan(struct survey *survey, const struct view_resident *resident)
{
    if (resident->back_at != SIMTIME_NEVER) {
        APPEND(survey, rows, row_of(survey, resident->program));
        APPEND(survey, transfers,
               (struct survey_transfer){row_of(survey, resident->program),
                                        survey->n_transfers,
                                        {.kind = "prefetch",
                                         .from = survey_tier(survey->cluster, 0),
                                         .to = ASIM_TIER_HBM,
                                         .waits = true,
                                         .starts_ps = resident->back_at}});
    }
}

static void note_resident(void *user, const struct view_resident *resident)
{
    static const asim_kv_until until[] = {[VIEW_UNTIL_TIME] = ASIM_KV_UNTIL_TIME,
                                          [VIEW_UNTIL_NEEDED] = ASIM_KV_UNTIL_NEEDED,
                                          [VIEW_UNTIL_ADMITTED] = ASIM_KV_UNTIL_ADMITTED};
    struct survey *survey = user;
    if (!resident->blocks) {
        note_plan(survey, resident);
        return;
    }
    APPEND(survey, rows, row_of(survey, resident->program));
    note_hold(survey, ASIM_NONE, resident->program, resident->holder, 0);
    note_pin(survey, resident->program,
             (asim_kv_pin){.by = resident->is_pin ? ASIM_KV_BY_PIN : ASIM_KV_BY_HOLD,
                           .until = until[resident->until],
                           .until_ps = resident->until == VIEW_UNTIL_TIME ? resident->deadline : 0,
                           .tier = ASIM_TIER_HBM,
                           .blocks = resident->blocks,
                           .turn = resident->turn,
                           .policy = resident->policy});
}

/* One end of a transfer. */
static void note_end(struct survey *survey, uint64_t program, uint32_t tier, const struct kv_holder *holder)
{
    const uint32_t blocks = blocks_of(holder);
    if (blocks) {
        note_hold(survey, tier, program, holder, 0);
        note_pin(survey, program,
                 (asim_kv_pin){.by = ASIM_KV_BY_TRANSFER,
                               .until = ASIM_KV_UNTIL_DONE,
                               .tier = survey_tier(survey->cluster, tier),
                               .blocks = blocks,
                               .turn = ASIM_NONE});
    }
}

static void note_transfer(void *user, const struct view_transfer *transfer)
{
    static const char *const kinds[TRANSFER_KINDS] = {[TRANSFER_STORE] = "store",
                                                      [TRANSFER_COPY] = "copy",
                                                      [TRANSFER_LOAD] = "load",
                                                      [TRANSFER_PREFETCH] = "prefetch",
                                                      [TRANSFER_RAISE] = "raise"};
    struct survey *survey = user;
    const struct cluster *cluster = survey->cluster;
    APPEND(survey, rows, row_of(survey, transfer->program));
    note_end(survey, transfer->program, transfer->from, transfer->source);
    note_end(survey, transfer->program, transfer->to, transfer->target);
    APPEND(survey, transfers,
           (struct survey_transfer){row_of(survey, transfer->program),
                                    survey->n_transfers,
                                    {.kind = kinds[transfer->kind],
                                     .from = survey_tier(cluster, transfer->from),
                                     .to = survey_tier(cluster, transfer->to),
                                     .blocks = transfer->blocks,
                                     .waits = transfer->waits,
                                     .starts_ps = -1,
                                     .bytes = transfer->blocks * cluster->plan.tiers.block_bytes,
                                     .moved_bytes = transfer->moved_bytes}});
}

static int by_turn(const void *left, const void *right)
{
    const struct survey_place *a = left;
    const struct survey_place *b = right;
    const int program = compare(a->turn.program, b->turn.program);
    return program ? program : compare(a->turn.turn, b->turn.turn);
}

static void view_instances(struct survey *survey)
{
    const struct kv_viewer viewer = {
        .user = survey, .turn = note_turn, .resident = note_resident, .transfer = note_transfer};
    for (uint32_t i = 0; i < survey->cluster->plan.n_instances; i++) {
        survey->visited = i;
        instance_view_kv(survey->cluster->instances[i], survey->now, &viewer);
    }
    if (survey->n_places) {
        qsort(survey->places, survey->n_places, sizeof *survey->places, by_turn);
    }
}

/* ---- turns and contexts ---- */

static const struct survey_place *place_of(const struct survey *survey, uint64_t program, uint32_t turn)
{
    const struct survey_place wanted = {.turn = {.program = program, .turn = turn}};
    return survey->n_places ? bsearch(&wanted, survey->places, survey->n_places, sizeof *survey->places, by_turn)
                            : NULL;
}

static struct survey_context context_at(const struct survey_place *place, const struct present_turn *turn)
{
    static const asim_kv_phase phases[] = {[VIEW_SENT] = ASIM_KV_SENT,
                                           [VIEW_WAITING] = ASIM_KV_WAITING,
                                           [VIEW_LOADING] = ASIM_KV_LOADING,
                                           [VIEW_LEAVING] = ASIM_KV_LEAVING,
                                           [VIEW_RUNNING] = ASIM_KV_RUNNING};
    return (struct survey_context){.program = turn->program,
                                   .name = turn->name,
                                   .turn = turn->turn,
                                   .at = place->instance,
                                   .phase = phases[place->turn.phase],
                                   .ready = turn->ready,
                                   .content = place->turn.content,
                                   .toks = place->turn.context_toks,
                                   .computed = place->turn.computed_toks};
}

/* Of a turn that is at no instance. Nobody else looks at its program's context meanwhile. */
static struct survey_context context_outside(const struct survey *survey, uint32_t slot,
                                             const struct present_turn *turn)
{
    struct orchestrator *orchestrator = survey->cluster->orchestrator;
    const bool is_ready = turn->ready < survey->now;
    struct survey_context context = {.program = turn->program,
                                     .name = turn->name,
                                     .turn = turn->turn,
                                     .at = turn->home,
                                     .phase = is_ready                       ? ASIM_KV_GATEWAY
                                              : turn->ready == SIMTIME_NEVER ? ASIM_KV_JOIN
                                                                             : ASIM_KV_GAP,
                                     .ready = turn->ready};
    context.content = is_ready || turn->home == NO_HOME
                          ? orchestrator_prompt(orchestrator, slot, turn->turn, &context.toks)
                          : orchestrator_context(orchestrator, slot, turn->follows, &context.toks);
    return context;
}

static int by_context(const void *left, const void *right)
{
    const struct survey_context *a = left;
    const struct survey_context *b = right;
    const int program = compare(a->program, b->program);
    return program ? program : compare(a->turn, b->turn);
}

static void find_contexts(struct survey *survey)
{
    const struct orchestrator *orchestrator = survey->cluster->orchestrator;
    const uint32_t n_slots = orchestrator_slots(orchestrator);
    for (uint32_t slot = 0; slot < n_slots; slot++) {
        struct present_turn turn;
        uint32_t next = 0;
        while (orchestrator_in_progress(orchestrator, slot) &&
               orchestrator_next_present(orchestrator, slot, &next, &turn)) {
            if (turn.arrival >= survey->now) {
                continue;
            }
            const struct survey_place *place = place_of(survey, turn.program, turn.turn);
            assert(!place || turn.ready < survey->now);
            const struct survey_context context =
                place ? context_at(place, &turn) : context_outside(survey, slot, &turn);
            APPEND(survey, contexts, context);
            APPEND(survey, rows, (struct survey_row){.instance = context.at, .program = context.program});
        }
    }
    if (survey->n_contexts) {
        qsort(survey->contexts, survey->n_contexts, sizeof *survey->contexts, by_context);
    }
}

/* ---- what is found where ---- */

/* Tokens of the system prompt that programs share. */
static uint32_t common_toks(const struct content *content)
{
    uint32_t toks = 0;
    for (uint32_t i = 0; i < content->n_extents && content->extents[i].stream >> 62 == STREAM_SHARED; i++) {
        toks += content->extents[i].count;
    }
    return toks;
}

/* Looks a context up in the pool of `tier` of the instances from `first` to `end` - 1, of which `first` has the record
 * unless the turn is at another. */
static void look_up(struct survey *survey, struct kv_ledger *ledger, uint32_t index, uint32_t tier, uint32_t first,
                    uint32_t end)
{
    const struct survey_context *context = &survey->contexts[index];
    const bool is_here = context->at >= first && context->at < end;
    const uint32_t block_size = survey->cluster->plan.engine.block_size;
    if (tier == ASIM_NONE && is_here && context->phase == ASIM_KV_RUNNING) {
        return; /* it holds all that there is */
    }
    const struct instance *instance = survey->cluster->instances[first];
    const struct kv_hit hit = instance_view_find(instance, tier, context->content, context->toks / block_size);
    const uint32_t toks = hit.blocks * block_size;
    if (toks && (is_here || toks > common_toks(&context->content))) {
        kv_ledger_find(ledger, context->program, hit);
        APPEND(survey, finds,
               (struct survey_find){.context = index, .pool = survey_pool(survey->cluster, first, tier), .toks = toks});
        APPEND(survey, rows,
               (struct survey_row){.instance = is_here ? context->at : first, .program = context->program});
    }
}

static asim_kv_share totals(const struct kv_ledger *ledger, uint64_t block_bytes)
{
    const struct kv_pool *pool = ledger->pool;
    const uint32_t blocks = kv_usable(pool) - (kv_free(pool) - kv_cached_free(pool));
    assert(ledger->held == kv_usable(pool) - kv_free(pool)); /* every block that is held has an owner */
    assert(ledger->known <= blocks);
    return (asim_kv_share){.bytes = blocks * block_bytes,
                           .blocks = blocks,
                           .held_blocks = kv_usable(pool) - kv_free(pool),
                           .shared_blocks = ledger->shared,
                           .usable_blocks = kv_usable(pool),
                           .other_blocks = blocks - ledger->known};
}

/* Takes down one pool: `*held` is the first of its holds, then that of the next one. */
static void survey_one_pool(struct survey *survey, uint32_t tier, uint32_t first, uint32_t end, size_t *held)
{
    const uint32_t pool = survey_pool(survey->cluster, first, tier);
    struct kv_ledger ledger;
    kv_ledger_init(&ledger, instance_view_pool(survey->cluster->instances[first], tier));
    for (; *held < survey->n_holds && survey->holds[*held].pool == pool; ++*held) {
        const struct survey_hold *hold = &survey->holds[*held];
        kv_ledger_hold(&ledger, hold->program, hold->holder, hold->unclaimed);
    }
    for (uint32_t i = 0; i < survey->n_contexts; i++) {
        look_up(survey, &ledger, i, tier, first, end);
    }
    kv_ledger_close(&ledger);
    for (size_t i = 0; i < ledger.n_shares; i++) {
        APPEND(survey, shares, (struct survey_share){.pool = pool, .share = ledger.shares[i]});
    }
    survey->pools[pool] = totals(&ledger, survey->cluster->plan.tiers.block_bytes);
    kv_ledger_fini(&ledger);
}

static int by_pool(const void *left, const void *right)
{
    const struct survey_hold *a = left;
    const struct survey_hold *b = right;
    return compare(a->pool, b->pool);
}

static int by_share(const void *left, const void *right)
{
    const struct survey_share *a = left;
    const struct survey_share *b = right;
    return a->pool != b->pool ? compare(a->pool, b->pool) : compare(a->share.owner, b->share.owner);
}

static int by_find(const void *left, const void *right)
{
    const struct survey_find *a = left;
    const struct survey_find *b = right;
    return a->context != b->context ? compare(a->context, b->context) : compare(a->pool, b->pool);
}

static void survey_pools(struct survey *survey)
{
    const struct cluster *cluster = survey->cluster;
    const uint32_t n = cluster->plan.n_instances;
    const uint32_t host = n_tiers(cluster) ? cluster->plan.tiers.host_instances : 1;
    survey->n_pools = n + (n + host - 1) / host * n_tiers(cluster);
    survey->pools = mem_zalloc(survey->n_pools * sizeof *survey->pools);
    if (survey->n_holds) {
        qsort(survey->holds, survey->n_holds, sizeof *survey->holds, by_pool);
    }
    size_t held = 0;
    for (uint32_t i = 0; i < n; i++) {
        survey_one_pool(survey, ASIM_NONE, i, i + 1, &held);
    }
    for (uint32_t i = 0; n_tiers(cluster) && i < n; i += host) {
        for (uint32_t tier = 0; tier < n_tiers(cluster); tier++) {
            const uint32_t end = i + tier_sharers(&cluster->plan.tiers, tier);
            if (i == survey_first_sharer(cluster, i, tier)) {
                survey_one_pool(survey, tier, i, end < n ? end : n, &held);
            }
        }
    }
    if (survey->n_finds) {
        qsort(survey->finds, survey->n_finds, sizeof *survey->finds, by_find);
    }
}

/* ---- all of it ---- */

static int by_row(const void *left, const void *right)
{
    return survey_compare_rows(left, right);
}

static int by_pin(const void *left, const void *right)
{
    const struct survey_pin *a = left;
    const struct survey_pin *b = right;
    const int row = survey_compare_rows(&a->row, &b->row);
    return row ? row : compare(a->order, b->order);
}

static int by_transfer(const void *left, const void *right)
{
    const struct survey_transfer *a = left;
    const struct survey_transfer *b = right;
    const int row = survey_compare_rows(&a->row, &b->row);
    return row ? row : compare(a->order, b->order);
}

/* Each row once, in order, and so what belongs to it. */
static void settle_rows(struct survey *survey)
{
    if (survey->n_pins) {
        qsort(survey->pins, survey->n_pins, sizeof *survey->pins, by_pin);
    }
    if (survey->n_transfers) {
        qsort(survey->transfers, survey->n_transfers, sizeof *survey->transfers, by_transfer);
    }
    if (!survey->n_rows) {
        return;
    }
    qsort(survey->rows, survey->n_rows, sizeof *survey->rows, by_row);
    size_t kept = 1;
    for (size_t i = 1; i < survey->n_rows; i++) {
        if (survey_compare_rows(&survey->rows[i], &survey->rows[kept - 1]) != 0) {
            survey->rows[kept++] = survey->rows[i];
        }
    }
    survey->n_rows = kept;
}

bool survey_has_row(const struct survey *survey, const struct survey_row *row)
{
    return survey->n_rows && bsearch(row, survey->rows, survey->n_rows, sizeof *survey->rows, by_row);
}

struct kv_share survey_share_of(const struct survey *survey, uint32_t pool, uint64_t program)
{
    const struct survey_share wanted = {.pool = pool, .share.owner = program};
    const struct survey_share *share =
        survey->n_shares ? bsearch(&wanted, survey->shares, survey->n_shares, sizeof *survey->shares, by_share) : NULL;
    return share ? share->share : (struct kv_share){0};
}

uint32_t survey_found(const struct survey *survey, uint32_t context, uint32_t pool)
{
    const struct survey_find wanted = {.context = context, .pool = pool};
    const struct survey_find *find =
        survey->n_finds ? bsearch(&wanted, survey->finds, survey->n_finds, sizeof *survey->finds, by_find) : NULL;
    return find ? find->toks : 0;
}

void survey_make(struct survey *survey, struct cluster *cluster, simtime now)
{
    *survey = (struct survey){.cluster = cluster, .now = now};
    view_instances(survey);
    find_contexts(survey);
    survey_pools(survey);
    settle_rows(survey);
}

void survey_fini(struct survey *survey)
{
    mem_free(survey->pools);
    mem_free(survey->places);
    mem_free(survey->contexts);
    mem_free(survey->finds);
    mem_free(survey->holds);
    mem_free(survey->shares);
    mem_free(survey->rows);
    mem_free(survey->pins);
    mem_free(survey->transfers);
}
