/* What a policy is shown while one of its functions runs, and what it may ask for meanwhile: wishes, which whoever
 * called it grants afterwards (consult.c). */
#ifndef ASIM_INSTANCE_RESIDENCY_SHOW_H
#define ASIM_INSTANCE_RESIDENCY_SHOW_H

#include "instance/residency/residency.h"

/* One call; the handle of the host's functions. */
struct call {
    struct instance *instance;
    const struct seat *seat;
    simtime now;
};

/* Of the call, which must outlive it: asim_context.handle. */
struct asim_context show_context(struct call *call);
struct asim_turn show_turn(const struct call *call, const struct sequence *sequence);
struct asim_resident show_resident(const struct call *call, const struct resident *resident);

/* The turn of the list with the number that policies know it by; NULL: there is none. */
const struct sequence *show_at_index(const struct instance *instance, const struct sequence_list *list, uint32_t index);

#endif
