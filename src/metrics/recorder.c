#include "metrics/recorder.h"

#include "base/mem.h"
#include "metrics/recorder_internal.h"
#include "metrics/turn_times.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What the digest covers, as bytes: little-endian, no padding. */
struct digest_record {
    uint64_t program;
    uint32_t turn;
    uint32_t instance;
    simtime ready;
    simtime arrived;
    simtime first_scheduled;
    simtime first_token;
    simtime last_token;
    uint32_t hit_toks;
    uint32_t preemptions;
};
_Static_assert(sizeof(struct digest_record) == 64, "the digest record has no padding");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the digest record is little-endian");

struct recorder *recorder_create(const struct recorder_options *options)
{
    struct recorder *recorder = mem_zalloc(sizeof *recorder);
    recorder->keep_turns = options->keep_turns;
    recorder->warmup = options->warmup;
    recorder->slo = options->slo;
    program_sample_init(&recorder->sample, options->program_rows);
    for (int i = 0; i < N_SERIES; i++) {
        const uint64_t exact = options->exact_values ? options->exact_values : SERIES_EXACT_LIMIT;
        series_init(&recorder->series[i], i == ITL ? 0 : exact);
    }
    return recorder;
}

void recorder_destroy(struct recorder *recorder)
{
    if (!recorder) {
        return;
    }
    for (int i = 0; i < N_SERIES; i++) {
        series_fini(&recorder->series[i]);
    }
    fairness_fini(&recorder->fairness);
    program_sample_fini(&recorder->sample);
    mem_free(recorder->turns);
    mem_free(recorder);
}

static void add_to_digest(struct recorder *recorder, const struct turn_record *turn)
{
    const struct digest_record bytes = {.program = turn->program,
                                        .turn = turn->turn,
                                        .instance = turn->instance,
                                        .ready = turn->ready,
                                        .arrived = turn->arrived,
                                        .first_scheduled = turn->first_scheduled,
                                        .first_token = turn->first_token,
                                        .last_token = turn->last_token,
                                        .hit_toks = turn->hit_toks,
                                        .preemptions = turn->preemptions};
    digest_add(&recorder->digest, &bytes, sizeof bytes);
}

static void add_to_program(struct program_sums *sums, const struct turn_record *turn)
{
    sums->turns++;
    sums->prompt_toks += turn->prompt_toks;
    sums->generated_toks += turn->output_toks;
    sums->hit_toks += turn->hit_toks;
    sums->preemptions += turn->preemptions;
    sums->queue += turn_queue(turn);
    sums->served += turn_e2e(turn);
    if (turn->turn == 0) {
        sums->ttft_first = turn_ttft(turn);
    }
}

static bool is_within(simtime duration, simtime level)
{
    return !level || duration <= level;
}

static void add_to_statistics(struct recorder *recorder, const struct turn_record *turn)
{
    struct recorder_summary *totals = &recorder->totals;
    bool within = is_within(turn_ttft(turn), recorder->slo.ttft);
    series_add(&recorder->series[TTFT], turn_ttft(turn));
    series_add(&recorder->series[E2E], turn_e2e(turn));
    series_add(&recorder->series[QUEUE], turn_queue(turn));
    simtime tpot;
    if (turn_tpot(turn, &tpot)) {
        series_add(&recorder->series[TPOT], tpot);
        within &= is_within(tpot, recorder->slo.tpot);
    }
    totals->turns_within += within;
    totals->prompt_toks += turn->prompt_toks;
    totals->generated_toks += turn->output_toks;
    totals->hit_toks += turn->hit_toks;
    totals->recomputed_toks += turn->recomputed_toks;
    totals->preemptions += turn->preemptions;
    totals->kept_toks += turn->kept_toks;
    totals->kept_hit_toks += turn->hit_toks < turn->kept_toks ? turn->hit_toks : turn->kept_toks;
    if (turn->loaded_toks) {
        totals->loaded_toks[turn->loaded_from] += turn->loaded_toks;
    }
}

static void add_program_to_statistics(struct recorder *recorder, const struct program_record *record,
                                      const struct program_sums *sums)
{
    struct recorder_summary *totals = &recorder->totals;
    series_add(&recorder->series[JCT], record->end - record->arrival);
    series_add(&recorder->series[TOOL], record->tool_time);
    series_add(&recorder->series[PROGRAM_QUEUE], sums->queue);
    if (sums->generated_toks) {
        series_add(&recorder->series[TOKEN_LATENCY], (record->end - record->arrival) / (simtime)sums->generated_toks);
    }
    totals->programs_within += is_within(record->end - record->arrival, recorder->slo.jct);
    totals->programs_due += record->deadline != 0;
    totals->programs_in_time += record->deadline && record->end <= record->deadline;
    fairness_add(&recorder->fairness, record->tenant, sums->generated_toks, sums->served);
}

static void keep_turn(struct recorder *recorder, const struct turn_record *record)
{
    recorder->turns =
        mem_grow(recorder->turns, &recorder->turn_capacity, recorder->n_turns + 1, sizeof *recorder->turns);
    recorder->turns[recorder->n_turns++] = *record;
    recorder->turns_sorted = false;
}

void recorder_turn(struct recorder *recorder, const struct turn_record *record, struct program_sums *sums)
{
    assert(record->ready <= record->arrived && record->arrived <= record->first_scheduled);
    assert(record->first_scheduled <= record->first_token && record->first_token <= record->last_token);
    assert(record->requeue_wait >= 0 && record->hit_toks < record->prompt_toks);
    assert(record->kept_toks < record->prompt_toks && record->loaded_toks <= record->hit_toks);
    assert(record->loaded_from < RECORDER_MAX_TIERS);
    add_to_digest(recorder, record);
    add_to_program(sums, record);
    struct recorder_summary *totals = &recorder->totals;
    if (record->ready < recorder->warmup) {
        totals->turns_warmup++;
    } else {
        add_to_statistics(recorder, record);
    }
    totals->turns_completed++;
    totals->turns_length_limited += record->length_limited;
    totals->end = record->last_token > totals->end ? record->last_token : totals->end;
    if (recorder->keep_turns) {
        keep_turn(recorder, record);
    }
}

void recorder_program(struct recorder *recorder, const struct program_record *record, const struct program_sums *sums)
{
    assert(record->arrival <= record->end && record->tool_time >= 0);
    assert(sums->turns == record->n_turns);
    if (record->arrival < recorder->warmup) {
        recorder->totals.programs_warmup++;
    } else {
        add_program_to_statistics(recorder, record, sums);
    }
    recorder->totals.programs_completed++;
    recorder->totals.end = record->end > recorder->totals.end ? record->end : recorder->totals.end;
    program_sample_add(&recorder->sample, &(struct program_row){.record = *record, .sums = *sums});
}

struct series *recorder_gaps(struct recorder *recorder)
{
    return &recorder->series[ITL];
}

static void merge_totals(struct recorder_summary *into, const struct recorder_summary *from)
{
    into->programs_completed += from->programs_completed;
    into->turns_completed += from->turns_completed;
    into->turns_length_limited += from->turns_length_limited;
    into->programs_warmup += from->programs_warmup;
    into->turns_warmup += from->turns_warmup;
    into->prompt_toks += from->prompt_toks;
    into->generated_toks += from->generated_toks;
    into->hit_toks += from->hit_toks;
    into->recomputed_toks += from->recomputed_toks;
    into->preemptions += from->preemptions;
    into->kept_toks += from->kept_toks;
    into->kept_hit_toks += from->kept_hit_toks;
    for (int tier = 0; tier < RECORDER_MAX_TIERS; tier++) {
        into->loaded_toks[tier] += from->loaded_toks[tier];
    }
    into->turns_within += from->turns_within;
    into->programs_within += from->programs_within;
    into->programs_due += from->programs_due;
    into->programs_in_time += from->programs_in_time;
    into->end = from->end > into->end ? from->end : into->end;
}

static void merge_turns(struct recorder *into, struct recorder *from)
{
    if (from->n_turns) {
        const size_t n = into->n_turns + from->n_turns;
        into->turns = mem_grow(into->turns, &into->turn_capacity, n, sizeof *into->turns);
        memcpy(into->turns + into->n_turns, from->turns, from->n_turns * sizeof *from->turns);
        into->n_turns = n;
        into->turns_sorted = false;
    }
    mem_free(from->turns);
    from->turns = NULL;
    from->n_turns = 0;
    from->turn_capacity = 0;
}

void recorder_merge(struct recorder *into, struct recorder *from)
{
    assert(into != from && into->keep_turns == from->keep_turns && into->warmup == from->warmup);
    digest_merge(&into->digest, &from->digest);
    from->digest = (struct digest){0};
    merge_totals(&into->totals, &from->totals);
    from->totals = (struct recorder_summary){0};
    for (int i = 0; i < N_SERIES; i++) {
        series_merge(&into->series[i], &from->series[i]);
    }
    fairness_merge(&into->fairness, &from->fairness);
    program_sample_merge(&into->sample, &from->sample);
    merge_turns(into, from);
}

void recorders_bound(struct recorder *const *recorders, uint32_t n)
{
    for (int i = 0; i < N_SERIES; i++) {
        uint64_t values = 0;
        for (uint32_t r = 0; r < n; r++) {
            values += recorders[r]->series[i].n;
        }
        if (n && values > recorders[0]->series[i].exact_limit) {
            for (uint32_t r = 0; r < n; r++) {
                series_sketch(&recorders[r]->series[i]);
            }
        }
    }
}

struct digest recorder_digest(const struct recorder *recorder)
{
    return recorder->digest;
}

void recorder_summarise(struct recorder *recorder, struct recorder_summary *out)
{
    *out = recorder->totals;
    out->fairness = fairness_index(&recorder->fairness);
    out->ttft = series_quantities(&recorder->series[TTFT]);
    out->tpot = series_quantities(&recorder->series[TPOT]);
    out->itl = series_quantities(&recorder->series[ITL]);
    out->e2e = series_quantities(&recorder->series[E2E]);
    out->queue = series_quantities(&recorder->series[QUEUE]);
    out->program_jct = series_quantities(&recorder->series[JCT]);
    out->program_tool = series_quantities(&recorder->series[TOOL]);
    out->program_queue = series_quantities(&recorder->series[PROGRAM_QUEUE]);
    out->token_latency = series_quantities(&recorder->series[TOKEN_LATENCY]);
    out->sketched = series_sketched(&recorder->series[E2E]) || series_sketched(&recorder->series[JCT]);
}

static int compare_turns(const void *a, const void *b)
{
    const struct turn_record *x = a;
    const struct turn_record *y = b;
    if (x->program != y->program) {
        return x->program < y->program ? -1 : 1;
    }
    return (x->turn > y->turn) - (x->turn < y->turn);
}

const struct turn_record *recorder_turns(struct recorder *recorder, uint64_t *n)
{
    if (!recorder->turns_sorted && recorder->n_turns) {
        qsort(recorder->turns, recorder->n_turns, sizeof *recorder->turns, compare_turns);
    }
    recorder->turns_sorted = true;
    *n = recorder->n_turns;
    return recorder->turns;
}

const struct program_row *recorder_programs(struct recorder *recorder, uint64_t *n)
{
    return program_sample_rows(&recorder->sample, n);
}

uint64_t recorder_turn_count(const struct recorder *recorder)
{
    return recorder->totals.turns_completed;
}

uint64_t recorder_program_count(const struct recorder *recorder)
{
    return recorder->totals.programs_completed;
}
