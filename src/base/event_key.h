/* The order of events: by time, and at one instant by phase.
 *
 * Phases make the order at an instant part of the model: everything that ends happens before what it releases, and all
 * arrivals of an instant are seen by the step that starts then. Ties within a phase go by content (program, turn).
 */
#ifndef ASIM_BASE_EVENT_KEY_H
#define ASIM_BASE_EVENT_KEY_H

#include "base/simtime.h"

enum event_phase {
    PHASE_STEP_END,
    PHASE_TRANSFER_END,
    PHASE_RELEASE, /* of turns and of closed-loop clients */
    PHASE_ROUTING,
    PHASE_ARRIVAL, /* at an instance */
    PHASE_STEP_START,
};

struct event_key {
    simtime time;
    enum event_phase phase;
};

#define EVENT_NEVER ((struct event_key){.time = SIMTIME_NEVER, .phase = PHASE_STEP_START})

static inline bool event_before(struct event_key a, struct event_key b)
{
    return a.time < b.time || (a.time == b.time && a.phase < b.phase);
}

static inline struct event_key event_min(struct event_key a, struct event_key b)
{
    return event_before(b, a) ? b : a;
}

#endif
