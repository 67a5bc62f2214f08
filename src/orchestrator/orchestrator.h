/* The program orchestrator: the state of every program in progress, and what comes after each of its turns.
 *
 * The turns of a program are a chain, or a graph (workload/program.h) of which several may be ready or at an instance
 * at a time. Calls that name a turn name one of those.
 *
 * A program keeps its identity and a slot (a small number that other modules index by) from its arrival to its last
 * turn. Open-loop programs arrive by the arrival process; in a closed loop one queue of programs feeds the clients, and
 * the first free client takes the next one (ties by client number), ready after the client's set-up time.
 *
 * The orchestrator answers questions; it has no queue of events. An engine of the simulation (src/sim) asks it which
 * programs come next, has each made ready (orchestrator_prepare), keeps the ready turns in order, and tells of ends.
 *
 * Threads: calls that name a slot may run side by side for different slots, and those that name a turn for different
 * turns of one slot. Which thread comes first to the end of which parent shows in no result: a turn is released by the
 * last of them, at a time that is a maximum. Calls that name no slot
 * (orchestrator_next_program, orchestrator_take_slot, orchestrator_give_slot, the reports) are for one thread at a
 * time, while no other call runs.
 */
#ifndef ASIM_ORCHESTRATOR_ORCHESTRATOR_H
#define ASIM_ORCHESTRATOR_ORCHESTRATOR_H

#include "base/simtime.h"
#include "metrics/recorder.h"
#include "policy/turn_facts.h"
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
    uint32_t max_model_len;   /* a prompt and one output token must fit */
    simtime dispatch_latency; /* from ready to the arrival at an instance */
    simtime least_step;       /* no engine step is shorter */
};

struct orchestrator;

/* With LONG_PROMPT_IS_ERROR every program of a file is checked at once: NULL and errors in diag. A generated program is
 * checked when it is prepared. */
struct orchestrator *orchestrator_create(const struct orchestrator_options *options, struct diag *diag);
void orchestrator_destroy(struct orchestrator *orchestrator);

static inline bool orchestrator_is_closed(const struct orchestrator_options *options)
{
    return options->arrivals.process == ARRIVALS_CLOSED;
}

/* ---- programs that come ---- */

/* A program in line: in an open loop its arrival is known, in a closed one it waits for a client. */
struct next_program {
    uint64_t id;
    simtime arrival;
};

/* The next program in order of (arrival, id), or of id in a closed loop; false after the last one. */
bool orchestrator_next_program(struct orchestrator *orchestrator, struct next_program *out);

/* Prepares for a later answer of it, as arrivals_draw does. */
void orchestrator_draw_arrival(const struct orchestrator *orchestrator, uint64_t program);

uint32_t orchestrator_take_slot(struct orchestrator *orchestrator);
void orchestrator_give_slot(struct orchestrator *orchestrator, uint32_t slot);

/* The same in two steps: who has the program at hand lets go of it, any thread; the slot is given back later. */
void orchestrator_release(struct orchestrator *orchestrator, uint32_t slot);
void orchestrator_reuse_slot(struct orchestrator *orchestrator, uint32_t slot);

enum prepared {
    PREPARED_READY,
    PREPARED_TRUNCATED, /* ready as well: a prompt was cut */
    PREPARED_DROPPED,   /* the slot is to be given back */
    PREPARED_TOO_LONG,  /* an error, for orchestrator_report_long_prompt */
    PREPARED_UNSOUND,   /* an error in the workload's file, reported already */
};

/* Makes a program ready to start in a slot. */
enum prepared orchestrator_prepare(struct orchestrator *orchestrator, uint32_t slot, uint64_t program);

/* ---- turns ---- */

/* A turn that is ready at the client. */
struct ready_turn {
    simtime time;
    uint64_t key; /* program and turn: the order of turns that are ready at one instant */
    uint32_t slot;
    uint32_t home;   /* instance of the program's last turn, or NO_HOME */
    simtime service; /* least time from ready to the turn's effect: its end and gap (SIMTIME_NEVER: it has none) */
};

#define NO_HOME UINT32_MAX

/* The turn of a key. */
static inline uint32_t ready_turn_number(uint64_t key)
{
    return (uint32_t)(key & 0xffffff);
}

/* Least time from a prepared program's start to the effect of its first turn, as ready_turn.service. */
simtime orchestrator_first_service(const struct orchestrator *orchestrator, uint32_t slot);

/* The first turn of a prepared program, started at `time` by `client` (0 in an open loop). */
struct ready_turn orchestrator_start(struct orchestrator *orchestrator, uint32_t slot, simtime time, uint32_t client);

/* Turns that a prepared program starts with: numbers 0 to one less. A chain has one. */
uint32_t orchestrator_roots(const struct orchestrator *orchestrator, uint32_t slot);

/* Another one of them, of a program that was started. */
struct ready_turn orchestrator_root(const struct orchestrator *orchestrator, uint32_t slot, uint32_t root);

/* A turn as a call of the model. Its content lives until the turn's end is told.
 */
struct turn_call {
    uint64_t program;
    uint32_t turn;
    simtime ready;
    struct content content; /* prompt, then output */
    uint32_t prompt_toks;
    uint32_t output_toks;
    bool shared_output;
    simtime lead;         /* from its end to its effect: the next turn is ready, or a client; SIMTIME_NEVER: none */
    simtime next_service; /* of the next turn of a chain; SIMTIME_NEVER: there is none */
};

struct turn_call orchestrator_call(struct orchestrator *orchestrator, uint32_t slot, uint32_t turn);

/* Its content alone, also of a program that is prepared and has not started. */
struct content orchestrator_prompt(struct orchestrator *orchestrator, uint32_t slot, uint32_t number, uint32_t *toks);

/* Tokens at the beginning of a called turn's prompt that its program's context began with before. */
uint32_t orchestrator_kept_toks(const struct orchestrator *orchestrator, uint32_t slot, uint32_t number);

/* The instance of the turn whose context a called turn starts from; NO_HOME of a root. In one process from the start of
 * the program on. */
uint32_t orchestrator_home(const struct orchestrator *orchestrator, uint32_t slot, uint32_t number);

/* What policies may know of that turn. */
struct turn_facts orchestrator_facts(const struct orchestrator *orchestrator, uint32_t slot, uint32_t number);

/* Where the state of the program in `slot` lies, for who fetches it ahead. */
const void *orchestrator_memory(const struct orchestrator *orchestrator, uint32_t slot);

/* Has the processor fetch the state of the program in `slot`; and, once it is there, its present turn. */
void orchestrator_prefetch(const struct orchestrator *orchestrator, uint32_t slot);
void orchestrator_prefetch_turn(const struct orchestrator *orchestrator, uint32_t slot);

enum turn_outcome {
    TURN_IS_FOLLOWED, /* by the turn in *next */
    TURN_RELEASES,    /* in a graph: the turns that orchestrator_next_released gives, maybe none */
    TURN_IS_OVER,     /* in a graph: nothing waits for it, and others are not over; the slot may be another's already */
    TURN_WAS_LAST,    /* *record tells of the program until the slot is given back */
    TURN_TOO_LATE,    /* an error, for orchestrator_report_late_turn: the turn next->key lies beyond simulated time */
};

/* A turn ended; of `ended` the turn, the instance, when it was first scheduled and its last token matter. */
enum turn_outcome orchestrator_turn_ended(struct orchestrator *orchestrator, uint32_t slot,
                                          const struct turn_record *ended, struct ready_turn *next,
                                          struct program_record *record);

/* After TURN_RELEASES: the turns that waited for nothing else; *edge is 0 at first. False when there are no more. */
bool orchestrator_next_released(struct orchestrator *orchestrator, uint32_t slot, const struct turn_record *ended,
                                uint32_t *edge, struct ready_turn *next);

/* All that a chain in progress is, besides what its number says: to go on with it in another process. A graph has more
 * (orchestrator/checkpoint.h). */
struct program_state {
    uint64_t program;
    uint32_t turn;
    uint32_t client;
    simtime ready; /* of the turn */
    simtime arrival;
    simtime tool_time;
    simtime attained; /* of the turn */
    struct program_sums sums;
};

struct program_state orchestrator_state(const struct orchestrator *orchestrator, uint32_t slot);

/* Goes on with a program in a slot that was taken for it; its present turn can be called then. False when the
 * workload's file is not sound there (its error is reported), or has no such turn. */
bool orchestrator_resume(struct orchestrator *orchestrator, uint32_t slot, const struct program_state *state);

/* A turn of a program that was resumed, as a ready one; `home`, of a chain, as orchestrator_turn_ended gave it. */
struct ready_turn orchestrator_ready(const struct orchestrator *orchestrator, uint32_t slot, uint32_t turn,
                                     uint32_t home);

/* Sums for the recorder to add a turn of the program in `slot` to; after its last turn, those of all turns. */
struct program_sums *orchestrator_sums(struct orchestrator *orchestrator, uint32_t slot, uint32_t turn);
const struct program_sums *orchestrator_all_sums(const struct orchestrator *orchestrator, uint32_t slot);

/* ---- for who reports on programs in progress (orchestrator/checkpoint.h says in which slots they are) ---- */

/* A turn that is to come, or at an instance. */
struct present_turn {
    uint64_t program;
    const char *name; /* of the program; lives as long as that is in progress */
    simtime arrival;  /* of the program: a client may have taken it before */
    uint32_t turn;
    simtime ready;    /* SIMTIME_NEVER: not all turns that it waits for have ended */
    uint32_t home;    /* instance of the turn that it follows; NO_HOME of a first one */
    uint32_t follows; /* that turn; of a first one undefined */
};

/* The first present turn from number `*next` on, which is then the one behind it; false when there is none. Of a chain
 * there is one; of a graph those that are ready or at an instance, and those that wait for others after the turn whose
 * context they start from has ended. */
bool orchestrator_next_present(const struct orchestrator *orchestrator, uint32_t slot, uint32_t *next,
                               struct present_turn *out);

/* The content of a turn that has ended, and how much of it was served: prompt and output. Valid as of
 * orchestrator_prompt; in a chain not after that was called for the next turn. */
struct content orchestrator_context(struct orchestrator *orchestrator, uint32_t slot, uint32_t number, uint32_t *toks);

/* Turns of programs in progress that are ready or at an instance, without the first of each program. To check. */
uint64_t orchestrator_turns_beside(const struct orchestrator *orchestrator);

/* Closed loop: the client of the program in `slot`. */
uint32_t orchestrator_client(const struct orchestrator *orchestrator, uint32_t slot);

/* When a client that is free at `free` starts its next program. */
simtime orchestrator_client_ready(const struct orchestrator *orchestrator, simtime free);

void orchestrator_report_long_prompt(const struct orchestrator *orchestrator, uint32_t slot, struct diag *diag);

/* Turn `turn` of the program in `slot` would be ready after the end of simulated time. */
void orchestrator_report_late_turn(const struct orchestrator *orchestrator, uint32_t slot, uint32_t turn,
                                   struct diag *diag);

#endif
