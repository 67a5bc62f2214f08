/* The inside of the orchestrator, for orchestrator.c, facts.c, nodes.c, present.c and checkpoint.c. */
#ifndef ASIM_ORCHESTRATOR_ORCHESTRATOR_INTERNAL_H
#define ASIM_ORCHESTRATOR_ORCHESTRATOR_INTERNAL_H

#include "base/store.h"
#include "orchestrator/orchestrator.h"
#include "workload/prompt.h"

/* A program in progress: all that its events touch, side by side. Between two of them lie seconds of simulated time and
 * tens of thousands of other programs. */
struct progress {
    _Alignas(64) struct program program;
    struct program_sums sums;
    simtime ready;                  /* of the turn */
    simtime gap;                    /* after the turn; 0 after the last one */
    simtime next_gap, next_service; /* of the next turn, once this one is at an instance */
    uint32_t turn;                  /* ready, or at an instance */
    uint32_t client;
    simtime arrival;
    simtime tool_time;
    simtime attained; /* of the turn */
    struct prompt_state prompts;
    struct extent_list *truncated;  /* the content of the present turn, where its prompt was cut; NULL: none was */
    const struct program *borrowed; /* from the workload; NULL: the slot is free */
    bool started;                   /* not in line any more */
    uint32_t kept_toks;             /* of the present turn, of a chain */
    uint32_t home;       /* the instance of the turn before it; unlike the rest it goes to no other process */
    struct nodes *nodes; /* of a program that is a graph: what a chain has above, by turn; NULL: none yet */
};
_Static_assert(sizeof(struct progress) <= 5 * 64, "one per program in progress");

enum { NO_SLOT = UINT32_MAX, SLOTS_PER_CHUNK = 256 };

struct orchestrator {
    struct orchestrator_options options;
    struct arrivals arrivals;
    uint64_t n_programs;
    uint64_t next_program;    /* closed loop: head of the queue */
    struct progress **chunks; /* of SLOTS_PER_CHUNK slots */
    size_t n_slots, n_chunks, chunk_capacity;
    /* By slot: a program has been in it. The thread that prepares the first one touches its memory first. */
    bool *made;
    size_t made_capacity;
    uint32_t *free_slots;
    size_t n_free, free_capacity;
};

static inline struct progress *slot_at(const struct orchestrator *orchestrator, size_t slot)
{
    return &orchestrator->chunks[slot / SLOTS_PER_CHUNK][slot % SLOTS_PER_CHUNK];
}

/* Whether there is a program in the slot. */
static inline bool slot_is_taken(const struct orchestrator *orchestrator, size_t slot)
{
    return orchestrator->made[slot] && slot_at(orchestrator, slot)->borrowed;
}

/* A chunk of free slots, where none is free. */
void orchestrator_add_slots(struct orchestrator *orchestrator);

/* When the program should have ended; 0: at no time. */
static inline simtime orchestrator_deadline(const struct progress *progress)
{
    const simtime deadline = progress->program.deadline;
    return deadline && deadline < SIMTIME_LIMIT - progress->arrival ? progress->arrival + deadline : 0;
}

static inline bool prompt_fits(const struct orchestrator_options *options, const struct turn *turn)
{
    return (uint64_t)turn->prompt_toks + (turn->output_toks > 0) <= options->max_model_len;
}

/* Tokens of a turn's prompt, as it is served. */
static inline uint32_t orchestrator_prompt_toks(const struct orchestrator *orchestrator, const struct turn *turn)
{
    const uint32_t most = orchestrator->options.max_model_len;
    return prompt_fits(&orchestrator->options, turn) ? turn->prompt_toks : most - (turn->output_toks > 0);
}

/* From the end of turn `turn` to the next one; 0 after a sink. */
static inline simtime orchestrator_gap(const struct orchestrator *orchestrator, const struct progress *progress,
                                       uint32_t turn)
{
    return program_is_sink(&progress->program, turn) ? 0
                                                     : tool_gap(orchestrator->options.tool, &progress->program, turn);
}

/* From the end of turn `turn`, with `gap` after it, to what it sets off. */
static inline simtime orchestrator_lead(const struct orchestrator *orchestrator, const struct progress *progress,
                                        uint32_t turn, simtime gap)
{
    if (!program_is_sink(&progress->program, turn)) {
        return gap;
    }
    return orchestrator_is_closed(&orchestrator->options) ? orchestrator->options.arrivals.client_setup : SIMTIME_NEVER;
}

/* Least time from the readiness of turn `turn`, with `gap` after it, to its effect: dispatch, a step per output token,
 * the lead. */
static inline simtime orchestrator_service(const struct orchestrator *orchestrator, const struct progress *progress,
                                           uint32_t turn, simtime gap)
{
    const struct orchestrator_options *options = &orchestrator->options;
    const struct turn *spec = &progress->program.turns[turn];
    const uint32_t room = options->max_model_len - orchestrator_prompt_toks(orchestrator, spec);
    const uint32_t output = spec->output_toks < room ? spec->output_toks : room;
    const simtime served = options->dispatch_latency + (output > 1 ? output : 1) * options->least_step;
    const simtime after = orchestrator_lead(orchestrator, progress, turn, gap);
    return after < SIMTIME_NEVER - served ? after + served : SIMTIME_NEVER;
}

/* Keeps `prompt_toks` tokens of a longer prompt, in *kept; the output follows. */
struct content orchestrator_truncate(struct extent_list **kept, struct content content, uint32_t full_prompt,
                                     uint32_t prompt_toks);
void orchestrator_free_truncated(struct extent_list *truncated);

/* ---- nodes.c: programs that are graphs ---- */

void nodes_destroy(struct nodes *nodes);
void nodes_prepare(struct progress *progress);
void nodes_start(const struct progress *progress);
uint32_t nodes_home(const struct progress *progress, uint32_t turn);
struct ready_turn nodes_ready(const struct orchestrator *orchestrator, const struct progress *progress, uint32_t slot,
                              uint32_t turn);
struct turn_call nodes_call(const struct orchestrator *orchestrator, const struct progress *progress, uint32_t turn);

/* The prompt of a live turn, then its output; and how long it is. */
struct content nodes_prompt(const struct orchestrator *orchestrator, const struct progress *progress, uint32_t turn,
                            uint32_t *toks);

/* The service that a turn which was called had when it was. */
void nodes_service(const struct progress *progress, uint32_t turn, simtime *attained_time, simtime *critical);
enum turn_outcome nodes_ended(const struct orchestrator *orchestrator, struct progress *progress,
                              const struct turn_record *ended, struct ready_turn *next, simtime *end);
struct program_sums *nodes_sums(const struct progress *progress, uint32_t turn);
bool nodes_is_live(const struct progress *progress, uint32_t turn);
uint32_t nodes_live(const struct progress *progress);

/* Whether the turn has not ended, and the one whose context it starts from has. */
bool nodes_is_present(const struct progress *progress, uint32_t turn);

/* The turns that have ended: what all others are follows from them. Loading refuses what cannot be, and instances that
 * are not below `n_instances`. */
void nodes_save(const struct progress *progress, struct store_writer *writer);
void nodes_load(struct orchestrator *orchestrator, uint32_t slot, uint32_t n_instances, struct store_reader *reader);

#endif
