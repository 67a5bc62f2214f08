/* What policies decide inside an instance, one by one, where the configuration asks for it; see policy/decision.h. Each
 * call keeps nothing where it does not. */
#ifndef ASIM_INSTANCE_DECISION_LOG_H
#define ASIM_INSTANCE_DECISION_LOG_H

#include "instance/residency/residency.h"
#include "policy/decision.h"

struct decision_log {
    struct decision_list sent; /* turns that the router sent here */
    struct decision_list inside;
};

void engine_open_log(struct instance *instance);
void engine_close_log(struct instance *instance);

/* About a turn that is here; about one that ended; about a program between turns, with the blocks that are wanted. */
void engine_log_turn(struct instance *instance, enum decision_kind kind, const struct sequence *sequence, simtime now);
void engine_log_retention(struct instance *instance, const struct asim_retention *retention,
                          const struct sequence *sequence, simtime now);
void engine_log_resident(struct instance *instance, enum decision_kind kind, const struct resident *resident,
                         uint32_t needed, simtime until, simtime now);

#endif
