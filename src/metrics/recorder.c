#include "metrics/recorder.h"

#include "base/mem.h"
#include "metrics/live_programs.h"
#include "metrics/program_sample.h"
#include "metrics/series.h"
#include "metrics/turn_times.h"

#include <assert.h>
#include <stdlib.h>

struct recorder {
    bool keep_turns;
    bool turns_sorted;
    struct digest digest;
    struct recorder_summary totals; /* counts and end; the quantities are filled on demand */
    struct series ttft, tpot, e2e, queue;
    struct series jct, tool, program_queue;
    struct live_programs live;
    struct program_sample sample;
    struct turn_record *turns;
    size_t n_turns;
    size_t turn_capacity;
};

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
    program_sample_init(&recorder->sample, options->program_rows);
    struct series *const all[] = {&recorder->ttft, &recorder->tpot, &recorder->e2e,          &recorder->queue,
                                  &recorder->jct,  &recorder->tool, &recorder->program_queue};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        series_init(all[i], SERIES_EXACT_LIMIT);
    }
    return recorder;
}

void recorder_destroy(struct recorder *recorder)
{
    if (!recorder) {
        return;
    }
    struct series *const all[] = {&recorder->ttft, &recorder->tpot, &recorder->e2e,          &recorder->queue,
                                  &recorder->jct,  &recorder->tool, &recorder->program_queue};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        series_fini(all[i]);
    }
    live_programs_fini(&recorder->live);
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

static void add_to_program(struct recorder *recorder, const struct turn_record *turn)
{
    struct live_program *program = live_programs_at(&recorder->live, turn->program);
    program->turns++;
    program->prompt_toks += turn->prompt_toks;
    program->generated_toks += turn->output_toks;
    program->hit_toks += turn->hit_toks;
    program->preemptions += turn->preemptions;
    program->queue += turn_queue(turn);
    if (turn->turn == 0) {
        program->ttft_first = turn_ttft(turn);
    }
}

void recorder_turn(struct recorder *recorder, const struct turn_record *record)
{
    assert(record->ready <= record->arrived && record->arrived <= record->first_scheduled);
    assert(record->first_scheduled <= record->first_token && record->first_token <= record->last_token);
    assert(record->requeue_wait >= 0 && record->hit_toks < record->prompt_toks);
    add_to_digest(recorder, record);
    add_to_program(recorder, record);
    series_add(&recorder->ttft, turn_ttft(record));
    series_add(&recorder->e2e, turn_e2e(record));
    series_add(&recorder->queue, turn_queue(record));
    simtime tpot;
    if (turn_tpot(record, &tpot)) {
        series_add(&recorder->tpot, tpot);
    }
    struct recorder_summary *totals = &recorder->totals;
    totals->turns_completed++;
    totals->turns_length_limited += record->length_limited;
    totals->prompt_toks += record->prompt_toks;
    totals->generated_toks += record->output_toks;
    totals->hit_toks += record->hit_toks;
    totals->recomputed_toks += record->recomputed_toks;
    totals->preemptions += record->preemptions;
    totals->end = record->last_token > totals->end ? record->last_token : totals->end;
    if (recorder->keep_turns) {
        recorder->turns =
            mem_grow(recorder->turns, &recorder->turn_capacity, recorder->n_turns + 1, sizeof *recorder->turns);
        recorder->turns[recorder->n_turns++] = *record;
        recorder->turns_sorted = false;
    }
}

void recorder_program(struct recorder *recorder, const struct program_record *record)
{
    assert(record->arrival <= record->end && record->tool_time >= 0);
    const struct live_program sums = live_programs_take(&recorder->live, record->program);
    assert(sums.turns == record->n_turns);
    series_add(&recorder->jct, record->end - record->arrival);
    series_add(&recorder->tool, record->tool_time);
    series_add(&recorder->program_queue, sums.queue);
    recorder->totals.programs_completed++;
    recorder->totals.end = record->end > recorder->totals.end ? record->end : recorder->totals.end;
    const struct program_row row = {.record = *record,
                                    .prompt_toks = sums.prompt_toks,
                                    .generated_toks = sums.generated_toks,
                                    .hit_toks = sums.hit_toks,
                                    .ttft_first = sums.ttft_first,
                                    .queue = sums.queue,
                                    .preemptions = sums.preemptions};
    program_sample_add(&recorder->sample, &row);
}

struct digest recorder_digest(const struct recorder *recorder)
{
    return recorder->digest;
}

void recorder_summarise(struct recorder *recorder, struct recorder_summary *out)
{
    *out = recorder->totals;
    out->ttft = series_quantities(&recorder->ttft);
    out->tpot = series_quantities(&recorder->tpot);
    out->e2e = series_quantities(&recorder->e2e);
    out->queue = series_quantities(&recorder->queue);
    out->program_jct = series_quantities(&recorder->jct);
    out->program_tool = series_quantities(&recorder->tool);
    out->program_queue = series_quantities(&recorder->program_queue);
    out->sketched = series_sketched(&recorder->e2e) || series_sketched(&recorder->jct);
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
