/* The gateway: what a routing policy hears of turns that it sent, when it is asked to look at the cluster again, and
 * the turns that it holds back or moves meanwhile (include/asim/policy.h, asim_gateway).
 *
 * The engine of the simulation tells of ends as it finds them, in any order, and passes the instants. The policy hears
 * of ends in the order of time, program and turn, up to an instant; then comes its tick, which leaves orders. Nothing
 * here depends on when the engine found what.
 *
 *     held       turns that `route` held, in that order
 *     returning  turns on their way back from an instance, by (time, key)
 *     moves      turns that were asked back, with where they are to go, until they have ended
 *     sent       by instance: turns that were sent there and not heard of
 *     ends       not told yet
 */
#ifndef ASIM_ROUTER_GATEWAY_H
#define ASIM_ROUTER_GATEWAY_H

#include "asim/policy.h"
#include "base/simtime.h"
#include "base/store.h"

struct gateway;

/* A turn that is not at an instance. */
struct gateway_turn {
    simtime time;    /* held since, or back at the gateway */
    uint64_t key;    /* program and turn, as of ready turns */
    simtime service; /* of the ready turn */
    uint32_t slot;
    uint32_t home;
    uint32_t prompt_toks; /* 0 unless the policy looks at it */
    uint32_t to;          /* instance; ASIM_NONE: not known */
    uint32_t kv_blocks;   /* of its prompt, whose KV has been copied, */
    uint32_t kv_at;       /* to this instance */
};

/* A turn that ended; with `is_program` a program, of which only that and its time are known. */
struct gateway_end {
    simtime time;
    uint64_t key;
    bool is_program;
    struct asim_completion completion;
};

struct gateway_end gateway_program_end(uint64_t program, simtime time);

/* A turn to be asked for at an instance. */
struct gateway_recall {
    uint64_t key;
    uint32_t instance;
    uint32_t kv_to; /* its KV is to be copied to that instance; ASIM_NONE: it stays behind */
};

/* Turns and programs that ended; the policy hears of those up to `instant`. */
void gateway_add_ends(struct gateway *gateway, const struct gateway_end *ends, size_t n);
void gateway_tell(struct gateway *gateway, simtime instant);

/* SIMTIME_NEVER: there are no more ticks. */
simtime gateway_next_tick(const struct gateway *gateway);

/* The tick at that instant; the policy has heard of ends up to it. `n_started` programs have started before, and more
 * are to come. Where nothing is left there are no more ticks. False when the policy's answer is nonsense, or it has
 * held turns for too long (router_fault). */
bool gateway_tick(struct gateway *gateway, uint64_t n_started, bool more_come);

/* The orders of the last tick: held turns to be sent, with `to`, and turns to be asked back. Valid until the next one;
 * carried out once. */
const struct gateway_turn *gateway_releases(const struct gateway *gateway, size_t *n);
const struct gateway_recall *gateway_recalls(const struct gateway *gateway, size_t *n);

void gateway_hold(struct gateway *gateway, const struct gateway_turn *turn);

/* A turn was sent to an instance. */
void gateway_note_sent(struct gateway *gateway, uint64_t key, uint32_t instance, simtime now);

/* A turn left its instance unserved. Then the first that is back: its key; SIMTIME_NEVER when none comes. It is taken
 * out, with `to`, ASIM_NONE when nobody asked for it. */
void gateway_add_return(struct gateway *gateway, const struct gateway_turn *turn);
simtime gateway_first_return(const struct gateway *gateway, uint64_t *key);
struct gateway_turn gateway_take_return(struct gateway *gateway);

/* Programs that ended, told or not. */
uint64_t gateway_programs_ended(const struct gateway *gateway);

/* Turns held and on their way back. */
uint64_t gateway_turns(const struct gateway *gateway);

/* Nothing is to happen any more. False, with the policy named (router_fault), when it holds turns that it will never
 * look at. */
bool gateway_is_empty(struct gateway *gateway);

/* All of it, as a section. The caller knows the turns: it is asked for each when a file is loaded, of which slot, turn
 * and home are given, and fills in key and service; false: there is no such turn. */
typedef bool (*gateway_lender)(void *user, struct gateway_turn *turn, uint32_t number);
void gateway_save(const struct gateway *gateway, struct store_writer *writer);
bool gateway_load(struct gateway *gateway, simtime now, gateway_lender lend, void *user, struct store_reader *reader);

#endif
