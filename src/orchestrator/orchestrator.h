/* The program orchestrator: which programs are in progress, and which of their turns is ready when.
 *
 * A program keeps its identity and a slot (a small number that other modules index by) from its arrival to its last
 * turn. Open-loop programs arrive by the arrival process; in a closed loop one queue of programs feeds the clients, and
 * the first free client takes the next one (ties by client number), ready after the client's set-up time.
 */
#ifndef ASIM_ORCHESTRATOR_ORCHESTRATOR_H
#define ASIM_ORCHESTRATOR_ORCHESTRATOR_H

#include "base/event_key.h"
#include "metrics/recorder.h"
#include "tool/tool.h"
#include "workload/arrivals.h"
#include "workload/workload.h"

enum long_prompt_rule { LONG_PROMPT_IS_ERROR, LONG_PROMPT_DROPS_PROGRAM, LONG_PROMPT_IS_TRUNCATED };

struct orchestrator_options {
    struct workload *workload;
    const char *source; /* the workload's file, for messages; NULL when generated */
    const struct tool_simulator *tool;
    struct arrivals_options arrivals;
    enum long_prompt_rule on_long_prompt;
    uint32_t max_model_len; /* a prompt and one output token must fit */
};

struct orchestrator_counters {
    uint64_t started, completed, dropped;
    uint64_t truncated_programs; /* with at least one truncated prompt */
};

/* A turn that became ready. Content and program live until its end is reported. */
struct ready_turn {
    const struct program *program;
    uint32_t slot;
    uint32_t turn;
    simtime ready;
    struct content content; /* prompt, then output */
    uint32_t prompt_toks;
    uint32_t output_toks;
    bool shared_output;
};

struct orchestrator;

/* With LONG_PROMPT_IS_ERROR every program of a file is checked at once: NULL and errors in diag. A generated program is
 * checked when it starts: the error goes to the same diag, which must outlive the orchestrator, and it has failed then.
 */
struct orchestrator *orchestrator_create(const struct orchestrator_options *options, struct diag *diag);
void orchestrator_destroy(struct orchestrator *orchestrator);

/* The next event: a client that takes a program (PHASE_RELEASE) or a turn that is ready (PHASE_ROUTING); EVENT_NEVER
 * when all is waiting for instances, or over. */
struct event_key orchestrator_next(const struct orchestrator *orchestrator);

/* Processes the next event; true when it was a ready turn, which is then in *out. */
bool orchestrator_step(struct orchestrator *orchestrator, struct ready_turn *out);

/* A turn ended at `end`. True when it was its program's last: *record then tells of the program, until the caller gives
 * the slot back. */
bool orchestrator_turn_ended(struct orchestrator *orchestrator, uint32_t slot, simtime end,
                             struct program_record *record);
void orchestrator_program_done(struct orchestrator *orchestrator, uint32_t slot);

/* What the recorder sums up over the turns of the program in a slot; stays in place until the program is done. */
struct program_sums *orchestrator_sums(struct orchestrator *orchestrator, uint32_t slot);

/* An error has been reported; the run cannot go on. */
bool orchestrator_failed(const struct orchestrator *orchestrator);

const struct orchestrator_counters *orchestrator_counters(const struct orchestrator *orchestrator);
uint64_t orchestrator_in_progress(const struct orchestrator *orchestrator);

#endif
