/* AgentServeSim: simulation of multi-turn LLM agents on serving clusters.
 *
 * Rules of the whole library
 *  - Handles are opaque; a function that returns one gives ownership, and the matching _destroy takes it back.
 *  - Every function that can fail returns an asim_status; what went wrong, with file, line and column, is kept as
 *    messages in the handle (asim_config_message, asim_result_message).
 *  - Nothing is printed, nothing exits, there is no global state: several simulations can live in one process, each
 * used by one thread at a time. (Exhausted memory aborts; that is the one exception.)
 *  - Documents are JSON text, UTF-8, with units in key names (`_s`, `_bytes`) and fractions as fractions. Returned
 *    strings are freed with asim_free.
 *
 *     asim_config *config = asim_config_create();
 *     asim_config_set(config, "workload", "trace.jsonl");
 *     asim_config_set(config, "request_rate", "0.5/s");
 *     asim_result *result = NULL;
 *     if (asim_config_resolve(config) == ASIM_OK && asim_run(config, NULL, &result) == ASIM_OK)
 *         puts(asim_result_summary(result));
 *     asim_result_destroy(result);
 *     asim_config_destroy(config);
 */
#ifndef ASIM_ASIM_H
#define ASIM_ASIM_H

#include "asim/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
ASIM_API const char *asim_version(void);

/* Frees a string that a function of this library returned. NULL is allowed. */
ASIM_API void asim_free(void *pointer);

/* ---- Configuration -------------------------------------------------------------------------------------------------
 * A configuration gathers values from sources and resolves them once. Precedence, lowest first: built-in defaults, the
 * embedded scenario (when neither a file nor a workload is given), engine preset, files in the order loaded,
 * environment (ASIM_<OPTION>), explicit settings in the order made. Paths are those of the option table:
 * `max_num_seqs`, `router.telemetry_period`. */
typedef struct asim_config asim_config;

ASIM_API asim_config *asim_config_create(void);
ASIM_API void asim_config_destroy(asim_config *config);

/* Loads a YAML file. All errors of the file are reported as messages. */
ASIM_API asim_status asim_config_load(asim_config *config, const char *path);

/* The same from text; `name` stands for the file name in messages. */
ASIM_API asim_status asim_config_load_text(asim_config *config, const char *name, const char *text, size_t bytes);

/* Takes values from environment variables ASIM_<OPTION>, e.g. ASIM_MAX_NUM_SEQS. An unknown one is an error. */
ASIM_API asim_status asim_config_load_environment(asim_config *config);

/* Sets one option, e.g. ("block_size", "16"). */
ASIM_API asim_status asim_config_set(asim_config *config, const char *path, const char *value);

/* As asim_config_set for a command-line flag and its value: ("--block-size", "16"); value NULL for a switch (on).
 * Returns ASIM_USAGE, with the nearest name as a message, when there is no such flag. */
ASIM_API asim_status asim_config_set_flag(asim_config *config, const char *flag, const char *value);

/* Checks every value and applies precedence; after it the configuration can be used, and set again. Reports all errors.
 */
ASIM_API asim_status asim_config_resolve(asim_config *config);

/* The resolved configuration as YAML that asim_config_load reads back; with `origin`, a comment on each line says where
 * the value came from. Free with asim_free. */
ASIM_API char *asim_config_yaml(const asim_config *config, bool origin);

/* The resolved value of an option as text, NULL when unset or unknown. Free with asim_free. */
ASIM_API char *asim_config_get(const asim_config *config, const char *path);

/* Messages of every call so far, errors and warnings, oldest first; valid until the next call with `config`. */
ASIM_API size_t asim_config_message_count(const asim_config *config);
ASIM_API const char *asim_config_message(const asim_config *config, size_t index, bool *is_warning);
ASIM_API void asim_config_clear_messages(asim_config *config);

/* The option table, for help and documentation. Static storage. */
typedef struct asim_option {
    const char *path;         /* "router.telemetry_period" */
    const char *flag;         /* "--router-telemetry-period" */
    const char *type;         /* "duration", "count", "on|off", ... */
    const char *default_text; /* NULL: unset */
    const char *allowed;      /* range or names, NULL: anything of the type */
    const char *topic;        /* help topic */
    const char *help;         /* one sentence or two */
    bool is_switch;           /* the flag may stand without a value */
    bool is_execution;        /* results do not depend on it: it may change when a run goes on from a checkpoint */
} asim_option;

ASIM_API size_t asim_option_count(void);
ASIM_API const asim_option *asim_option_at(size_t index);

/* Topics of `help`, in order, with a one-line description; NULL past the end. */
ASIM_API const char *asim_topic_at(size_t index, const char **description);

/* ---- Running
 * -------------------------------------------------------------------------------------------------------*/

typedef struct asim_progress {
    uint64_t programs_done, programs_total; /* total 0: unknown */
    uint64_t turns_done;
    uint64_t steps;
    double sim_time_s;
    double sim_end_s; /* the simulated time at which the run ends at the latest (stop_at); 0: not known */
    double wall_s;
} asim_progress;

/* Called between events, every few milliseconds of wall time. Both members may be NULL. */
typedef struct asim_callbacks {
    size_t struct_size; /* sizeof(asim_callbacks); anything else is refused */
    void *user;
    void (*progress)(void *user, const asim_progress *progress);
    bool (*cancelled)(void *user); /* true ends the run early: ASIM_INTERRUPTED with partial results */
} asim_callbacks;

typedef struct asim_result asim_result;

/* Simulates the resolved configuration. On ASIM_OK and ASIM_INTERRUPTED *out holds results; on other failures *out may
 * hold a result with messages only, or NULL. */
ASIM_API asim_status asim_run(const asim_config *config, const asim_callbacks *callbacks, asim_result **out);

/* Checkpoints of a run: the library writes one file, beside its place and renamed, so that it is always whole. */
typedef struct asim_checkpoints {
    size_t struct_size; /* sizeof(asim_checkpoints); anything else is refused */
    const char *file;   /* to write, every checkpoint_every of wall time and when the run is cancelled; NULL: never */
    const char *resume; /* to go on from, maybe the same file; NULL: from the beginning */
    void *user;
    bool (*prepare)(void *user); /* NULL, or called before the first is written, to make its folder; false: not now */
} asim_checkpoints;

/* As asim_run; with `checkpoints` (NULL: none) it is saved on the way, or goes on from a checkpoint: of a run with the
 * same options, those excepted that are `is_execution` in the option table, the same input files and the same version
 * of the library. The results are those of the run that was not cut, byte for byte. */
ASIM_API asim_status asim_run_saved(const asim_config *config, const asim_checkpoints *checkpoints,
                                    const asim_callbacks *callbacks, asim_result **out);
ASIM_API void asim_result_destroy(asim_result *result);

/* Which of the processes that shared the simulation this is (option transport); each has all results, and process 0
 * writes them. 0 when alone. */
ASIM_API uint32_t asim_result_rank(const asim_result *result);

/* Canonical summary: no wall time and no facts of the host, byte-identical for identical inputs. Valid as long as the
 * result. */
ASIM_API const char *asim_result_summary(const asim_result *result);

/* Facts of this execution as JSON: wall and CPU seconds, rates, paths of input files. Valid as long as the result. */
ASIM_API const char *asim_result_execution(const asim_result *result);

/* The input files as a JSON array of path, size and XXH3-128 hash. They are read again for it, so that only runs that
 * are kept pay; files that cannot be read any more are left out. Free with asim_free. */
ASIM_API char *asim_result_inputs(const asim_result *result);

/* Tables as CSV; turns need the option turns_csv. */
ASIM_API asim_status asim_result_write_programs(const asim_result *result, FILE *file);
ASIM_API asim_status asim_result_write_turns(const asim_result *result, FILE *file);

/* The decisions of policies, one JSON object a line; they need the option decisions_log. */
ASIM_API asim_status asim_result_write_decisions(const asim_result *result, FILE *file);

/* Where the KV of every program was at the instants of the options residency_at and residency_every: everything before
 * the instant has happened, and nothing else. Records are in the order of time, instance and program; that of an
 * instance as a whole comes before those of the programs there. A program has one at each instance where one of its
 * turns is, or waits to come back to, where something is held for it, or where more of its context is found than the
 * system prompt that it shares with others. */
enum { ASIM_TIER_HBM, ASIM_TIER_DRAM, ASIM_TIER_CXL, ASIM_TIER_NVME, ASIM_TIERS };

/* KV in a tier. Of a program: its context, as far as a look-up finds it, and all that is held for it. */
typedef struct asim_kv_share {
    uint64_t bytes;         /* blocks, in bytes over all GPUs of an instance */
    uint32_t blocks;        /* with KV of the program; of an instance, with any */
    uint32_t held_blocks;   /* of those, that turns, policies or transfers hold: they cannot be evicted */
    uint32_t shared_blocks; /* of those held, that are held for several programs */
    uint32_t usable_blocks; /* all blocks of the tier; 0 of a program */
    uint32_t other_blocks;  /* with KV that no program in progress has a record for; 0 of a program */
} asim_kv_share;

/* Tokens of a context, by the nearest tier that has their KV; tier ASIM_TIERS: none has. */
typedef struct asim_kv_extent {
    uint32_t first, tokens;
    uint32_t tier;
} asim_kv_extent;

typedef enum asim_kv_phase {
    ASIM_KV_JOIN,    /* of a DAG: its context is there, and others that it waits for have not ended */
    ASIM_KV_GAP,     /* the tool before it runs */
    ASIM_KV_GATEWAY, /* it is ready, and the router holds it, or moves it elsewhere */
    ASIM_KV_SENT,    /* on its way to the instance */
    ASIM_KV_WAITING, /* in the instance's queue; also after a preemption */
    ASIM_KV_LOADING, /* the same, and KV is on its way for it */
    ASIM_KV_LEAVING, /* its KV is being copied to another instance, where the router will send it */
    ASIM_KV_RUNNING
} asim_kv_phase;

/* A turn that is at an instance or to come, and where the KV of its context is, as far as the record's instance has
 * it. The context is, until a turn is ready, that of the turn it follows; then its prompt; and what it generates. */
typedef struct asim_kv_turn {
    uint32_t turn;
    uint32_t at; /* the instance where it is, or its context was computed; UINT32_MAX: none */
    asim_kv_phase phase;
    int64_t ready_ps; /* when it is or was ready; -1: not known yet */
    uint32_t context_tokens;
    const asim_kv_extent *extents; /* one after the other, from the first token to the last */
    size_t n_extents;
} asim_kv_turn;

typedef enum asim_kv_reason { ASIM_KV_BY_TURN, ASIM_KV_BY_PIN, ASIM_KV_BY_HOLD, ASIM_KV_BY_TRANSFER } asim_kv_reason;
typedef enum asim_kv_until {
    ASIM_KV_UNTIL_TIME,     /* until_ps */
    ASIM_KV_UNTIL_NEEDED,   /* it yields when blocks are wanted */
    ASIM_KV_UNTIL_ADMITTED, /* the program's next turn waits at the instance: until it starts */
    ASIM_KV_UNTIL_DONE      /* the turn or the transfer ends */
} asim_kv_until;

/* Blocks that cannot be evicted. Several may hold the same ones. */
typedef struct asim_kv_pin {
    asim_kv_reason by;
    asim_kv_until until;
    int64_t until_ps;
    uint32_t tier;
    uint32_t blocks;
    uint32_t turn;      /* of a transfer UINT32_MAX; of a pin or hold the turn that has ended */
    const char *policy; /* that decided on a pin or hold; else NULL */
} asim_kv_pin;

/* KV on its way, whose blocks are held at both ends; "store" out of HBM, "copy" a tier down, "load" into HBM for a turn
 * that waits, "prefetch" before it is there, "raise" from storage to the first tier. */
typedef struct asim_kv_transfer {
    const char *kind;
    uint32_t from, to; /* tiers */
    uint32_t blocks;
    bool waits;        /* for another one to bring the same, or for its time; nothing moves */
    int64_t starts_ps; /* of a prefetch that a policy has planned for a program whose KV it sent away; else -1 */
    uint64_t bytes, moved_bytes;
} asim_kv_transfer;

typedef struct asim_residency {
    size_t struct_size; /* sizeof(asim_residency), set by the caller; anything else is refused */
    int64_t time_ps;
    uint32_t instance; /* UINT32_MAX: of a program that has been at none */
    bool is_instance;  /* of the instance as a whole: `program` and what follows `tiers` mean nothing */
    uint64_t program;
    const char *name;    /* NULL: it has ended */
    uint32_t tiers_told; /* bits 1 << tier. Instances of a host share the tiers below HBM: they are told of in the first
                            of a program's records there, and in that of the first instance */
    asim_kv_share tiers[ASIM_TIERS];
    const asim_kv_turn *turns; /* these lists are valid as long as the result */
    size_t n_turns;
    const asim_kv_pin *pins;
    size_t n_pins;
    const asim_kv_transfer *transfers;
    size_t n_transfers;
} asim_residency;

ASIM_API size_t asim_result_residency_count(const asim_result *result);
ASIM_API asim_status asim_result_residency(const asim_result *result, size_t index, asim_residency *out);

/* All of them, one JSON object a line; needs one of the options. */
ASIM_API asim_status asim_result_write_residency(const asim_result *result, FILE *file);

ASIM_API size_t asim_result_message_count(const asim_result *result);
ASIM_API const char *asim_result_message(const asim_result *result, size_t index, bool *is_warning);

/* ---- Documents -----------------------------------------------------------------------------------------------------
 * Each writes a JSON document to *out (free with asim_free); on failure *out is NULL and messages are in `config`. */

/* What a run would do: resolved sizes, memory fit per GPU, expected work. */
ASIM_API asim_status asim_plan(asim_config *config, char **out);

/* What an input file holds: format and how it was recognised, counts, distributions of sizes and gaps, findings. */
ASIM_API asim_status asim_inspect(asim_config *config, char **out);

/* Writes the workload or the generated programs of the configuration to `path` as a columnar file, which the option
 * workload takes like any other; the document says what is in it. A file that is there is replaced if it is columnar.
 */
ASIM_API asim_status asim_import(asim_config *config, const char *path, char **out);

/* Runs the configuration and compares it with the measured per-request times of a real engine (requests.jsonl with
 * arrival_time, queued_ts, scheduled_ts, first_token_ts, last_token_ts). */
ASIM_API asim_status asim_validate(asim_config *config, const char *measured, const asim_callbacks *callbacks,
                                   char **out);

/* How asim_bench measures. What is zero is left to it; 1 thread is always measured, as the base of speed-ups. */
typedef struct asim_bench_options {
    size_t struct_size; /* sizeof(asim_bench_options); anything else is refused */
    const uint32_t *threads;
    size_t n_threads; /* 0: 1, 2, 4, ... up to the cores that this process may use */
    const uint64_t *sizes;
    size_t n_sizes;   /* numbers of programs to simulate, in turn; 0: that of the configuration */
    uint32_t repeats; /* 0: 3 */
    bool control;     /* also run as many one-thread simulations side by side as there are threads */
} asim_bench_options;

/* Times the simulation of the configuration on this machine: for every size one run to warm up, then `repeats` rounds
 * over the numbers of threads, then one run, not timed, that the engine observes itself in. All runs of a size must
 * have one digest, else the status is ASIM_INTERNAL. Progress counts the programs of all runs; a cancelled benchmark
 * has no document. `options` may be NULL. */
ASIM_API asim_status asim_bench(asim_config *config, const asim_bench_options *options, const asim_callbacks *callbacks,
                                char **out);

/* How asim_study and asim_policy_search run. */
typedef struct asim_study_options {
    size_t struct_size; /* sizeof(asim_study_options); anything else is refused */
    uint32_t jobs;      /* simulations at a time, each on one thread; 0: one for each usable core */
} asim_study_options;

/* Simulates the cases of a study, which is the path of a YAML file (with a '/', or ending in .yaml) or the name of a
 * built-in one, and compares their figures with published ones. What `config` was given besides goes before what the
 * study says; it need not be resolved. The status is ASIM_FAILED_IF, with the document, when a comparison that gates
 * fails. `options` may be NULL. */
ASIM_API asim_status asim_study(asim_config *config, const char *name, const asim_study_options *options,
                                const asim_callbacks *callbacks, char **out);

/* ---- Policies (asim/policy.h) -------------------------------------------------------------------------------------
 * A policy is named, or given as the path of a shared object, which holds a '/'. */

/* What a policy is: planes, parameters, flags, functions, source. */
ASIM_API asim_status asim_policy_show(asim_config *config, const char *name, char **out);

/* Loads and checks a policy and runs a small scenario with it, on one thread and on two, twice each: the results must
 * be the same, else the status is ASIM_INTERNAL. Parameters are those of the configuration's policy_parameters. */
ASIM_API asim_status asim_policy_test(asim_config *config, const char *name, char **out);

/* What asim_policy_search tries. What is zero is left to it. */
typedef struct asim_search_options {
    size_t struct_size;      /* sizeof(asim_search_options); anything else is refused */
    const char *const *vary; /* "parameter=LOW..HIGH" or "parameter=LOW..HIGH:log", by which it is drawn evenly in the
                                logarithm */
    size_t n_vary;           /* at least 1 */
    uint32_t samples;        /* settings to draw; 0: 200 */
    const char *metric;      /* what they are ranked by: a path in the summary; NULL: programs.jct_s.mean */
    bool highest;            /* more of it is better */
    uint32_t jobs;           /* as in asim_study_options */
} asim_search_options;

/* Simulates the configuration with a policy under many settings of its parameters, drawn from the seed, and ranks them
 * beside the policy's defaults and the engine's own rules. */
ASIM_API asim_status asim_policy_search(asim_config *config, const char *name, const asim_search_options *options,
                                        const asim_callbacks *callbacks, char **out);

/* asim/policy.h, and the source of a policy to begin with, in which NAME stands for its name. Static storage. */
ASIM_API const char *asim_policy_header(void);
ASIM_API const char *asim_policy_template(void);

/* The policy of a shared object whose function this thread is in, and *function; NULL: none. May be called in a signal
 * handler, to say what has crashed. */
ASIM_API const char *asim_policy_in_call(const char **function);

/* Built-in things: kind is "models", "hardware", "policies", "formats", "generators" or "studies". */
ASIM_API asim_status asim_list(asim_config *config, const char *kind, char **out);

#ifdef __cplusplus
}
#endif

#endif
