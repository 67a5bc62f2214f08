/* A recorder in a saved state. Sets of durations are written as they are, exact or in bins, so that a loaded recorder
 * goes on like the saved one. */
#include "metrics/recorder_internal.h"

#include "base/mem.h"
#include "metrics/bins.h"

#include <inttypes.h>

#define SECTION "recorder"
enum { SECTION_VERSION = 3 };

/* Bytes of a turn, and of a program's row with an empty name. */
enum { TURN_BYTES = 94, ROW_BYTES = 101 };

/* ---- counts */

enum { N_TOTALS = 16 + RECORDER_MAX_TIERS };

static void list_totals(struct recorder_summary *totals, uint64_t *list[N_TOTALS])
{
    uint64_t *const all[N_TOTALS] = {
        &totals->programs_completed, &totals->turns_completed, &totals->turns_length_limited,
        &totals->programs_warmup,    &totals->turns_warmup,    &totals->prompt_toks,
        &totals->generated_toks,     &totals->hit_toks,        &totals->recomputed_toks,
        &totals->preemptions,        &totals->kept_toks,       &totals->kept_hit_toks,
        &totals->turns_within,       &totals->programs_within, &totals->programs_due,
        &totals->programs_in_time,   &totals->loaded_toks[0],  &totals->loaded_toks[1],
        &totals->loaded_toks[2]};
    for (int i = 0; i < N_TOTALS; i++) {
        list[i] = all[i];
    }
}

static void save_totals(const struct recorder *recorder, struct store_writer *writer)
{
    struct recorder_summary totals = recorder->totals;
    uint64_t *list[N_TOTALS];
    list_totals(&totals, list);
    for (int i = 0; i < N_TOTALS; i++) {
        store_put_u64(writer, *list[i]);
    }
    store_put_i64(writer, totals.end);
    store_put_u64(writer, recorder->digest.low);
    store_put_u64(writer, recorder->digest.high);
}

static void load_totals(struct recorder *recorder, struct store_reader *reader)
{
    uint64_t *list[N_TOTALS];
    list_totals(&recorder->totals, list);
    for (int i = 0; i < N_TOTALS; i++) {
        *list[i] = store_get_u64(reader);
    }
    recorder->totals.end = store_get_i64(reader);
    recorder->digest.low = store_get_u64(reader);
    recorder->digest.high = store_get_u64(reader);
}

/* ---- sets of durations */

/* Bins that are not empty, in order: most are. */
static void save_bins(const struct series *series, struct store_writer *writer)
{
    uint64_t used = 0;
    for (uint32_t bin = 0; bin < N_BINS; bin++) {
        used += series->bins[bin] != 0;
    }
    store_put_u128(writer, series->sum);
    store_put_i64(writer, series->max);
    store_put_u64(writer, used);
    for (uint32_t bin = 0; bin < N_BINS; bin++) {
        if (series->bins[bin]) {
            store_put_u32(writer, bin);
            store_put_u64(writer, series->bins[bin]);
        }
    }
}

static void save_series(const struct series *series, struct store_writer *writer)
{
    store_put_u8(writer, series_sketched(series));
    store_put_u64(writer, series->n);
    if (series_sketched(series)) {
        save_bins(series, writer);
    }
    for (const struct series_chunk *chunk = series->chunks; chunk; chunk = chunk->next) {
        store_put_bytes(writer, chunk->values, chunk->n * sizeof *chunk->values);
    }
}

static void load_bins(struct series *series, struct store_reader *reader)
{
    series->n = store_get_u64(reader);
    series->sum = store_get_u128(reader);
    series->max = store_get_i64(reader);
    series_sketch(series);
    const uint64_t used = store_get_count(reader, sizeof(uint32_t) + sizeof(uint64_t));
    uint64_t left = series->n;
    uint32_t next = 0; /* the least bin that may follow */
    for (uint64_t i = 0; i < used && !store_failed(reader); i++) {
        const uint32_t bin = store_get_u32(reader);
        const uint64_t values = store_get_u64(reader);
        if (bin < next || bin >= N_BINS || values == 0 || values > left) {
            store_refuse(reader, "bin %" PRIu32 " of a histogram cannot hold %" PRIu64 " values", bin, values);
            return;
        }
        series->bins[bin] = values;
        left -= values;
        next = bin + 1;
    }
    if (left || series->max < 0 || (next && bin_of(series->max) != next - 1)) {
        store_refuse(reader, "the bins of a histogram do not fit its %" PRIu64 " values", series->n);
    }
}

static void load_values(struct series *series, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, sizeof(simtime));
    if (n > series->exact_limit) {
        store_refuse(reader, "%" PRIu64 " exact values; allowed: %" PRIu64, n, series->exact_limit);
        return;
    }
    enum { PART = 1024 };
    simtime values[PART];
    for (uint64_t left = n; left > 0 && !store_failed(reader);) {
        const uint64_t part = left < PART ? left : PART;
        store_get_bytes(reader, values, part * sizeof *values);
        for (uint64_t i = 0; i < part; i++) {
            if (values[i] < 0) {
                store_refuse(reader, "a duration of %" PRId64 " ps", values[i]);
                return;
            }
            series_add(series, values[i]);
        }
        left -= part;
    }
}

static void load_series(struct series *series, struct store_reader *reader)
{
    const uint8_t sketched = store_get_u8(reader);
    if (sketched > 1) {
        store_refuse(reader, "durations of kind %u; allowed: 0, 1", sketched);
    } else if (sketched) {
        load_bins(series, reader);
    } else {
        load_values(series, reader);
    }
}

/* ---- rows */

static void save_row(const struct program_row *row, struct store_writer *writer)
{
    store_put_text(writer, row->record.name);
    store_put_u64(writer, row->record.program);
    store_put_i64(writer, row->record.arrival);
    store_put_i64(writer, row->record.end);
    store_put_i64(writer, row->record.tool_time);
    store_put_u32(writer, row->record.n_turns);
    program_sums_save(&row->sums, writer);
}

static void load_row(struct program_sample *sample, struct store_reader *reader)
{
    struct program_row row;
    char *name = store_get_text(reader);
    row.record.name = name;
    row.record.program = store_get_u64(reader);
    row.record.arrival = store_get_i64(reader);
    row.record.end = store_get_i64(reader);
    row.record.tool_time = store_get_i64(reader);
    row.record.n_turns = store_get_u32(reader);
    row.record.deadline = 0; /* of statistics alone */
    row.record.tenant = 0;
    row.sums = program_sums_load(reader);
    if (!name || row.record.arrival < 0 || row.record.end < row.record.arrival || row.record.tool_time < 0 ||
        row.sums.turns != row.record.n_turns) {
        store_refuse(reader, "the row of program %" PRIu64 " makes no sense", row.record.program);
    } else if (!store_failed(reader)) {
        program_sample_add(sample, &row);
    }
    mem_free(name);
}

static void save_turn(const struct turn_record *turn, struct store_writer *writer)
{
    store_put_u64(writer, turn->program);
    store_put_u32(writer, turn->turn);
    store_put_u32(writer, turn->instance);
    store_put_i64(writer, turn->ready);
    store_put_i64(writer, turn->arrived);
    store_put_i64(writer, turn->first_scheduled);
    store_put_i64(writer, turn->first_token);
    store_put_i64(writer, turn->last_token);
    store_put_i64(writer, turn->requeue_wait);
    store_put_u32(writer, turn->prompt_toks);
    store_put_u32(writer, turn->output_toks);
    store_put_u32(writer, turn->hit_toks);
    store_put_u32(writer, turn->preemptions);
    store_put_u32(writer, turn->recomputed_toks);
    store_put_u32(writer, turn->loaded_toks);
    store_put_u8(writer, turn->loaded_from);
    store_put_u32(writer, turn->kept_toks);
    store_put_u8(writer, turn->length_limited);
}

static struct turn_record load_turn(struct store_reader *reader)
{
    struct turn_record turn;
    turn.program = store_get_u64(reader);
    turn.turn = store_get_u32(reader);
    turn.instance = store_get_u32(reader);
    turn.ready = store_get_i64(reader);
    turn.arrived = store_get_i64(reader);
    turn.first_scheduled = store_get_i64(reader);
    turn.first_token = store_get_i64(reader);
    turn.last_token = store_get_i64(reader);
    turn.requeue_wait = store_get_i64(reader);
    turn.prompt_toks = store_get_u32(reader);
    turn.output_toks = store_get_u32(reader);
    turn.hit_toks = store_get_u32(reader);
    turn.preemptions = store_get_u32(reader);
    turn.recomputed_toks = store_get_u32(reader);
    turn.loaded_toks = store_get_u32(reader);
    turn.loaded_from = store_get_u8(reader);
    turn.kept_toks = store_get_u32(reader);
    turn.length_limited = store_get_u8(reader) != 0;
    if (turn.ready < 0 || turn.arrived < turn.ready || turn.first_scheduled < turn.arrived ||
        turn.first_token < turn.first_scheduled || turn.last_token < turn.first_token || turn.requeue_wait < 0) {
        store_refuse(reader, "the times of turn %" PRIu32 " of program %" PRIu64 " are not in order", turn.turn,
                     turn.program);
    } else if (turn.loaded_from >= RECORDER_MAX_TIERS || turn.loaded_toks > turn.hit_toks) {
        store_refuse(reader, "turn %" PRIu32 " of program %" PRIu64 " hits more in a tier than in all", turn.turn,
                     turn.program);
    }
    return turn;
}

void program_sums_save(const struct program_sums *sums, struct store_writer *writer)
{
    store_put_u64(writer, sums->prompt_toks);
    store_put_u64(writer, sums->generated_toks);
    store_put_u64(writer, sums->hit_toks);
    store_put_i64(writer, sums->ttft_first);
    store_put_i64(writer, sums->queue);
    store_put_i64(writer, sums->served);
    store_put_u32(writer, sums->preemptions);
    store_put_u32(writer, sums->turns);
}

struct program_sums program_sums_load(struct store_reader *reader)
{
    struct program_sums sums;
    sums.prompt_toks = store_get_u64(reader);
    sums.generated_toks = store_get_u64(reader);
    sums.hit_toks = store_get_u64(reader);
    sums.ttft_first = store_get_i64(reader);
    sums.queue = store_get_i64(reader);
    sums.served = store_get_i64(reader);
    sums.preemptions = store_get_u32(reader);
    sums.turns = store_get_u32(reader);
    if (sums.ttft_first < 0 || sums.queue < 0 || sums.served < 0) {
        store_refuse(reader, "a program waited %" PRId64 " and %" PRId64 " ps", sums.ttft_first, sums.queue);
    }
    return sums;
}

/* ---- all */

static uint64_t exact_limit(const struct recorder *recorder)
{
    return recorder->series[0].exact_limit;
}

void recorder_save(const struct recorder *recorder, struct store_writer *writer)
{
    store_begin(writer, SECTION, SECTION_VERSION);
    store_put_u8(writer, recorder->keep_turns);
    store_put_i64(writer, recorder->warmup);
    store_put_i64(writer, recorder->slo.ttft);
    store_put_i64(writer, recorder->slo.tpot);
    store_put_i64(writer, recorder->slo.jct);
    store_put_u64(writer, recorder->sample.limit);
    store_put_u64(writer, exact_limit(recorder));
    save_totals(recorder, writer);
    fairness_save(&recorder->fairness, writer);
    for (int i = 0; i < N_SERIES; i++) {
        save_series(&recorder->series[i], writer);
    }
    store_put_u64(writer, recorder->sample.n);
    for (size_t i = 0; i < recorder->sample.n; i++) {
        save_row(&recorder->sample.rows[i], writer);
    }
    store_put_u64(writer, recorder->n_turns);
    for (size_t i = 0; i < recorder->n_turns; i++) {
        save_turn(&recorder->turns[i], writer);
    }
    store_end(writer);
}

static bool check_options(const struct recorder *recorder, struct store_reader *reader)
{
    const bool keep_turns = store_get_u8(reader) != 0;
    const simtime warmup = store_get_i64(reader);
    const simtime ttft = store_get_i64(reader);
    const simtime tpot = store_get_i64(reader);
    const simtime jct = store_get_i64(reader);
    const uint64_t rows = store_get_u64(reader);
    const uint64_t exact = store_get_u64(reader);
    if (keep_turns != recorder->keep_turns || warmup != recorder->warmup || rows != recorder->sample.limit ||
        exact != exact_limit(recorder) || ttft != recorder->slo.ttft || tpot != recorder->slo.tpot ||
        jct != recorder->slo.jct) {
        store_refuse(reader, "was saved with other values of turns_csv, warmup, program_rows or slo");
    }
    return !store_failed(reader);
}

bool recorder_load(struct recorder *recorder, struct store_reader *reader)
{
    if (!store_enter(reader, SECTION, SECTION_VERSION) || !check_options(recorder, reader)) {
        return false;
    }
    load_totals(recorder, reader);
    fairness_load(&recorder->fairness, reader);
    for (int i = 0; i < N_SERIES; i++) {
        load_series(&recorder->series[i], reader);
    }
    for (uint64_t left = store_get_count(reader, ROW_BYTES); left > 0 && !store_failed(reader); left--) {
        load_row(&recorder->sample, reader);
    }
    const uint64_t n_turns = store_get_count(reader, TURN_BYTES);
    if (n_turns != (recorder->keep_turns ? recorder->totals.turns_completed : 0)) {
        store_refuse(reader, "%" PRIu64 " turns are kept of %" PRIu64, n_turns, recorder->totals.turns_completed);
        return false;
    }
    recorder->turns = mem_grow(recorder->turns, &recorder->turn_capacity, n_turns, sizeof *recorder->turns);
    for (uint64_t i = 0; i < n_turns && !store_failed(reader); i++) {
        recorder->turns[recorder->n_turns++] = load_turn(reader);
    }
    recorder->turns_sorted = false;
    return store_leave(reader);
}
