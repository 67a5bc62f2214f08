/* Listens to finished turns and programs; never steers. Keeps exact values for percentiles and the digest.
 *
 * Several recorders may each hear a part of a run, one per thread, and be merged at its end: everything is a sum, a
 * maximum or a set, so the results do not depend on how many there were or on which turns each of them heard. What a
 * program's row sums up over its turns belongs to the caller, because the turns may go to different recorders.
 */
#ifndef ASIM_METRICS_RECORDER_H
#define ASIM_METRICS_RECORDER_H

#include "base/digest.h"
#include "base/simtime.h"
#include "base/store.h"
#include "metrics/fairness.h"

#include <stdbool.h>
#include <stdint.h>

enum { RECORDER_MAX_TIERS = 3 }; /* below HBM */

/* The history of one turn. Times are absolute simulated time. */
struct turn_record {
    uint64_t program;
    uint32_t turn;
    uint32_t instance;
    simtime ready;   /* at the client: program arrival, or the previous turn's end plus its gap */
    simtime arrived; /* at the instance: ready + routing hold + dispatch latency */
    simtime first_scheduled;
    simtime first_token;
    simtime last_token;
    simtime requeue_wait; /* waiting after preemptions, until scheduled again */
    uint32_t prompt_toks;
    uint32_t output_toks; /* generated, after the length limit */
    uint32_t hit_toks;    /* at the first admission, tiers included */
    uint32_t loaded_toks; /* of those, brought from a tier below HBM for the turn, */
    uint8_t loaded_from;  /* which: from 0 */
    uint32_t kept_toks;   /* of the prompt, full blocks that the context before it begins with: what could be hit */
    uint32_t preemptions;
    uint32_t recomputed_toks; /* prompt and output tokens computed again after preemption */
    bool length_limited;      /* the output was cut by max_model_len */
};

struct program_record {
    uint64_t program;
    const char *name; /* copied */
    simtime arrival;
    simtime end;
    simtime tool_time; /* sum of gaps */
    simtime deadline;  /* 0: none */
    uint64_t tenant;   /* 0: none */
    uint32_t n_turns;
};

/* Sums over the finished turns of a program in progress; zero when it starts. */
struct program_sums {
    uint64_t prompt_toks, generated_toks, hit_toks;
    simtime ttft_first, queue, served; /* served: from ready to the last token */
    uint32_t preemptions;
    uint32_t turns;
};

struct recorder;

/* What a turn's TTFT and TPOT and a program's JCT are to be within; 0: anything. */
struct service_levels {
    simtime ttft, tpot, jct;
};

struct recorder_options {
    bool keep_turns;       /* for turns.csv and validate: keep every turn_record */
    uint32_t program_rows; /* programs.csv: keep so many programs, chosen by the hash of their id; UINT32_MAX = all */
    uint64_t exact_values; /* of each set of durations, before it becomes a histogram; 0: 10^7 */
    simtime warmup;        /* turns ready and programs arriving before it are counted and kept, but in no statistics */
    struct service_levels slo;
};

struct recorder *recorder_create(const struct recorder_options *options);
void recorder_destroy(struct recorder *recorder);

/* Adds to the sums of its program, too. */
void recorder_turn(struct recorder *recorder, const struct turn_record *record, struct program_sums *sums);
/* `sums` are of all turns of the program. */
void recorder_program(struct recorder *recorder, const struct program_record *record, const struct program_sums *sums);

/* Where instances note the times between two tokens of a turn: too many to be heard of one by one. In bins. */
struct series;
struct series *recorder_gaps(struct recorder *recorder);

/* Adds what `from` heard; it is empty afterwards. Both were created with the same options. */
void recorder_merge(struct recorder *into, struct recorder *from);

/* Keeps the memory of recorders that will be merged within that of one: a set of durations that would be a histogram
 * after the merge becomes one in all of them at once. Cheap when there is nothing to do: call it now and then. */
void recorders_bound(struct recorder *const *recorders, uint32_t n);

/* Writes all that was heard, as a section; reads it into a recorder that has heard nothing and was created with the
 * same options. False when the section is not such a recorder's: the reader has reported it then, and the recorder is
 * only fit to be destroyed. */
void recorder_save(const struct recorder *recorder, struct store_writer *writer);
bool recorder_load(struct recorder *recorder, struct store_reader *reader);
/* Parts of a section of the caller's. */
void program_sums_save(const struct program_sums *sums, struct store_writer *writer);
struct program_sums program_sums_load(struct store_reader *reader);

/* Finished turns and programs so far. */
uint64_t recorder_turn_count(const struct recorder *recorder);
uint64_t recorder_program_count(const struct recorder *recorder);

struct digest recorder_digest(const struct recorder *recorder);

/* Statistics of a set of durations, seconds. */
struct quantities {
    uint64_t n;
    double mean, p50, p90, p95, p99, max;
};

struct recorder_summary {
    uint64_t programs_completed, turns_completed, turns_length_limited;
    uint64_t programs_warmup, turns_warmup; /* of the completed ones, those that the statistics leave out */
    /* Over the turns that count. */
    uint64_t prompt_toks, generated_toks, hit_toks, recomputed_toks, preemptions;
    uint64_t kept_toks, kept_hit_toks;        /* that could be hit, and of those what was */
    uint64_t loaded_toks[RECORDER_MAX_TIERS]; /* of the hits */
    uint64_t turns_within;                    /* TTFT and TPOT within the service levels */
    uint64_t programs_within;                 /* JCT */
    uint64_t programs_due, programs_in_time;  /* with a deadline; and met */
    struct fairness_index fairness;
    simtime end;                                                /* last completion */
    struct quantities program_jct, program_tool, program_queue; /* per program */
    struct quantities token_latency;                            /* per program: JCT over generated tokens */
    struct quantities ttft, tpot, e2e, queue;                   /* per turn */
    struct quantities itl;                                      /* per gap between two tokens of a turn; in bins */
    bool sketched; /* percentiles come from histograms (more than options.exact_values) */
};
void recorder_summarise(struct recorder *recorder, struct recorder_summary *out);

/* Kept rows, sorted by (program, turn) and by program. */
const struct turn_record *recorder_turns(struct recorder *recorder, uint64_t *n);
struct program_row {
    struct program_record record;
    struct program_sums sums;
};
const struct program_row *recorder_programs(struct recorder *recorder, uint64_t *n);

/* Percentile by linear interpolation between order statistics (R type 7); `values` sorted ascending, n >= 1. */
double quantile_sorted(const double *values, uint64_t n, double p);

#endif
