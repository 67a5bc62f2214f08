#include "policy/homing.h"

#include "policy/builtin/builtin.h"

const struct routing_homing *routing_homing(const struct policy_use *use)
{
    return use->policy == &policy_session_affinity ? &session_affinity_homing : NULL;
}
