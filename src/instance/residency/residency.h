/* What policies see and decide inside an instance: the programs whose KV is held between their turns, what is known of
 * the turns inside, the policies' states, and an account of the decisions. An instance whose policies leave everything
 * to the engine has none of it.
 *
 *   residency.c   the state: guests, residents, deadlines
 *   consult.c     a policy is called, and what it asked for is done; whether its answer makes sense
 *   show.c        what it is shown, and may ask for
 *   retention.c   turns that end, deadlines, blocks under pressure
 *   ordering.c    who is admitted and who is displaced
 *   hooks.h       what of this the rest of the engine calls
 *   ../tiers      what lies below HBM, and what is on its way there and back
 *
 * They use each other: what is given up may change who is first, and what ends may be what somebody waited for.
 */
#ifndef ASIM_INSTANCE_RESIDENCY_H
#define ASIM_INSTANCE_RESIDENCY_H

#include "instance/residency/hooks.h"
#include "instance/residency/residency_counters.h"
#include "policy/policy_fault.h"
#include "policy/policy_set.h"

/* What is known of a turn inside the instance; by index of its sequence. */
struct guest {
    struct turn_facts facts;
    struct asim_priority priority;
    simtime served;         /* execution time before it was preempted last */
    simtime running_since;  /* SIMTIME_NEVER: it waits */
    uint64_t refused_in;    /* batch; 0: none */
    uint32_t thrown_toks;   /* the most that it had computed when it was preempted */
    uint32_t stored_blocks; /* leading ones, since it was admitted, as they filled up */
    uint32_t loaded_toks;   /* for its first admission, brought from a tier, */
    uint8_t loaded_from;    /* this one */
    bool was_looked_up;     /* in HBM, where evictions are measured */
    bool is_raising;        /* KV is on its way from storage to the first tier, */
    uint32_t raise;         /* in this transfer, */
    simtime raise_until;    /* which is cut short then; SIMTIME_NEVER: it has no time limit */
    bool is_loading;        /* KV is on its way from a tier; when it has come the sequence holds it while it waits */
};

/* A program between two turns. */
struct resident {
    struct kv_holder holder;    /* empty: it is away, in a tier below */
    struct extent_list content; /* where there are tiers */
    uint64_t program;
    uint32_t turn, tool;
    uint32_t context_toks;
    uint32_t blocks;
    uint32_t private_blocks; /* that nobody else held when it was retained, but stores of them */
    bool is_pin;             /* until the deadline, else a hold */
    bool has_returned;
    bool is_offloading; /* a store is under way, that holds what the resident held */
    bool is_coming;     /* a prefetch is under way */
    simtime back_at;    /* when one is to start; SIMTIME_NEVER: none is planned */
    simtime program_arrival;
    simtime since;
    simtime until;   /* deadline of a pin */
    simtime returns; /* truth, for oracles */
    double score;
};

/* A policy at work: one per policy, also when it serves two planes. */
struct seat {
    const struct policy_use *use;
    void *state;
    simtime tick_period; /* SIMTIME_NEVER: none */
    simtime tick_at;     /* SIMTIME_NEVER: the instance is idle */
};

/* What a function of a policy asked for while it ran. */
struct wish {
    enum { WISH_PIN, WISH_RELEASE, WISH_OFFLOAD, WISH_PREFETCH } kind;
    uint64_t program;
    simtime until;
};

/* Waiting turns in the order in which they are tried, for a batch in which many are sent back. */
struct queued {
    struct sequence *sequence;
    struct asim_priority priority;
    size_t place; /* among those that wait */
};

struct admission_queue {
    struct queued *items;
    size_t n, next, capacity;
    uint64_t batch;      /* of which the items are; 0: of none */
    uint64_t refused_in; /* the last batch that sent turns back, */
    uint32_t n_refused;  /* and how many */
};

struct residency {
    struct seat seats[2];
    uint32_t n_seats;
    struct seat *retention; /* of those */
    struct seat *scheduling;
    struct guest *guests;
    size_t guest_capacity;
    struct resident **residents; /* by program */
    size_t n_residents, resident_capacity;
    uint32_t n_loading;          /* waiting turns whose KV is on its way, */
    uint32_t n_raising;          /* to HBM or to the first tier */
    uint64_t batch;              /* number of the one that is composed, */
    uint64_t recomputing_blocks; /* and what turns hold that compute something again in it */
    struct admission_queue queue;
    struct resident **spare; /* memory of former ones */
    size_t n_spare, spare_capacity;
    uint32_t retained_blocks; /* private ones of all residents */
    simtime next_deadline;    /* of a pin that has not been passed by */
    struct residency_counters counters;
    struct wish *wishes;
    size_t n_wishes, wish_capacity;
    const struct sequence_list *shown_list; /* that the function being called has asked about; NULL: none */
    const struct sequence **shown;
    size_t n_shown, shown_capacity;
    struct policy_fault fault; /* the first answer that made no sense */
};

/* ---- residency.c ---- */

struct guest *residency_guest(const struct residency *residency, const struct sequence *sequence);

/* The resident of a program; NULL: it has none. */
struct resident *residency_find(const struct residency *residency, uint64_t program);

/* Keeps the blocks of `holder`, which is empty then, for a program that has no resident. */
struct resident *residency_add(struct instance *instance, uint64_t program, struct kv_holder *holder);

/* The resident's blocks go to the free queue at `now`, and it is no more; `index` among residents. */
void residency_remove(struct instance *instance, size_t index, simtime now);
size_t residency_index(const struct residency *residency, const struct resident *resident);

/* Its last `blocks` blocks go; there are more. */
void residency_shorten(struct instance *instance, struct resident *resident, uint32_t blocks, simtime now);

/* As residency_remove but for the record: the program is away then. */
void residency_vacate(struct instance *instance, struct resident *resident, simtime now);

/* Gives blocks to a program that is away; the holder is empty then. It is a hold. */
void residency_give(struct instance *instance, struct resident *resident, struct kv_holder *holder, simtime now);

/* A pin ends, or is moved to `until`. */
void residency_set_deadline(struct instance *instance, struct resident *resident, simtime until, simtime now);

/* True for a pin that ends at its deadline. A program that has returned keeps its pin until it is admitted. */
static inline bool residency_lapses(const struct instance *instance, const struct resident *resident)
{
    return resident->is_pin && !resident->has_returned && !instance->config->pins_until_needed;
}

/* Sets the instance's timer anew. */
void residency_set_timer(struct instance *instance);

/* The same where no resident has changed. */
void residency_renew_timer(struct instance *instance);

/* ---- consult.c: each asks one policy; the engine's rule when it has no such function ---- */

void consult_start(struct instance *instance, struct seat *seat);
void consult_arrival(struct instance *instance, const struct sequence *sequence, simtime now);
void consult_admission(struct instance *instance, const struct sequence *sequence, simtime now);
void consult_tick(struct instance *instance, struct seat *seat, simtime now);
void consult_plan(struct instance *instance, simtime now); /* only where engine_plans_transfers */
struct asim_retention consult_completion(struct instance *instance, const struct sequence *sequence, simtime now);
double consult_evict_order(struct instance *instance, const struct resident *resident, simtime now);
struct resident *consult_pressure(struct instance *instance, const struct asim_pressure *pressure, uint64_t except,
                                  simtime now);
struct asim_priority consult_priority(struct instance *instance, const struct sequence *sequence, simtime now);
struct sequence *consult_victim(struct instance *instance, simtime now); /* NULL: the engine's rule */
bool consult_admit(struct instance *instance, const struct sequence *sequence, simtime now);

#endif
